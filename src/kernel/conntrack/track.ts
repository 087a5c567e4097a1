import type { ConntrackEntry, Direction } from "../entry.ts";
import type { ConntrackState, Recorder } from "../event.ts";
import { protocols } from "../packet.ts";
import type { PacketState, Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";
import { trackGeneric, trackGRE } from "./generic.ts";
import { checkICMP, trackICMP } from "./icmp.ts";
import { trackSCTP } from "./sctp.ts";
import { findEntry, insertEntry, newEntry } from "./table.ts";
import { trackTCP } from "./tcp.ts";
import { timeoutOf } from "./timeouts.ts";
import { invertTuple, tupleOf } from "./tuple.ts";
import { trackUDP } from "./udp.ts";
import type { Verdict } from "./verdict.ts";

/**
 * The conntrack hook of PREROUTING and OUTPUT (`nf_conntrack_in`, kernel-semantics §1.5): gives the packet its entry, state
 * and direction, moves the entry's state and timeout, and records one `conntrack` event. A packet that has an entry already
 * (its second way, over loopback) or is untracked is left alone.
 */
export function track(walk: Walk, skb: Skb): void {
  if (skb.entry !== undefined || skb.state === "untracked") return;
  const reason = trackICMPMessage(walk, skb) ?? trackByTuple(walk, skb);
  if (walk.record !== undefined) recordState(walk.record, skb, reason);
}

function recordState(record: Recorder, skb: Skb, reason: string): void {
  const state = stateNames[skb.state];
  if (reason === TRACKED) record({ kind: "conntrack", state, entry: skb.entry?.id });
  else record({ kind: "conntrack", state, entry: undefined, reason });
}

/** Instead of a reason for INVALID: the packet has its state. */
const TRACKED = "";

const stateNames: Readonly<Record<PacketState, ConntrackState>> = {
  none: "INVALID",
  new: "NEW",
  established: "ESTABLISHED",
  related: "RELATED",
  untracked: "UNTRACKED",
};

/** What is special about ICMP messages; `undefined` for what is tracked by its tuple. */
function trackICMPMessage(walk: Walk, skb: Skb): string | undefined {
  if (skb.protocol !== protocols.icmp && skb.protocol !== protocols.icmpv6) return undefined;
  const check = checkICMP(walk, skb);
  switch (check.kind) {
    case "query":
      return undefined;
    case "invalid":
      return check.reason;
    case "untracked":
      skb.state = "untracked";
      return TRACKED;
    case "related":
      skb.entry = check.found.entry;
      skb.direction = check.found.direction;
      skb.state = "related";
      return TRACKED;
  }
}

function trackByTuple(walk: Walk, skb: Skb): string {
  const tuple = tupleOf(skb);
  if (tuple === undefined) return "no connection can be made of it";
  // at most twice: a connection that is reopened leaves nothing to be found
  for (;;) {
    const found = findEntry(walk.state, tuple, skb.zone);
    const entry = found?.entry ?? newEntry(walk.state, skb.zone, tuple, invertTuple(tuple));
    const direction = found?.direction ?? 0;
    const replied = direction === 1 || entry.seenReply;
    const verdict = byProtocol(walk, skb, entry, direction);
    if (verdict.kind === "again") continue;
    if (verdict.kind === "invalid") return verdict.reason;
    skb.entry = entry;
    skb.direction = direction;
    skb.state = replied ? "established" : "new";
    if (direction === 1 && !entry.seenReply) walk.state.set(entry, "seenReply", true);
    return TRACKED;
  }
}

function byProtocol(walk: Walk, skb: Skb, entry: ConntrackEntry, direction: Direction): Verdict {
  switch (skb.protocol) {
    case protocols.tcp:
      return trackTCP(walk, skb, entry, direction);
    case protocols.udp:
    case protocols.udplite:
      return trackUDP(walk, skb, entry);
    case protocols.icmp:
    case protocols.icmpv6:
      return trackICMP(walk, skb, entry);
    case protocols.sctp:
      return trackSCTP(walk, skb, entry, direction);
    case protocols.gre:
      return trackGRE(walk, entry);
    default:
      return trackGeneric(walk, entry);
  }
}

/** Protocols that may adopt the entry that was there first (`allow_clash`). */
const mayClash = (protocol: number): boolean =>
  protocol === protocols.udp || protocol === protocols.udplite || protocol === protocols.gre;

/**
 * Confirms the packet's entry, the last step of POSTROUTING and INPUT (`nf_conntrack_confirm`): the first packet's entry
 * enters the table under the tuples that NAT left it. False when one of them is taken: the packet is dropped
 * (kernel-semantics §3.2). Anything else passes.
 */
export function confirm(walk: Walk, skb: Skb): boolean {
  const { entry } = skb;
  if (entry === undefined || entry.confirmed || skb.direction !== 0) return true;
  if (entry.dead) return false;
  if (!insertEntry(walk.state, entry)) return adoptWinner(walk, skb, entry);
  walk.record?.({ kind: "confirmed", entry: entry.id });
  return true;
}

/** UDP and its like use the entry in their way if no NAT decision was ever made for it (`__nf_ct_resolve_clash`). */
function adoptWinner(walk: Walk, skb: Skb, entry: ConntrackEntry): boolean {
  if (!mayClash(entry.original.protocol)) return false;
  const { entries } = walk.state;
  const winner = entries.find(entry.original, entry.zone) ?? entries.find(entry.reply, entry.zone);
  if (winner === undefined || winner.sourceDone || winner.destinationDone) return false;
  skb.entry = winner;
  return true;
}

/** `nf_ct_set_closing`: a connection that is answered with a RST is closed (`nf_send_reset`). */
export function setClosing(walk: Walk, entry: ConntrackEntry): void {
  const { state } = walk;
  const known = entry.protocolState;
  if (known?.kind !== "tcp" || !entry.confirmed) return;
  state.set(entry, "protocolState", { ...known, state: "CLOSE" });
  state.set(entry, "expires", state.now + 1000 * timeoutOf(walk.host.sysctls, "tcp_timeout_close"));
}
