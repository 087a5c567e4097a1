import type { IPFamily } from "../net/family.ts";
import type { Address } from "./packet.ts";

/**
 * One direction of a connection. For ICMP queries `sport` is the identifier and `dport` is type × 256 + code; for
 * protocols without ports both are 0.
 */
export interface Tuple {
  readonly family: IPFamily;
  readonly src: Address;
  readonly dst: Address;
  readonly protocol: number;
  readonly sport: number;
  readonly dport: number;
}

/** 0: the direction of the first packet; 1: the other. */
export type Direction = 0 | 1;

/**
 * A conntrack entry. It belongs to the host's state: its fields are changed only through `HostState.set`, so that every
 * change can be undone.
 */
export interface ConntrackEntry {
  readonly id: number;
  readonly zone: number;
  readonly original: Tuple;
  /** What replies look like; NAT changes it while the entry is not confirmed. */
  reply: Tuple;
  confirmed: boolean;
  /** Removed from the table while a packet still refers to it. */
  dead: boolean;
  seenReply: boolean;
  assured: boolean;
  mark: number;
  /** Milliseconds of the host's clock. */
  readonly created: number;
  expires: number;
  /** The NAT decisions made: `source` in POSTROUTING or INPUT, `destination` in PREROUTING or OUTPUT (kernel-semantics §3.1). */
  sourceDone: boolean;
  destinationDone: boolean;
  /** Something was changed by that decision (IPS_SRC_NAT, IPS_DST_NAT). */
  sourceChanged: boolean;
  destinationChanged: boolean;
  /** Index of the interface that MASQUERADE chose its address for; 0 for none. */
  masqueradeIndex: number;
  /** The range from which the kernel drew the reply's destination port at random: the number in `reply` stands for one of it. */
  chosenPort: { readonly from: number; readonly to: number } | undefined;
  /** The same for a destination port that `DNAT --random` drew. */
  chosenDestinationPort: { readonly from: number; readonly to: number } | undefined;
  /** What the protocol's tracker knows; replaced as a whole. */
  protocolState: ProtocolState | undefined;
}

/** What one side of a TCP connection has shown: all sequence numbers modulo 2^32. */
export interface TCPSide {
  readonly end: number;
  readonly maxEnd: number;
  readonly maxWindow: number;
  readonly maxAck: number;
  readonly scale: number;
  readonly flags: number;
}

export type ProtocolState =
  | {
      readonly kind: "tcp";
      readonly state: TCPConnectionState;
      readonly sides: readonly [TCPSide, TCPSide];
      readonly last: TCPLast;
    }
  | {
      readonly kind: "sctp";
      readonly state: SCTPConnectionState;
      /** The verification tag that packets of each direction carry; 0 none seen, -1 not known (an entry read from a listing). */
      readonly vtags: readonly [number, number];
      /** The last heartbeat carried a wrong tag. */
      readonly heartbeatFailed: boolean;
      /** The direction of that heartbeat. */
      readonly lastDirection: Direction;
      /** An INIT was seen from that side. */
      readonly init: readonly [boolean, boolean];
    }
  /** `streamFrom`: milliseconds of the host's clock after which a replied flow counts as a stream. */
  | { readonly kind: "udp"; readonly streamFrom: number };

/** The last packet that the tracker saw, as it needs it for retransmissions and reopened connections. */
export interface TCPLast {
  readonly direction: Direction;
  readonly index: number;
  readonly seq: number;
  readonly ack: number;
  readonly end: number;
  readonly window: number;
  readonly flags: number;
  readonly retransmissions: number;
  readonly windowScale: number;
}

export type TCPConnectionState =
  | "NONE"
  | "SYN_SENT"
  | "SYN_RECV"
  | "ESTABLISHED"
  | "FIN_WAIT"
  | "CLOSE_WAIT"
  | "LAST_ACK"
  | "TIME_WAIT"
  | "CLOSE"
  | "SYN_SENT2";

export type SCTPConnectionState =
  | "NONE"
  | "CLOSED"
  | "COOKIE_WAIT"
  | "COOKIE_ECHOED"
  | "ESTABLISHED"
  | "SHUTDOWN_SENT"
  | "SHUTDOWN_RECD"
  | "SHUTDOWN_ACK_SENT"
  | "HEARTBEAT_SENT";
