import type { ConntrackEntry, Direction, ProtocolState, TCPConnectionState, TCPSide } from "../entry.ts";
import { tcpFlag } from "../packet.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";
import { removeEntry } from "./table.ts";
import { decide, type Segment } from "./tcp-rules.ts";
import { indexOfFlags, segmentIndex, tcpTransition, validFlags } from "./tcp-table.ts";
import { checkWindow, emptyLast, emptySide, readOptions, segmentEnd, sideFlag } from "./tcp-window.ts";
import { type TimeoutName, timeoutOf } from "./timeouts.ts";
import { accepted, checksumRefused, invalid, refreshFor, type Verdict } from "./verdict.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** How many equal acknowledgements shorten the timeout (`nf_conntrack_tcp_max_retrans`). */
const MAX_RETRANSMISSIONS = 3;

const timeoutNames: Readonly<Record<TCPConnectionState, TimeoutName>> = {
  NONE: "tcp_timeout_syn_sent",
  SYN_SENT: "tcp_timeout_syn_sent",
  SYN_RECV: "tcp_timeout_syn_recv",
  ESTABLISHED: "tcp_timeout_established",
  FIN_WAIT: "tcp_timeout_fin_wait",
  CLOSE_WAIT: "tcp_timeout_close_wait",
  LAST_ACK: "tcp_timeout_last_ack",
  TIME_WAIT: "tcp_timeout_time_wait",
  CLOSE: "tcp_timeout_close",
  SYN_SENT2: "tcp_timeout_syn_sent",
};

/** The full timeout of a TCP state's name. */
export function tcpTimeoutName(state: TCPConnectionState): TimeoutName {
  return timeoutNames[state];
}

/**
 * TCP (`nf_conntrack_tcp_packet`, kernel-semantics §1.6): flags, the table of states, the rules for resets, reopened and
 * half-open connections, the windows, the timeout.
 */
export function trackTCP(walk: Walk, skb: Skb, entry: ConntrackEntry, direction: Direction): Verdict {
  if (checksumRefused(walk, skb)) return invalid("bad checksum");
  if (!validFlags(skb.flags)) return invalid("flags that do not go together");
  const index = indexOfFlags(skb.flags);
  const known = entry.confirmed ? entry.protocolState : firstState(walk, skb, index);
  if (known?.kind !== "tcp") return invalid("not the start of a connection");
  const segment: Segment = {
    walk,
    skb,
    entry,
    direction,
    index,
    state: known.state,
    sides: [{ ...known.sides[0] }, { ...known.sides[1] }],
    last: { ...known.last },
    previous: known.state,
    next: known.state,
  };
  const next = decide(segment);
  if (next === "ignore") {
    store(segment, known.state);
    return accepted;
  }
  if (typeof next !== "string") {
    if (entry.confirmed && next.kind !== "again") store(segment, known.state);
    return next;
  }
  if (next === "window") {
    const verdict = checkWindow(segment, skb, direction, index, walk.host.sysctls.tcpBeLiberal);
    if (verdict !== "accept") {
      if (verdict !== "ignore") shortenClosing(segment);
      store(segment, known.state);
      return verdict === "ignore" ? accepted : invalid(verdict.invalid);
    }
  }
  return advance(segment);
}

/** The state before the first segment (`tcp_new`): a SYN, or with nf_conntrack_tcp_loose an ACK of a connection that is under way. */
function firstState(walk: Walk, skb: Skb, index: number): ProtocolState | undefined {
  const start = tcpTransition(0, index, "NONE");
  if (start !== "SYN_SENT" && start !== "ESTABLISHED") return undefined;
  const end = segmentEnd(skb);
  const maxWindow = skb.window === 0 ? 1 : skb.window;
  const side: Mutable<TCPSide> = { ...emptySide, end, maxEnd: end, maxWindow };
  if (start === "SYN_SENT") {
    readOptions(skb, side);
    return { kind: "tcp", state: "NONE", sides: [side, emptySide], last: emptyLast };
  }
  if (!walk.host.sysctls.tcpLoose) return undefined;
  const flags = sideFlag.sackPermitted | sideFlag.beLiberal;
  side.maxEnd = (end + maxWindow) >>> 0;
  side.flags = flags;
  return { kind: "tcp", state: "NONE", sides: [side, { ...emptySide, flags }], last: emptyLast };
}

const storedState = (segment: Segment, state: TCPConnectionState): ProtocolState => ({
  kind: "tcp",
  state,
  sides: segment.sides,
  last: segment.last,
});

function store(segment: Segment, state: TCPConnectionState): void {
  segment.walk.state.set(segment.entry, "protocolState", storedState(segment, state));
}

/** FIN or RST out of the window from both sides: the connection is likely over (`nf_tcp_handle_invalid`). */
function shortenClosing(segment: Segment): void {
  const { walk, entry, direction, index, last } = segment;
  if (!entry.assured || (index !== segmentIndex.RST && index !== segmentIndex.FIN)) return;
  if (last.direction !== direction && (last.index === segmentIndex.FIN || last.index === segmentIndex.RST)) {
    const left = entry.expires - walk.state.now;
    const seconds = timeoutOf(walk.host.sysctls, "tcp_timeout_unacknowledged");
    if (left >= 120_000 && left > seconds * 1000) refreshFor(walk, entry, seconds);
    return;
  }
  last.index = index;
  last.direction = direction;
}

/** A segment in the window: the new state, the timeout, ASSURED. */
function advance(segment: Segment): Verdict {
  const { walk, skb, entry, direction, index, last, sides, previous, next } = segment;
  last.index = index;
  last.direction = direction;
  if (previous !== next && next === "FIN_WAIT") sides[direction].flags |= sideFlag.closeInit;
  store(segment, next);
  let seconds = timeoutOfState(segment);
  if (!entry.seenReply) {
    if ((skb.flags & tcpFlag.RST) !== 0) {
      removeEntry(walk.state, entry);
      return accepted;
    }
    // a repeated SYN does not keep the entry alive
    if (index === segmentIndex.SYN && previous === "SYN_SENT") return accepted;
    if (next === "ESTABLISHED") seconds = Math.min(seconds, timeoutOf(walk.host.sysctls, "tcp_timeout_unacknowledged"));
  } else if (!entry.assured && (previous === "SYN_RECV" || previous === "ESTABLISHED") && next === "ESTABLISHED") {
    walk.state.set(entry, "assured", true);
  }
  refreshFor(walk, entry, seconds);
  return accepted;
}

function timeoutOfState({ walk, index, last, sides, next }: Segment): number {
  const { sysctls } = walk.host;
  const full = timeoutOf(sysctls, timeoutNames[next]);
  const retransmitting = timeoutOf(sysctls, "tcp_timeout_max_retrans");
  if (last.retransmissions >= MAX_RETRANSMISSIONS && full > retransmitting) return retransmitting;
  if (index === segmentIndex.RST) return timeoutOf(sysctls, "tcp_timeout_close");
  const unacknowledged = timeoutOf(sysctls, "tcp_timeout_unacknowledged");
  if (((sides[0].flags | sides[1].flags) & sideFlag.dataUnacknowledged) !== 0 && full > unacknowledged)
    return unacknowledged;
  return last.window === 0 && full > retransmitting ? retransmitting : full;
}
