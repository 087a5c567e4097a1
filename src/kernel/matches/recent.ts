import type { RecentMatch } from "../../rules/iptables/matches/recent.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";
import { maskedBits } from "./address.ts";
import { askUnknown } from "./not-modelled.ts";
import {
  addRecent,
  findRecent,
  type RecentEntry,
  type RecentTable,
  recentOptions,
  recentTable,
  removeRecent,
  setRecentTable,
} from "./recent-table.ts";

/** TTL as the packet came: a packet that is forwarded has lost one where an out-interface is known. */
function arrivedTTL(skb: Skb): number {
  return skb.outInterface !== undefined && !skb.local ? (skb.ttl + 1) & 0xff : skb.ttl;
}

/** Are there enough stamps that are young enough? Without `--hitcount` one will do. */
function hits({ stamps }: RecentEntry, { seconds, hitCount }: RecentMatch, now: number): boolean {
  const oldest = now - seconds * 1000;
  let count = 0;
  for (const stamp of stamps) {
    if (seconds > 0 && oldest > stamp) continue;
    count++;
    if (count >= hitCount) return true;
  }
  return false;
}

/**
 * `recent_entry_reap`: removes the oldest entry of the list when its last stamp is too old. The kernel spares the one that is about to
 * be stamped; here that puts it back.
 */
function reap(table: RecentTable, oldest: number): RecentTable {
  const [first] = table;
  return first !== undefined && oldest > (first.stamps.at(-1) as number) ? table.slice(1) : table;
}

/** `recent_entry_update`: one stamp more, of which the newest are kept, and last in the list. */
function stamp(table: RecentTable, entry: RecentEntry, ttl: number, now: number, room: number): RecentTable {
  const stamps = [...entry.stamps, now].slice(-room);
  return [...removeRecent(table, entry), { ...entry, ttl, stamps }];
}

/** `recent_mt` (kernel-semantics §2.4). */
export function recentMatches(walk: Walk, skb: Skb, match: RecentMatch): boolean {
  const { state } = walk;
  const { operation, negated, name } = match;
  const options = recentOptions(walk.host.rules, match);
  if (options.mask === undefined) {
    return askUnknown(walk, skb, `-m recent finds the address in ${name}, a list whose rules have different masks`);
  }
  const address = maskedBits(match.side === "source" ? skb.src : skb.dst, options.mask);
  const ttl = arrivedTTL(skb);
  const table = recentTable(state, name);
  const entry = findRecent(table, skb.family, address, match.ttl ? ttl : 0);
  if (entry === undefined) {
    if (operation !== "set") return negated;
    setRecentTable(state, name, addRecent(table, { family: skb.family, address, ttl, stamps: [state.now] }));
    return !negated;
  }
  if (operation === "remove") {
    setRecentTable(state, name, removeRecent(table, entry));
    return !negated;
  }
  const result = (operation === "set" || hits(entry, match, state.now)) !== negated;
  const stamped = operation === "set" || (operation === "update" && result);
  let after = match.reap ? reap(table, state.now - match.seconds * 1000) : table;
  if (stamped) after = stamp(after, entry, ttl, state.now, options.stamps);
  if (after !== table) setRecentTable(state, name, after);
  return result;
}
