import type { Direction, TCPConnectionState, TCPLast, TCPSide } from "../entry.ts";
import { type Packet, tcpFlag } from "../packet.ts";
import { segmentIndex } from "./tcp-table.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Bits of `TCPSide.flags` and `TCPLast.flags` (`IP_CT_TCP_FLAG_…`). */
export const sideFlag = {
  windowScale: 0x01,
  sackPermitted: 0x02,
  /** This side sent the first FIN. */
  closeInit: 0x04,
  /** Segments out of the window are let through: the history is not known. */
  beLiberal: 0x08,
  dataUnacknowledged: 0x10,
  maxAckSet: 0x20,
  /** Only in `TCPLast`: an ACK that answers a stray SYN is expected (RFC 5961), and a simultaneous open. */
  challengeAck: 0x40,
  simultaneousOpen: 0x80,
} as const;

/** A side nothing is known about. */
export const emptySide: TCPSide = { end: 0, maxEnd: 0, maxWindow: 0, maxAck: 0, scale: 0, flags: 0 };

/** A connection before its first segment has been counted. */
export const emptyLast: TCPLast = {
  direction: 0,
  index: segmentIndex.NONE,
  seq: 0,
  ack: 0,
  end: 0,
  window: 0,
  flags: 0,
  retransmissions: 0,
  windowScale: 0,
};

/** What is known of a connection, being changed by one segment. */
export interface TCPWorking {
  readonly state: TCPConnectionState;
  readonly sides: [Mutable<TCPSide>, Mutable<TCPSide>];
  readonly last: Mutable<TCPLast>;
}

/** Whether a segment lies in the window: it does; it does not, but is let through without effect; it is INVALID. */
export type WindowVerdict = "accept" | "ignore" | { readonly invalid: string };

/** The window that an acknowledgement may lag behind when nothing larger was announced (`MAXACKWINCONST`). */
const MAX_ACK_WINDOW = 66000;
const KIND_SCALE = 3;
const KIND_SACK_PERMITTED = 4;
const KIND_SACK = 5;

/** Is sequence number `a` before `b`, modulo 2^32? */
export function before(a: number, b: number): boolean {
  return ((a - b) | 0) < 0;
}

const after = (a: number, b: number): boolean => before(b, a);

/** The sequence number behind a segment: SYN and FIN count as one byte each. */
export function segmentEnd(packet: Packet): number {
  const syn = (packet.flags & tcpFlag.SYN) === 0 ? 0 : 1;
  const fin = (packet.flags & tcpFlag.FIN) === 0 ? 0 : 1;
  return (packet.seq + packet.payload + syn + fin) >>> 0;
}

/** Takes window scale and SACK from a SYN's options (`tcp_options`); without any option nothing is changed. */
export function readOptions(packet: Packet, side: Mutable<TCPSide>): void {
  if (packet.options.length === 0) return;
  side.scale = 0;
  side.flags &= sideFlag.beLiberal;
  for (const { kind, value } of packet.options) {
    if (kind === KIND_SACK_PERMITTED) side.flags |= sideFlag.sackPermitted;
    if (kind !== KIND_SCALE) continue;
    side.scale = Math.min(value, 14);
    side.flags |= sideFlag.windowScale;
  }
}

/** The acknowledgement, or the highest right edge of a SACK option (its `value`) where that is further on (`tcp_sack`). */
function selectiveAck(packet: Packet): number {
  let sack = packet.ack;
  for (const { kind, value } of packet.options) if (kind === KIND_SACK && after(value, sack)) sack = value;
  return sack;
}

/** A side begins anew with a SYN (`tcp_init_sender`); windows are scaled only if both sides offered it. */
function startSide(
  packet: Packet,
  direction: Direction,
  end: number,
  sender: Mutable<TCPSide>,
  receiver: Mutable<TCPSide>,
): void {
  sender.end = end;
  sender.maxEnd = end;
  sender.maxWindow = packet.window === 0 ? 1 : packet.window;
  readOptions(packet, sender);
  if (direction === 1 && (sender.flags & receiver.flags & sideFlag.windowScale) === 0) {
    sender.scale = 0;
    receiver.scale = 0;
  }
}

/** A side of which no SYN was seen is learned from the segment at hand. */
function joinSide(
  packet: Packet,
  end: number,
  sack: number,
  sender: Mutable<TCPSide>,
  receiver: Mutable<TCPSide>,
): void {
  const window = packet.window << sender.scale;
  sender.end = end;
  sender.maxWindow = window === 0 ? 1 : window;
  sender.maxEnd = (end + sender.maxWindow) >>> 0;
  if (receiver.maxWindow === 0) {
    receiver.end = sack;
    receiver.maxEnd = sack;
  } else if (sack === (receiver.end + 1) >>> 0) {
    // likely the answer to a keepalive
    receiver.end = sack;
  }
}

/** A segment beyond what the receiver may take: let through if it is no more than one window too far. */
function overWindow(
  end: number,
  sack: number,
  sender: Mutable<TCPSide>,
  receiver: Mutable<TCPSide>,
): "ignore" | undefined {
  const overshot = (end - sender.maxEnd + 1) >>> 0;
  const inWindow = receiver.maxWindow !== 0 && after(end, sender.end - receiver.maxWindow - 1);
  const ackFits =
    after(sack, receiver.end - Math.max(sender.maxWindow, MAX_ACK_WINDOW) - 1) && before(sack, receiver.end + 1);
  if (!inWindow || !ackFits || overshot > receiver.maxWindow) return undefined;
  sender.end = end;
  sender.flags |= sideFlag.dataUnacknowledged;
  return "ignore";
}

/**
 * Checks a segment against both sides' windows and learns from it (`tcp_in_window`). `liberal`: the sysctl
 * nf_conntrack_tcp_be_liberal. `working` is changed even where the verdict is not `accept`, as the kernel does.
 */
export function checkWindow(
  working: TCPWorking,
  packet: Packet,
  direction: Direction,
  index: number,
  liberal: boolean,
): WindowVerdict {
  const sender = working.sides[direction];
  const receiver = working.sides[direction === 0 ? 1 : 0];
  const isSYN = (packet.flags & tcpFlag.SYN) !== 0;
  const isACK = (packet.flags & tcpFlag.ACK) !== 0;
  const isRST = (packet.flags & tcpFlag.RST) !== 0;
  let { seq, ack } = packet;
  let end = segmentEnd(packet);
  let sack = (receiver.flags & sideFlag.sackPermitted) === 0 ? ack : selectiveAck(packet);

  if (sender.maxWindow === 0) {
    if (isSYN) {
      startSide(packet, direction, end, sender, receiver);
      if (!isACK) return "accept"; // simultaneous open
    } else joinSide(packet, end, sack, sender, receiver);
  } else if (isSYN && after(end, sender.end) && (working.state === "SYN_SENT" || working.state === "SYN_RECV")) {
    startSide(packet, direction, end, sender, receiver);
    if (direction === 1 && !isACK) return "accept";
  }
  if (!isACK || (isRST && ack === 0)) {
    // no acknowledgement, or a reset of a sender that leaves it out: taken as fitting
    ack = receiver.end;
    sack = ack;
  }
  if (isRST && seq === 0 && working.state === "SYN_SENT") {
    seq = sender.end;
    end = seq;
  }

  const isLiberal = liberal || (sender.flags & sideFlag.beLiberal) !== 0;
  if (!before(seq, sender.maxEnd + 1)) {
    const verdict = overWindow(end, sack, sender, receiver) ?? { invalid: "sequence number over the window" };
    return isLiberal ? "accept" : verdict;
  }
  if (!before(sack, receiver.end + 1)) return isLiberal ? "accept" : { invalid: "acknowledges data that was not seen" };
  if (receiver.maxWindow !== 0 && !after(end, sender.end - receiver.maxWindow - 1))
    return isLiberal ? "accept" : "ignore";
  if (!after(sack, receiver.end - Math.max(sender.maxWindow, MAX_ACK_WINDOW) - 1))
    return isLiberal ? "accept" : "ignore";

  learn(isSYN ? packet.window : packet.window << sender.scale, { end, ack, sack, isACK }, sender, receiver);
  if (index === segmentIndex.ACK)
    countRetransmission(working.last, direction, { seq, ack, end, window: packet.window });
  return "accept";
}

/** Takes a segment in the window into account on both sides; `window` is scaled. */
function learn(
  window: number,
  segment: { readonly end: number; readonly ack: number; readonly sack: number; readonly isACK: boolean },
  sender: Mutable<TCPSide>,
  receiver: Mutable<TCPSide>,
): void {
  const { end, ack, sack } = segment;
  const span = (window + (sack - ack)) >>> 0;
  if (sender.maxWindow < span) sender.maxWindow = span;
  if (after(end, sender.end)) {
    sender.end = end;
    sender.flags |= sideFlag.dataUnacknowledged;
  }
  if (segment.isACK && ((sender.flags & sideFlag.maxAckSet) === 0 || after(ack, sender.maxAck))) {
    sender.maxAck = ack;
    sender.flags |= sideFlag.maxAckSet;
  }
  if (receiver.maxWindow !== 0 && after(end, sender.maxEnd))
    receiver.maxWindow = (receiver.maxWindow + (end - sender.maxEnd)) >>> 0;
  const edge = (sack + window) >>> 0;
  if (after(edge, receiver.maxEnd - 1)) receiver.maxEnd = window === 0 ? (edge + 1) >>> 0 : edge;
  if (ack === receiver.end) receiver.flags &= ~sideFlag.dataUnacknowledged;
}

/** Equal acknowledgements in a row count as retransmissions. */
function countRetransmission(
  last: Mutable<TCPLast>,
  direction: Direction,
  seen: { readonly seq: number; readonly ack: number; readonly end: number; readonly window: number },
): void {
  const { seq, ack, end, window } = seen;
  const same =
    last.direction === direction && last.seq === seq && last.ack === ack && last.end === end && last.window === window;
  last.retransmissions = same ? last.retransmissions + 1 : 0;
  last.direction = direction;
  last.seq = seq;
  last.ack = ack;
  last.end = end;
  last.window = window;
}
