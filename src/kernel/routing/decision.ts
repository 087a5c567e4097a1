import type { IPFamily } from "../../net/family.ts";
import type { Interface, Route } from "../host.ts";
import type { Address } from "../packet.ts";

/** What routing decides about a packet. */
export type RouteDecision =
  /** To this host: `device` is the one the address belongs to for received packets' purposes; what is sent goes out by lo. */
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
      readonly route: Route;
      /** A broadcast or multicast destination that leaves by the device (sent by this host). */
      readonly cast: "unicast" | "broadcast" | "multicast";
    }
  /** No route, or one of a type that refuses. `none`: nothing matched. */
  | {
      readonly kind: "refused";
      readonly type: "none" | "unreachable" | "prohibit" | "blackhole";
      readonly route: Route | undefined;
    }
  /** A received packet with addresses that are not possible here (kernel-semantics §3.7); dropped silently. */
  | { readonly kind: "martian"; readonly reason: MartianReason };

export type MartianReason =
  | "source-loopback"
  | "destination-loopback"
  | "source-is-own"
  | "source-invalid"
  | "destination-invalid"
  | "reverse-path";
