import type { IPFamily } from "../../net/family.ts";
import type { Interface, Route } from "../host.ts";
import type { Address } from "../packet.ts";
import type { Walk } from "../walk.ts";
import type { MartianReason, RefusedType, RouteDecision } from "./decision.ts";
import type { ChosenHop } from "./next-hop.ts";
import type { TableRoute } from "./table.ts";

/** The largest MTU of a path over a device without a bound of its own (IP_MAX_MTU). */
const MAX_MTU = 65535;

export const martian = (reason: MartianReason): RouteDecision => ({ kind: "martian", reason });

export function refused(type: RefusedType, route: Route | undefined): RouteDecision {
  return { kind: "refused", type, route };
}

/** The decision of a look-up that ended without a usable route; `undefined` of one that did not. */
export function refusalOf(found: TableRoute | RefusedType): RouteDecision | undefined {
  if (typeof found === "string") return refused(found, undefined);
  if (found.refuses === undefined) return undefined;
  return refused(found.refuses === "throw" ? "none" : found.refuses, found.route);
}

/** A decision for a packet that leaves by a device. */
export function viaDevice(
  device: Interface,
  family: IPFamily,
  dst: Address,
  source: Address | undefined,
  way: {
    readonly route: Route | undefined;
    readonly hop?: ChosenHop | undefined;
    readonly cast?: "broadcast" | "multicast";
  },
): RouteDecision {
  const { route, hop, cast = "unicast" } = way;
  return {
    kind: "unicast",
    device,
    nextHop: hop?.nextHop.gateway ?? { family, address: dst },
    source,
    mtu: route?.mtu ?? Math.min(device.mtu, MAX_MTU),
    route,
    cast,
  };
}

/** The loopback interface. */
export function loopbackOf(walk: Walk): Interface | undefined {
  return walk.host.interfaces.find(({ loopback }) => loopback);
}

/** To this host: sent, it goes over lo. `RTN_LOCAL` in `ip_route_output_key_hash_rcu`. */
export function toLocal(walk: Walk, found: TableRoute | undefined, source: Address): RouteDecision {
  const device = found?.hops[0]?.device ?? loopbackOf(walk);
  if (device === undefined) return refused("none", undefined);
  return { kind: "local", device, source, route: found?.route, cast: "unicast" };
}
