import type { IPFamily } from "../net/family.ts";
import type { IPv6Words } from "../net/ip.ts";

/** An address on the hot path: an IPv4 address is one 32-bit number, an IPv6 address four; the packet's family says which. */
export type Address = number | IPv6Words;

/** IP protocol numbers that the kernel treats in ways of their own. */
export const protocols = {
  icmp: 1,
  igmp: 2,
  ipip: 4,
  tcp: 6,
  udp: 17,
  dccp: 33,
  gre: 47,
  esp: 50,
  icmpv6: 58,
  sctp: 132,
  udplite: 136,
} as const;

/** TCP flags as in the header's 14th byte. */
export const tcpFlag = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16, URG: 32, ECE: 64, CWR: 128 } as const;

/**
 * An IP packet as far as the kernel's decisions look at it. Every field is always there (0, empty or false where the
 * protocol has none), so that all packets have one shape.
 */
export interface Packet {
  readonly family: IPFamily;
  readonly src: Address;
  readonly dst: Address;
  /** Protocol of the transport header, 0 … 255. */
  readonly protocol: number;
  /** TTL or hop limit. */
  readonly ttl: number;
  /** Type of service or traffic class, 8 bits. */
  readonly tos: number;
  /** IPv4 don't-fragment. */
  readonly df: boolean;
  /** Offset of a fragment in units of 8 bytes; 0 for whole packets and first fragments. */
  readonly fragmentOffset: number;
  readonly moreFragments: boolean;
  /** What holds the fragments of a packet together; of no interest for whole packets. */
  readonly identification: number;
  /** Bytes behind the transport header; for a protocol that is not modelled, behind the IP header. */
  readonly payload: number;
  /** TCP, UDP, UDP-Lite, SCTP, DCCP. */
  readonly sport: number;
  readonly dport: number;
  /** TCP: bits of `tcpFlag`. */
  readonly flags: number;
  readonly seq: number;
  readonly ack: number;
  readonly window: number;
  /** TCP options present, by kind, in order, each with its value where one matters (3: window scale, 2: MSS). */
  readonly options: readonly TCPOption[];
  /** SCTP: verification tag, and the types of the chunks in order (`initTag`: the tag that an INIT or INIT ACK offers). */
  readonly vtag: number;
  readonly chunks: readonly number[];
  readonly initTag: number;
  /** ICMP and ICMPv6. */
  readonly icmpType: number;
  readonly icmpCode: number;
  /** Identifier of a query (echo, timestamp, …). */
  readonly icmpId: number;
  /** MTU of a "fragmentation needed" or "packet too big". */
  readonly icmpMtu: number;
  /** The packet that an ICMP error quotes. */
  readonly inner: Packet | undefined;
  /** The transport checksum is wrong. */
  readonly badChecksum: boolean;
}

export interface TCPOption {
  readonly kind: number;
  readonly value: number;
}

/** What must be said about a packet; the rest is filled in. */
export type PacketFields = Partial<Packet> & Pick<Packet, "family" | "src" | "dst" | "protocol">;

const none: readonly never[] = [];

/** A packet with everything that is not said left at what an ordinary sender writes: TTL 64, a SYN for TCP, an echo request for ICMP. */
export function makePacket(fields: PacketFields): Packet {
  const { family, src, dst, protocol } = fields;
  return {
    family,
    src,
    dst,
    protocol,
    ttl: fields.ttl ?? 64,
    tos: fields.tos ?? 0,
    df: fields.df ?? false,
    fragmentOffset: fields.fragmentOffset ?? 0,
    moreFragments: fields.moreFragments ?? false,
    identification: fields.identification ?? 0,
    payload: fields.payload ?? 0,
    sport: fields.sport ?? 0,
    dport: fields.dport ?? 0,
    flags: fields.flags ?? (protocol === protocols.tcp ? tcpFlag.SYN : 0),
    seq: fields.seq ?? 0,
    ack: fields.ack ?? 0,
    window: fields.window ?? (protocol === protocols.tcp ? 65535 : 0),
    options: fields.options ?? none,
    vtag: fields.vtag ?? 0,
    chunks: fields.chunks ?? (protocol === protocols.sctp ? [1] : none),
    initTag: fields.initTag ?? (protocol === protocols.sctp ? 1 : 0),
    icmpType: fields.icmpType ?? (protocol === protocols.icmp ? 8 : protocol === protocols.icmpv6 ? 128 : 0),
    icmpCode: fields.icmpCode ?? 0,
    icmpId: fields.icmpId ?? 0,
    icmpMtu: fields.icmpMtu ?? 0,
    inner: fields.inner,
    badChecksum: fields.badChecksum ?? false,
  };
}

/** Are two addresses of one family the same? */
export function sameAddress(a: Address, b: Address): boolean {
  if (typeof a === "number" || typeof b === "number") return a === b;
  return a === b || (a[0] === b[0] && a[1] === b[1] && a[2] === b[2] && a[3] === b[3]);
}

/** Has the protocol ports in the first four bytes of its header that conntrack and port matches look at? */
export function hasPorts(protocol: number): boolean {
  return protocol === 6 || protocol === 17 || protocol === 132 || protocol === 33 || protocol === 136;
}

const ERRORS_V4 = new Set([3, 4, 5, 11, 12]);

/** Is it an ICMP message that quotes a packet (kernel-semantics §5.1)? */
export function isICMPError(packet: Packet): boolean {
  if (packet.protocol === protocols.icmp) return packet.family === "IPv4" && ERRORS_V4.has(packet.icmpType);
  return (
    packet.protocol === protocols.icmpv6 && packet.family === "IPv6" && packet.icmpType >= 1 && packet.icmpType <= 4
  );
}
