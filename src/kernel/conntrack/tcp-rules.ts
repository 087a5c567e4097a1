import type { ConntrackEntry, Direction, TCPConnectionState, TCPLast, TCPSide } from "../entry.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";
import { removeEntry } from "./table.ts";
import { segmentIndex, tcpTransition } from "./tcp-table.ts";
import { before, emptySide, readOptions, segmentEnd, sideFlag } from "./tcp-window.ts";
import { again, invalid, type Verdict } from "./verdict.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** One segment at work on a connection. */
export interface Segment {
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

/** The table of states and its exceptions, in the kernel's order (kernel-semantics §1.6). */
export function decide(segment: Segment): Next {
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
