import type { ConntrackEntry, Direction } from "./entry.ts";
import type { Interface } from "./host.ts";
import type { Packet } from "./packet.ts";
import type { RouteDecision } from "./routing/decision.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** How conntrack sees a packet; `none` before it looked, and for INVALID packets. */
export type PacketState = "none" | "new" | "established" | "related" | "untracked";

/** Who sends a packet: a process, the kernel by a socket of its own (ICMP errors), or the kernel without one (a RST). */
export type PacketOwner = { readonly uid: number; readonly gid: number } | "kernel" | "none";

/** A packet on its way through one host, with what the host knows about it. It lives as long as the way and is the only thing that changes besides the state. */
export interface Skb extends Mutable<Packet> {
  mark: number;
  inInterface: Interface | undefined;
  outInterface: Interface | undefined;
  /** Sent by this host, not received. */
  local: boolean;
  entry: ConntrackEntry | undefined;
  state: PacketState;
  /** With an entry: the direction of this packet. */
  direction: Direction;
  zone: number;
  route: RouteDecision | undefined;
  /** Owner of the sending socket, where it is known. */
  owner: PacketOwner | undefined;
  /** The copy of an own broadcast that this host hears itself. */
  heard: boolean;
  /** Interface that the sending socket is bound to. */
  boundTo: string | undefined;
  /** The range from which the kernel drew the source or destination port at random; the field holds one of it. */
  sportChoice: { readonly from: number; readonly to: number } | undefined;
  dportChoice: { readonly from: number; readonly to: number } | undefined;
  /** Bytes of the largest piece that a collected packet came in, by which it is cut again; 0 for a packet that came whole. */
  largestPiece: number;
  /** It is a request or a reply that ip_vs has dealt with (`ipvs_property`). */
  isIPVS: boolean;
  /** Its transport checksum was looked at and is right (`csum_valid`); noted for ICMP only. */
  isChecked: boolean;
  /** Whoever sends it on cuts it whatever it says (`ignore_df`). */
  ignoresDF: boolean;
}

/** A packet that enters a host. */
export function makeSkb(packet: Packet, mark: number): Skb {
  return {
    family: packet.family,
    src: packet.src,
    dst: packet.dst,
    protocol: packet.protocol,
    ttl: packet.ttl,
    tos: packet.tos,
    df: packet.df,
    fragmentOffset: packet.fragmentOffset,
    moreFragments: packet.moreFragments,
    identification: packet.identification,
    payload: packet.payload,
    sport: packet.sport,
    dport: packet.dport,
    flags: packet.flags,
    seq: packet.seq,
    ack: packet.ack,
    window: packet.window,
    options: packet.options,
    vtag: packet.vtag,
    chunks: packet.chunks,
    initTag: packet.initTag,
    icmpType: packet.icmpType,
    icmpCode: packet.icmpCode,
    icmpId: packet.icmpId,
    icmpMtu: packet.icmpMtu,
    inner: packet.inner,
    badChecksum: packet.badChecksum,
    mark,
    inInterface: undefined,
    outInterface: undefined,
    local: false,
    entry: undefined,
    state: "none",
    direction: 0,
    zone: 0,
    route: undefined,
    owner: undefined,
    heard: false,
    boundTo: undefined,
    sportChoice: undefined,
    dportChoice: undefined,
    largestPiece: 0,
    isIPVS: false,
    isChecked: false,
    ignoresDF: false,
  };
}

/** The packet as it is now. */
export function toPacket(skb: Skb): Packet {
  return {
    family: skb.family,
    src: skb.src,
    dst: skb.dst,
    protocol: skb.protocol,
    ttl: skb.ttl,
    tos: skb.tos,
    df: skb.df,
    fragmentOffset: skb.fragmentOffset,
    moreFragments: skb.moreFragments,
    identification: skb.identification,
    payload: skb.payload,
    sport: skb.sport,
    dport: skb.dport,
    flags: skb.flags,
    seq: skb.seq,
    ack: skb.ack,
    window: skb.window,
    options: skb.options,
    vtag: skb.vtag,
    chunks: skb.chunks,
    initTag: skb.initTag,
    icmpType: skb.icmpType,
    icmpCode: skb.icmpCode,
    icmpId: skb.icmpId,
    icmpMtu: skb.icmpMtu,
    inner: skb.inner,
    badChecksum: skb.badChecksum,
  };
}
