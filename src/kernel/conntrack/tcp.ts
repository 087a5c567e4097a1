import type { ConntrackEntry, Direction, ProtocolState, TCPConnectionState, TCPLast, TCPSide } from "../entry.ts";
import { tcpFlag } from "../packet.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";
import { removeEntry } from "./table.ts";
import { indexOfFlags, segmentIndex, tcpTransition, validFlags } from "./tcp-table.ts";
import { before, checkWindow, emptyLast, emptySide, readOptions, segmentEnd, sideFlag } from "./tcp-window.ts";
import { type TimeoutName, timeoutOf } from "./timeouts.ts";
import { accepted, again, checksumRefused, invalid, refreshFor, type Verdict } from "./verdict.ts";

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

/** One segment at work on a connection. */
interface Segment {
  readonly walk: Walk;
  readonly skb: Skb;
  readonly entry: ConntrackEntry;
  readonly direction: Direction;
  readonly index: number;
  readonly state: TCPConnectionState;
  readonly sides: [Mutable<TCPSide>, Mutable<TCPSide>];
  readonly last: Mutable<TCPLast>;
  previous: TCPConnectionState;
  next: TCPConnectionState;
}

/** What comes after the transition: the window check, no check, the packet passes without effect, or a final verdict. */
type Next = "window" | "skip-window" | "ignore" | Verdict;

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

/** The table of states and its exceptions, in the kernel's order. */
function decide(segment: Segment): Next {
  const { direction, index, last, state } = segment;
  const transition = tcpTransition(direction, index, state);
  if (transition === "INVALID") return invalid(`not expected in state ${state}`);
  if (transition === "IGNORE") return ignored(segment);
  segment.next = transition;
  switch (transition) {
    case "SYN_SENT":
      if (state !== "TIME_WAIT" && state !== "CLOSE") return "window";
      return reopens(segment) ? again : ignored(segment);
    case "TIME_WAIT":
      return challengeAnswered(segment) ? "ignore" : "window";
    case "SYN_SENT2":
      last.flags |= sideFlag.simultaneousOpen;
      return "window";
    case "SYN_RECV":
      if (direction === 1 && index === segmentIndex.ACK && (last.flags & sideFlag.simultaneousOpen) !== 0)
        segment.next = "ESTABLISHED";
      return "window";
    case "CLOSE":
      return index === segmentIndex.RST ? reset(segment) : "window";
    default:
      return "window";
  }
}

/** Does a SYN on a closed connection start a new one? Only after a FIN of either side, or a reset from the SYN's own side. */
function reopens(segment: Segment): boolean {
  const { walk, entry, direction, sides, last } = segment;
  const closed = ((sides[0].flags | sides[1].flags) & sideFlag.closeInit) !== 0;
  if (!closed && last.index === segmentIndex.unknown)
    // a listing does not say how the connection came to be closed
    return walk.chooser.unknown({ what: "whether the closed connection in the listing may be reopened" })
      ? removed(walk, entry)
      : false;
  if (!closed && !(last.direction === direction && last.index === segmentIndex.RST)) return false;
  return removed(walk, entry);
}

function removed(walk: Walk, entry: ConntrackEntry): boolean {
  removeEntry(walk.state, entry);
  return true;
}

/** A segment that may or may not be the real connection's passes; what it said is kept, should its answer confirm it. */
function ignored(segment: Segment): Next {
  const { skb, direction, index, last, state } = segment;
  if (
    index === segmentIndex.SYNACK &&
    last.index === segmentIndex.SYN &&
    last.direction !== direction &&
    skb.ack === last.end
  ) {
    resynchronise(segment);
    return "window";
  }
  last.index = index;
  last.direction = direction;
  last.seq = skb.seq;
  last.end = segmentEnd(skb);
  last.window = skb.window;
  if (index === segmentIndex.SYN && direction === 0) {
    const seen: Mutable<TCPSide> = { ...emptySide };
    readOptions(skb, seen);
    last.windowScale = seen.scale;
    last.flags = seen.flags | (state === "LAST_ACK" ? sideFlag.challengeAck : 0);
  }
  if (state === "SYN_SENT" && index === segmentIndex.ACK && direction === 1) last.ack = skb.ack;
  return "ignore";
}

/** A SYN+ACK acknowledges a SYN that was let through: both ends are in step, and the tracker joins them. */
function resynchronise(segment: Segment): void {
  const { direction, last, sides } = segment;
  const other = sides[last.direction];
  last.flags &= ~sideFlag.challengeAck;
  other.end = last.end;
  other.maxEnd = last.end;
  other.maxWindow = last.window === 0 ? 1 : last.window;
  other.scale = last.windowScale;
  other.flags = last.flags;
  const flags = sides[direction].flags & sideFlag.beLiberal;
  Object.assign(sides[direction], emptySide, { flags });
  segment.previous = "SYN_SENT";
  segment.next = "SYN_RECV";
}

/** An ACK in LAST_ACK that answers a stray SYN, not the last FIN (RFC 5961). */
function challengeAnswered(segment: Segment): boolean {
  const { direction, index, last, state } = segment;
  if (
    state !== "LAST_ACK" ||
    index !== segmentIndex.ACK ||
    last.direction === direction ||
    last.index !== segmentIndex.SYN ||
    (last.flags & sideFlag.challengeAck) === 0
  )
    return false;
  last.flags &= ~sideFlag.challengeAck;
  return true;
}

const CLOSING: ReadonlySet<TCPConnectionState> = new Set(["FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE"]);

/** The rules for resets: one that is not exact leaves an established connection as it is, one from the past is INVALID. */
function reset(segment: Segment): Next {
  const { skb, entry, direction, last, sides, state } = segment;
  if (CLOSING.has(state)) return "skip-window";
  const other = sides[direction === 0 ? 1 : 0];
  const established = state === "ESTABLISHED" && entry.assured;
  if ((other.flags & sideFlag.maxAckSet) !== 0 && last.index !== segmentIndex.SYN) {
    if (skb.seq === 0 && !established) return "window";
    if (before(skb.seq, other.maxAck)) return invalid("reset before what was acknowledged");
    if (!established || skb.seq === other.maxAck) return "window";
    if (last.index === segmentIndex.ACK && last.direction === direction && skb.seq === last.end) return "window";
    segment.next = state;
  }
  const answersIgnored =
    (entry.seenReply && last.index === segmentIndex.SYN && last.direction !== direction) ||
    (!entry.assured && last.index === segmentIndex.ACK);
  if (answersIgnored && skb.ack === last.end) return "skip-window";
  const answersChallenge =
    state === "SYN_SENT" && last.index === segmentIndex.ACK && last.direction === 1 && skb.seq === last.ack;
  return answersChallenge ? "skip-window" : "window";
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
