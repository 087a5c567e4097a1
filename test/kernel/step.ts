import type { Packet } from "../../src/kernel/packet.ts";

/** One packet that enters the node: what both the kernel and an emulator are given. */
export interface Step {
  readonly packet: Packet;
  /** The interface that receives it; `undefined` when the node sends it itself. */
  readonly from: string | undefined;
  /** Sent: the socket's mark. Received packets have none. */
  readonly mark: number;
  /** Sent: owner of the socket. */
  readonly uid: number;
  readonly gid: number;
}

/** A step with everything that is not said left at what is usual. */
export function makeStep(packet: Packet, from: string | undefined, more: Partial<Step> = {}): Step {
  return { packet, from, mark: 0, uid: 0, gid: 0, ...more };
}

/** A packet where it was seen. */
export interface SeenPacket {
  readonly interface: string;
  /** Mark at that place; `undefined` where the tap did not see it. */
  readonly mark: number | undefined;
  readonly bytes: Uint8Array;
  readonly packet: Packet;
}

/** A packet that an NFLOG rule showed. */
export interface LoggedPacket {
  readonly group: number;
  readonly prefix: string;
  readonly inInterface: string | undefined;
  readonly outInterface: string | undefined;
  readonly mark: number;
  /** As it was there, up to the rule's `--nflog-size`; `undefined` when that is 0. */
  readonly packet: Packet | undefined;
}

/** A rule that counted packets: its place in `iptables-save`, numbered from 1 in its chain. */
export interface RuleHit {
  readonly family: string;
  readonly table: string;
  readonly chain: string;
  readonly number: number;
  readonly packets: number;
}

/** What the kernel did with one step. */
export interface Observation {
  /** When it was sent: milliseconds of a clock that only goes forward. */
  readonly at: number;
  /** When that was done. */
  readonly until: number;
  /** Why a local send failed (`EPERM`, `EINVAL`, …); also why a device refused the bytes. */
  readonly errno: string | undefined;
  /** What left, by interface, in order. */
  readonly out: readonly SeenPacket[];
  /** What reached the node's own stack, behind all of INPUT, with the interface it came in by. */
  readonly local: readonly SeenPacket[];
  readonly logged: readonly LoggedPacket[];
  /** With counters per packet only. */
  readonly rules: readonly RuleHit[];
}

/** What became of packets that were sent one after the other. */
export interface Batch {
  readonly observations: readonly Observation[];
  /** Rules that counted during the whole batch; with counters per batch only. */
  readonly rules: readonly RuleHit[];
  /** Time the packets took in the namespace, without the exchange. */
  readonly seconds: number;
}

/** One direction of a conntrack entry. Ports or the ICMP key, as the protocol has them. */
export interface ObservedTuple {
  readonly src: string;
  readonly dst: string;
  readonly protocol: number;
  readonly sport?: number;
  readonly dport?: number;
  readonly icmpId?: number;
  readonly icmpType?: number;
  readonly icmpCode?: number;
  /** With a zone for this direction only. */
  readonly zone?: number;
}

export interface ObservedEntry {
  readonly family: "IPv4" | "IPv6";
  readonly original: ObservedTuple;
  readonly reply: ObservedTuple;
  /** Bits of `enum ip_conntrack_status`. */
  readonly status: number;
  /** Seconds left. */
  readonly timeout: number;
  readonly mark: number;
  readonly zone: number;
  /** State as the kernel numbers it (`enum tcp_conntrack`, `enum sctp_conntrack`). */
  readonly state?: number;
  readonly vtags?: readonly [number, number];
}
