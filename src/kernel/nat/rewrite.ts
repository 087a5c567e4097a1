import { invertTuple, tracksPorts } from "../conntrack/tuple.ts";
import type { ConntrackEntry, Tuple } from "../entry.ts";
import type { PacketView } from "../event.ts";
import { type Address, type Packet, protocols } from "../packet.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";
import type { Manip } from "./range.ts";

/** The fields of a packet that NAT writes. */
type Writable = { src: Address; dst: Address; sport: number; dport: number; icmpId: number };

const QUERIES_V4 = new Set([0, 8, 13, 14, 15, 16, 17, 18]);
const QUERIES_V6 = new Set([128, 129]);

function hasIdentifier(packet: Packet): boolean {
  return packet.protocol === protocols.icmp
    ? QUERIES_V4.has(packet.icmpType)
    : packet.protocol === protocols.icmpv6 && QUERIES_V6.has(packet.icmpType);
}

/** Writes one end of a tuple into a packet (`nf_nat_manip_pkt`). */
function write(packet: Writable & Packet, target: Tuple, manip: Manip): void {
  if (manip === "source") packet.src = target.src;
  else packet.dst = target.dst;
  if (packet.fragmentOffset !== 0) return;
  if (tracksPorts(packet.protocol)) {
    if (manip === "source") packet.sport = target.sport;
    else packet.dport = target.dport;
  } else if (hasIdentifier(packet)) {
    packet.icmpId = target.sport;
  }
}

export function view(skb: Skb): PacketView {
  return { src: skb.src, dst: skb.dst, sport: skb.sport, dport: skb.dport, mark: skb.mark };
}

/** Has the entry a change of this kind for packets of this direction? Replies undo the other kind. */
function applies(entry: ConntrackEntry, manip: Manip, direction: number): boolean {
  const source = (manip === "source") === (direction === 0);
  return source ? entry.sourceChanged : entry.destinationChanged;
}

/** `gre_manip_pkt` wants so many bytes of a GRE packet, whatever it does with them. */
const GRE_NEEDS = 8;

/**
 * `nf_nat_packet`: rewrites a packet as its entry says, at a hook of the given kind (kernel-semantics §3.1). False: it is too short
 * for that, and dropped.
 */
export function rewrite(walk: Walk, skb: Skb, entry: ConntrackEntry, manip: Manip): boolean {
  if (!applies(entry, manip, skb.direction)) return true;
  if (skb.protocol === protocols.gre && skb.payload < GRE_NEEDS) return false;
  const before = walk.record === undefined ? undefined : view(skb);
  write(skb, invertTuple(skb.direction === 0 ? entry.reply : entry.original), manip);
  if (manip === "source") skb.sportChoice = skb.direction === 0 ? entry.chosenPort : undefined;
  else skb.dportChoice = skb.direction === 0 ? entry.chosenDestinationPort : undefined;
  if (before !== undefined) {
    const chosen = manip === "source" ? skb.sportChoice : skb.dportChoice;
    walk.record?.({
      kind: "translated",
      part: manip,
      before,
      after: view(skb),
      ...(chosen === undefined ? {} : { chosenFrom: chosen }),
    });
  }
  return true;
}

/**
 * `nf_nat_icmp_reply_translation`: an ICMP error of a translated connection quotes what its receiver once sent, and comes from
 * the address that the receiver talks to (kernel-semantics §5.1). False: the packet is dropped, as redirects of translated connections,
 * messages with a wrong checksum, and those whose quotation is too short.
 */
export function rewriteError(walk: Walk, skb: Skb, entry: ConntrackEntry, manip: Manip): boolean {
  if (skb.badChecksum) return false;
  if (skb.protocol === protocols.icmp && skb.icmpType === 5) {
    if (!entry.sourceDone || !entry.destinationDone) return false;
    if (entry.sourceChanged || entry.destinationChanged) return false;
  }
  if (!applies(entry, manip, skb.direction)) return true;
  if (skb.inner?.protocol === protocols.gre && skb.inner.payload < GRE_NEEDS) return false;
  const before = walk.record === undefined ? undefined : view(skb);
  const other = skb.direction === 0 ? entry.reply : entry.original;
  if (skb.inner !== undefined) {
    const inner: Packet & Writable = { ...skb.inner };
    write(inner, other, manip === "source" ? "destination" : "source");
    skb.inner = inner;
  }
  const target = invertTuple(other);
  if (manip === "source") skb.src = target.src;
  else skb.dst = target.dst;
  if (before !== undefined) walk.record?.({ kind: "translated", part: manip, before, after: view(skb) });
  return true;
}
