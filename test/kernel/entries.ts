import type { ConntrackEntry, Tuple } from "../../src/kernel/entry.ts";
import { addressText } from "../../src/kernel/packet-text.ts";
import type { HostState } from "../../src/kernel/state.ts";
import { canonicalIP } from "../../src/net/ip.ts";
import type { ObservedEntry, ObservedTuple } from "./step.ts";

/** States as `enum tcp_conntrack` numbers them. */
const TCP_STATES = [
  "NONE",
  "SYN_SENT",
  "SYN_RECV",
  "ESTABLISHED",
  "FIN_WAIT",
  "CLOSE_WAIT",
  "LAST_ACK",
  "TIME_WAIT",
  "CLOSE",
  "SYN_SENT2",
];
/** `enum sctp_conntrack` */
const SCTP_STATES = [
  "NONE",
  "CLOSED",
  "COOKIE_WAIT",
  "COOKIE_ECHOED",
  "ESTABLISHED",
  "SHUTDOWN_SENT",
  "SHUTDOWN_RECD",
  "SHUTDOWN_ACK_SENT",
  "HEARTBEAT_SENT",
];
const [SEEN_REPLY, ASSURED] = [2, 4];
/** Seconds by which the clocks of both worlds may differ. */
const SLACK = 2;

export function tupleKey({ src, dst, protocol, sport, dport }: Tuple): string {
  return `${addressText(src)} ${addressText(dst)} ${protocol} ${sport} ${dport}`;
}

export function observedKey({ src, dst, protocol, sport, dport, icmpId, icmpType, icmpCode }: ObservedTuple): string {
  const ends = `${canonicalIP(src) ?? src} ${canonicalIP(dst) ?? dst} ${protocol}`;
  if (icmpType !== undefined) return `${ends} ${icmpId ?? 0} ${icmpType * 256 + (icmpCode ?? 0)}`;
  return `${ends} ${sport ?? 0} ${dport ?? 0}`;
}

function oursText(entry: ConntrackEntry): string {
  const known = entry.protocolState;
  const state = known?.kind === "tcp" || known?.kind === "sctp" ? known.state : "";
  return `${tupleKey(entry.original)} | ${tupleKey(entry.reply)} zone ${entry.zone} ${state} reply ${entry.seenReply} assured ${entry.assured} mark ${entry.mark}`;
}

function theirsText(entry: ObservedEntry): string {
  const { protocol } = entry.original;
  const names = protocol === 6 ? TCP_STATES : protocol === 132 ? SCTP_STATES : [];
  const state = entry.state === undefined ? "" : (names[entry.state] ?? "");
  const [reply, assured] = [(entry.status & SEEN_REPLY) !== 0, (entry.status & ASSURED) !== 0];
  return `${observedKey(entry.original)} | ${observedKey(entry.reply)} zone ${entry.zone} ${state} reply ${reply} assured ${assured} mark ${entry.mark}`;
}

/** A tick of the kernel's clock, in milliseconds: 10 where HZ is 100. */
export const TICK = 10;
/** The kernel's default timeouts in milliseconds. */
const [UDP_TIMEOUT, UDP_STREAM_TIMEOUT] = [30_000, 120_000];

/**
 * UDP is assured by a packet that comes 2 s after the first. Both times are known up to a tick of the kernel's clock and the
 * time that a packet takes (`slack` milliseconds): nearer to that moment only the kernel can tell what its clock said, and the
 * emulator is set right.
 */
function settleAssured(state: HostState, theirs: ObservedEntry, slack: number): void {
  const key = observedKey(theirs.original);
  const own = state.entries.list().find((entry) => tupleKey(entry.original) === key && entry.zone === theirs.zone);
  if (own?.protocolState?.kind !== "udp") return;
  const { streamFrom } = own.protocolState;
  const near = [UDP_TIMEOUT, UDP_STREAM_TIMEOUT].some(
    (lifetime) => Math.abs(own.expires - lifetime - streamFrom) <= 2 * (TICK + slack),
  );
  if (!near) return;
  const assured = (theirs.status & ASSURED) !== 0;
  state.set(own, "assured", assured);
  state.set(own, "expires", streamFrom + (assured ? UDP_STREAM_TIMEOUT : UDP_TIMEOUT));
}

/** How the connections of the emulator differ from the kernel's, in words; those about to expire are left out. */
export function entryDifferences(state: HostState, theirs: readonly ObservedEntry[], slack: number): string[] {
  for (const entry of theirs) settleAssured(state, entry, slack);
  const left = (entry: ConntrackEntry): number => (entry.expires - state.now) / 1000;
  const ours = new Map(
    state.entries
      .list()
      .filter((entry) => left(entry) > 0)
      .map((entry) => [oursText(entry), entry]),
  );
  const differences: string[] = [];
  for (const entry of theirs) {
    const text = theirsText(entry);
    const own = ours.get(text);
    ours.delete(text);
    if (own === undefined) {
      if (entry.timeout > SLACK) differences.push(`the kernel has ${text}`);
    } else if (Math.abs(left(own) - entry.timeout) > SLACK) {
      differences.push(`${text}: ${entry.timeout} s left, emulated ${left(own).toFixed(1)}`);
    }
  }
  for (const [text, entry] of ours) if (left(entry) > SLACK) differences.push(`the emulator has ${text}`);
  return differences;
}
