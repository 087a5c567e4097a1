import type { IPFamily } from "../../net/family.ts";
import type { Tuple } from "../entry.ts";
import { finish, mix, mixAddress } from "../hash.ts";
import { type Address, type Packet, protocols, sameAddress } from "../packet.ts";

/** Types of ICMP queries and the type that answers each (`invmap` of nf_conntrack_proto_icmp.c). */
const answers: ReadonlyMap<number, number> = new Map([
  [8, 0],
  [0, 8],
  [13, 14],
  [14, 13],
  [15, 16],
  [16, 15],
  [17, 18],
  [18, 17],
]);

/** The same for ICMPv6: echo, and node information. */
const answersV6: ReadonlyMap<number, number> = new Map([
  [128, 129],
  [129, 128],
  [139, 140],
  [140, 139],
]);

/** The ICMP type that answers a type, or is answered by it; `undefined` for types without an opposite. */
export function oppositeType(protocol: number, type: number): number | undefined {
  return (protocol === protocols.icmpv6 ? answersV6 : answers).get(type);
}

/** Has a tuple of this protocol ports? Not so for DCCP, which Linux 6.18 tracks by addresses only. */
export function tracksPorts(protocol: number): boolean {
  return (
    protocol === protocols.tcp ||
    protocol === protocols.udp ||
    protocol === protocols.sctp ||
    protocol === protocols.udplite
  );
}

const isICMP = (protocol: number): boolean => protocol === protocols.icmp || protocol === protocols.icmpv6;

/**
 * The tuple of a packet in the packet's own direction (`nf_ct_get_tuple`). `undefined` where the kernel makes none, or one
 * that has no reply: fragments other than the first, ICMP types that are neither a query nor an answer.
 */
export function tupleOf(packet: Packet): Tuple | undefined {
  const { family, src, dst, protocol } = packet;
  if (packet.fragmentOffset !== 0) return undefined;
  if (tracksPorts(protocol)) return { family, src, dst, protocol, sport: packet.sport, dport: packet.dport };
  if (!isICMP(protocol)) return { family, src, dst, protocol, sport: 0, dport: 0 };
  if (oppositeType(protocol, packet.icmpType) === undefined) return undefined;
  return { family, src, dst, protocol, sport: packet.icmpId, dport: packet.icmpType * 256 + packet.icmpCode };
}

/**
 * The tuple of the answers (`nf_ct_invert_tuple`): addresses and ports swapped; for ICMP the identifier and code stay and
 * the type becomes its opposite. Total over the tuples that `tupleOf` makes; a type without an opposite stays.
 */
export function invertTuple(tuple: Tuple): Tuple {
  const { family, src, dst, protocol, sport, dport } = tuple;
  if (!isICMP(protocol)) return { family, src: dst, dst: src, protocol, sport: dport, dport: sport };
  const type = oppositeType(protocol, dport >>> 8) ?? dport >>> 8;
  return { family, src: dst, dst: src, protocol, sport, dport: type * 256 + (dport & 255) };
}

/** Are two tuples the same? */
export function sameTuple(a: Tuple, b: Tuple): boolean {
  return (
    a.sport === b.sport &&
    a.dport === b.dport &&
    a.protocol === b.protocol &&
    a.family === b.family &&
    sameAddress(a.src, b.src) &&
    sameAddress(a.dst, b.dst)
  );
}

/** A 32-bit hash, signed, of a tuple in a zone (0 … 65535). */
export function tupleHash({ src, dst, sport, dport, protocol }: Tuple, zone: number): number {
  const hash = mix(mixAddress(mixAddress(0, src), dst), (sport << 16) | dport);
  return finish(mix(hash, (protocol << 16) | zone));
}

/** What NAT remembers sources by (`hash_by_src` of nf_nat_core.c). */
export interface SourceKey {
  readonly family: IPFamily;
  readonly src: Address;
  /** Port or identifier. */
  readonly sport: number;
  readonly protocol: number;
  readonly zone: number;
}

/** The source of a tuple in a zone. */
export function sourceKey({ family, src, sport, protocol }: Tuple, zone: number): SourceKey {
  return { family, src, sport, protocol, zone };
}

/** A 32-bit hash, signed, of a source. */
export function sourceHash({ src, sport, protocol, zone }: SourceKey): number {
  return finish(mix(mix(mixAddress(0, src), sport), (protocol << 16) | zone));
}
