import type { Packet } from "./packet.ts";
import { packetLength } from "./packet-length.ts";
import { addressText } from "./packet-text.ts";
import { type Skb, toPacket } from "./skb.ts";
import type { Walk } from "./walk.ts";

/** One piece of a packet: where its bytes lie behind the IP header. */
interface Piece {
  readonly from: number;
  readonly to: number;
  readonly packet: Packet;
}

/** The pieces of one packet that have come so far. */
interface Pieces {
  readonly since: number;
  readonly pieces: readonly Piece[];
}

/** `net.ipv4.ipfrag_time`, `net.ipv6.ip6frag_time` in milliseconds; the latter is 60 s. */
const WAIT = { IPv4: 30_000, IPv6: 60_000 } as const;

export function isWhole(packet: Packet): boolean {
  return packet.fragmentOffset === 0 && !packet.moreFragments;
}

function bytesBehindHeader(packet: Packet): number {
  if (packet.fragmentOffset !== 0) return packet.payload;
  return packetLength(packet) - (packet.family === "IPv4" ? 20 : packet.moreFragments ? 48 : 40);
}

/**
 * Takes a fragment (`ip_defrag`, kernel-semantics §5.3). True when it was the last one that was missing: the packet is whole
 * then, with the headers of its first piece. Pieces that overlap spoil all of their packet.
 */
export function collect(walk: Walk, skb: Skb): boolean {
  const { state } = walk;
  const { family, src, dst, protocol, identification } = skb;
  const key = `fragments ${addressText(src)} ${addressText(dst)} ${protocol} ${identification} ${skb.local}`;
  const found = state.ofName.get(key) as Pieces | undefined;
  const waiting = found !== undefined && state.now - found.since < WAIT[family] ? found : undefined;
  const packet = toPacket(skb);
  const from = skb.fragmentOffset * 8;
  const piece: Piece = { from, to: from + bytesBehindHeader(packet), packet };
  const before = waiting?.pieces ?? [];
  if (before.some((other) => other.from === piece.from && other.to === piece.to)) return false;
  if (before.some((other) => other.from < piece.to && piece.from < other.to)) {
    state.remove(state.ofName, key);
    return false;
  }
  const pieces = [...before, piece].sort((a, b) => a.from - b.from);
  const last = pieces.at(-1) as Piece;
  const contiguous = pieces.every((each, i) => each.from === (i === 0 ? 0 : (pieces[i - 1] as Piece).to));
  if (!contiguous || last.packet.moreFragments) {
    state.put(state.ofName, key, { since: waiting?.since ?? state.now, pieces });
    return false;
  }
  state.remove(state.ofName, key);
  join(skb, pieces);
  return true;
}

function join(skb: Skb, pieces: readonly Piece[]): void {
  const { packet: first } = pieces[0] as Piece;
  const { sport, dport, flags, seq, ack, window, options, vtag, chunks, initTag, icmpType, icmpCode, icmpId } = first;
  const later = pieces.slice(1).reduce((sum, { packet }) => sum + packet.payload, 0);
  const largest = Math.max(...pieces.map(({ packet }) => packetLength(packet)));
  const largestWithDF = Math.max(0, ...pieces.map(({ packet }) => (packet.df ? packetLength(packet) : 0)));
  Object.assign(skb, {
    sport,
    dport,
    flags,
    seq,
    ack,
    window,
    options,
    vtag,
    chunks,
    initTag,
    icmpType,
    icmpCode,
    icmpId,
  });
  skb.ttl = first.ttl;
  skb.fragmentOffset = 0;
  skb.moreFragments = false;
  skb.payload = first.payload + later;
  skb.largestPiece = largest;
  skb.df = largestWithDF === largest;
}
