import type { IPFamily } from "../net/family.ts";
import type { VirtualServerKey } from "../rules/ipvs/model.ts";
import type { NotModelled } from "./chooser.ts";
import type { RuleRef, TableName } from "./event.ts";
import type { Address, Packet } from "./packet.ts";
import type { MartianReason, RefusedType } from "./routing/decision.ts";

/** Why a packet was dropped. */
export type DropCause =
  | { readonly kind: "rule"; readonly rule: RuleRef }
  | { readonly kind: "policy"; readonly family: IPFamily; readonly table: TableName; readonly chain: string }
  /** Addresses that are not possible here, or the way back is another one (kernel-semantics §3.7). */
  | { readonly kind: "martian"; readonly reason: MartianReason }
  | { readonly kind: "forwarding-off" }
  /** TTL or hop limit used up; the sender is told. */
  | { readonly kind: "ttl" }
  /** Larger than the way's MTU and not to be cut; the sender is told. */
  | { readonly kind: "too-big"; readonly mtu: number }
  /** Another connection has this tuple already (§3.2, §5.5). */
  | { readonly kind: "clash" }
  /** A NAT rule found no address to use: MASQUERADE without an address on the host, REDIRECT without one on the interface. */
  | { readonly kind: "no-address"; readonly rule: RuleRef }
  /** A masqueraded connection that now leaves by another interface; its entry is removed (§3.5). */
  | { readonly kind: "interface-changed" }
  /** A match found no header where one must be, and drops such packets whatever its rule says. */
  | { readonly kind: "malformed"; readonly rule: RuleRef }
  /** Too short for NAT to translate it (GRE). */
  | { readonly kind: "too-short" }
  /** An ICMP error that NAT does not translate: a redirect of a translated connection, a wrong checksum, a short quotation (§5.1). */
  | { readonly kind: "error-not-translated" }
  /** A fragment of a packet whose other pieces have not come (§5.3). */
  | { readonly kind: "fragment-waits" }
  /** Not an address that packets are forwarded for: multicast, a link-local source (IPv6). */
  | { readonly kind: "not-forwardable" }
  /** By ip_vs, silently (ipvs-mode §8.3, §8.6, §8.8). */
  | { readonly kind: "virtual-server"; readonly why: VirtualServerDrop };

/**
 * Why ip_vs drops a packet: its connection's real server was deleted; a connection that is over is opened anew while conntrack still
 * has its entry; it would cross between loopback addresses and others; an error that is forwarded leads to this host; its header
 * cannot be read; no connection is known, and the real server is told so.
 */
export type VirtualServerDrop =
  | "real-server-gone"
  | "reopened"
  | "loopback"
  | "not-forwarded-here"
  | "malformed"
  | "no-connection";

/** What becomes of a packet on one host: a closed list (decision 10 of the design). */
export type Outcome =
  /** To a local socket, or the host's own ICMP. */
  | { readonly kind: "delivered"; readonly inInterface: string }
  | {
      readonly kind: "transmitted";
      readonly outInterface: string;
      readonly nextHop: Address;
      readonly nextHopFamily: IPFamily;
    }
  | { readonly kind: "dropped"; readonly cause: DropCause }
  /** Dropped by REJECT; `answered` tells whether an answer was sent. */
  | { readonly kind: "rejected"; readonly rule: RuleRef; readonly with: string; readonly answered: boolean }
  /**
   * No route, or one that refuses; `where`: before the rules (`send`), after DNAT of an own packet or for the reply of a virtual
   * server (`again`), to a real server, or for a received packet.
   */
  | {
      readonly kind: "no-route";
      readonly where: "receive" | "send" | "again" | "real-server";
      readonly type: RefusedType | MartianReason;
    }
  /**
   * The packet runs in a circle, or the rules do; or, with `virtualServer`, that one has no real server to give, which is answered with
   * "port unreachable" (ipvs-mode §8.5).
   */
  | { readonly kind: "stuck"; readonly why: string; readonly virtualServer?: VirtualServerKey }
  | { readonly kind: "unknown"; readonly what: NotModelled };

/** The end of a packet's way through one host. */
export interface Result {
  readonly outcome: Outcome;
  /** The packet as it was at the end: as on the wire, or as the socket gets it. */
  readonly packet: Packet;
  /** Its mark at the end. */
  readonly mark: number;
  /** What the host itself sent because of it (ICMP errors, a RST, its own copy of a broadcast), each with its own end. */
  readonly answers: readonly Result[];
  /** Drawn at random by the kernel: the packet's source port stands for one of these. */
  readonly sourcePortOf?: { readonly from: number; readonly to: number };
}

/** What ends a packet's way within a hook. */
export type Stop = Extract<Outcome, { kind: "dropped" | "rejected" | "stuck" | "unknown" | "no-route" }>;
