import type { IPFamily } from "../../net/family.ts";
import type { Interface, Route } from "../host.ts";
import type { Address } from "../packet.ts";

/**
 * What routing decides about a packet. For packets that this host sends, what is not `local` or `unicast` makes the
 * call fail: refused with ENETUNREACH (`none`), EHOSTUNREACH (`unreachable`), EACCES (`prohibit`) or EINVAL
 * (`blackhole`); martian with EINVAL, or with ENETUNREACH for `source-not-own`, EADDRNOTAVAIL for `no-source`.
 */
export type RouteDecision =
  /**
   * To this host: `device` is the one the address belongs to (of broadcast and multicast: the one it came in by); what is
   * sent goes out by lo. `source` is what a local sender would get, of received packets the destination.
   */
  | {
      readonly kind: "local";
      readonly device: Interface;
      readonly source: Address;
      readonly route: Route | undefined;
      readonly cast: "unicast" | "broadcast" | "multicast";
    }
  /** Out by an interface, to the next hop; `source` is what a local sender would get. */
  | {
      readonly kind: "unicast";
      readonly device: Interface;
      /** The gateway, or the destination where there is none. */
      readonly nextHop: { readonly family: IPFamily; readonly address: Address };
      readonly source: Address | undefined;
      readonly mtu: number;
      /** None where the sender chose the device and no route was asked or found. */
      readonly route: Route | undefined;
      /** A broadcast or multicast destination that leaves by the device (sent by this host). */
      readonly cast: "unicast" | "broadcast" | "multicast";
    }
  /**
   * No route, or one of a type that refuses. `none`: nothing matched (ENETUNREACH, also of a policy rule `unreachable`).
   * `not-forwarding`: received, for others, and this host is no router: dropped silently, whatever the route says.
   */
  | {
      readonly kind: "refused";
      readonly type: RefusedType;
      readonly route: Route | undefined;
    }
  /** A received packet with addresses that are not possible here (kernel-semantics §3.7); dropped silently. */
  | { readonly kind: "martian"; readonly reason: MartianReason };

export type RefusedType = "none" | "unreachable" | "prohibit" | "blackhole" | "not-forwarding";

export type MartianReason =
  | "source-loopback"
  | "destination-loopback"
  | "source-is-own"
  | "source-invalid"
  | "destination-invalid"
  | "reverse-path"
  /** Multicast of a group that the interface has not joined. */
  | "no-membership"
  /** Sent: the given source is no address of this host. */
  | "source-not-own"
  /** Sent, IPv6: no address fits as a source. */
  | "no-source";
