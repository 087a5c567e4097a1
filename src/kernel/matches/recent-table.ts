import type { IPFamily } from "../../net/family.ts";
import type { IPAddress } from "../../net/ip.ts";
import type { RecentMatch } from "../../rules/iptables/matches/recent.ts";
import type { Ruleset } from "../../rules/iptables/ruleset.ts";
import { type Address, sameAddress } from "../packet.ts";
import type { HostState } from "../state.ts";
import { plainAddress } from "./address.ts";
import { matchesByName } from "./rules-by-name.ts";

/** One address of a `recent` list. */
export interface RecentEntry {
  readonly family: IPFamily;
  readonly address: Address;
  readonly ttl: number;
  /** Milliseconds of the host's clock, oldest first. */
  readonly stamps: readonly number[];
}

/** A list by age of the last stamp, oldest first: the order in which the kernel evicts. */
export type RecentTable = readonly RecentEntry[];

/** `ip_list_tot` of xt_recent. */
const MAX_ENTRIES = 100;
/** Stamps kept for each address where no rule of the list has `--hitcount`. */
const DEFAULT_STAMPS = 32;

const empty: RecentTable = [];
const key = (name: string): string => `recent ${name}`;

/** The list of a name; lists are shared by all tables and both families. */
export function recentTable(state: HostState, name: string): RecentTable {
  return (state.ofName.get(key(name)) as RecentTable | undefined) ?? empty;
}

export function setRecentTable(state: HostState, name: string, table: RecentTable): void {
  state.put<string, unknown>(state.ofName, key(name), table);
}

/**
 * After a change of rules: a list lives as long as a rule names it (`recent_mt_destroy`; kernel-semantics §2.4), so those that
 * no rule names any more are gone.
 */
export function forgetRecentLists(state: HostState, rules: Readonly<Record<IPFamily, Ruleset>>): void {
  const { recent } = matchesByName(rules);
  for (const place of [...state.ofName.keys()])
    if (place.startsWith(key("")) && !recent.has(place.slice(key("").length))) state.remove(state.ofName, place);
}

/** `recent_entry_lookup`: `ttl` 0 fits every entry. */
export function findRecent(
  table: RecentTable,
  family: IPFamily,
  address: Address,
  ttl: number,
): RecentEntry | undefined {
  for (const entry of table) {
    if (
      entry.family === family &&
      sameAddress(entry.address, address) &&
      (ttl === 0 || entry.ttl === 0 || entry.ttl === ttl)
    )
      return entry;
  }
  return undefined;
}

/** A list with a new entry behind the others (`recent_entry_init`); the oldest one makes room. */
export function addRecent(table: RecentTable, entry: RecentEntry): RecentTable {
  return [...(table.length >= MAX_ENTRIES ? table.slice(1) : table), entry];
}

export function removeRecent(table: RecentTable, entry: RecentEntry): RecentTable {
  return table.filter((each) => each !== entry);
}

/** What all rules of one list have in common. */
export interface RecentOptions {
  /** Stamps kept for each address, a power of two. */
  readonly stamps: number;
  /** The kernel keeps the mask of the rule that made the list; `undefined` when the rules do not agree on one. */
  readonly mask: IPAddress | undefined;
}

const known = new WeakMap<readonly RecentMatch[], RecentOptions>();

/** The options of a list, from all rules of the host that name it. */
export function recentOptions(rules: Readonly<Record<IPFamily, Ruleset>>, match: RecentMatch): RecentOptions {
  const sharing = matchesByName(rules).recent.get(match.name);
  if (sharing === undefined) return optionsOf(match);
  let options = known.get(sharing);
  if (options === undefined) {
    options = sharing.map(optionsOf).reduce(join);
    known.set(sharing, options);
  }
  return options;
}

/** `recent_mt_check`: room for `--hitcount` stamps, rounded up to a power of two. */
function optionsOf({ hitCount, mask }: RecentMatch): RecentOptions {
  return { stamps: hitCount === 0 ? DEFAULT_STAMPS : 2 ** Math.ceil(Math.log2(hitCount)), mask };
}

function join(a: RecentOptions, b: RecentOptions): RecentOptions {
  const same = a.mask !== undefined && b.mask !== undefined && sameMask(a.mask, b.mask);
  return { stamps: Math.max(a.stamps, b.stamps), mask: same ? a.mask : undefined };
}

/** Masks of all ones are one and the same in both families. */
function sameMask(a: IPAddress, b: IPAddress): boolean {
  if (a.family === b.family) return sameAddress(plainAddress(a), plainAddress(b));
  const full = (mask: IPAddress): boolean =>
    mask.family === "IPv4" ? mask.value === 0xffffffff : mask.words.every((word) => word === 0xffffffff);
  return full(a) && full(b);
}
