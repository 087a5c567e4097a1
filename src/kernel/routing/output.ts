import type { IPFamily } from "../../net/family.ts";
import type { AddressScope, Host, Interface, NextHop, Route } from "../host.ts";
import type { Address } from "../packet.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";
import type { RouteDecision } from "./decision.ts";
import { addressKey, type FibResult, lookup } from "./fib.ts";
import { isLimitedBroadcast, isLocalMulticast, isLoopbackAddress, isMulticast, isUnspecified, isZeroNet } from "./kinds.ts";
import { selectAddress, selectIPv6Source } from "./select.ts";

/** What routing is asked about a packet that this host sends. */
export interface OutputFlow {
  readonly family: IPFamily;
  readonly destination: Address;
  /** `undefined`: routing chooses. */
  readonly source: Address | undefined;
  /** The source need not be an address of this host. */
  readonly foreignSource?: boolean;
  readonly mark: number;
  readonly tos: number;
  readonly protocol: number;
  readonly sport: number;
  readonly dport: number;
  readonly outInterface: string | undefined;
}

const IMPOSSIBLE: RouteDecision = { kind: "martian", reason: "source-invalid" };

export function routeLocalnet(host: Host, device: Interface): boolean {
  const { ipv4 } = host.sysctls;
  return (ipv4.get("all")?.routeLocalnet ?? false) || (ipv4.get(device.name)?.routeLocalnet ?? ipv4.get("default")?.routeLocalnet ?? false);
}

/** Is it an address of this host? */
export function isOwn(host: Host, family: IPFamily, address: Address): boolean {
  const fib = host.fib[family];
  if (fib.owners.has(addressKey(address))) return true;
  return family === "IPv4" && isLocalRoute(host, address);
}

/** `ip route add local` prefixes, and 127.0.0.0/8. */
function isLocalRoute(host: Host, address: Address): boolean {
  const table = host.fib.IPv4.tables.get(255);
  if (table === undefined || typeof address !== "number") return isLoopbackAddress(address);
  for (const length of table.lengths) {
    const mask = length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0;
    const routes = table.networks.get(length)?.get((address & mask) >>> 0);
    if (routes !== undefined) return routes[0]?.type === "local";
  }
  return false;
}

/** Scope of the source that a next hop wants: link for what is on the link, global behind a gateway. */
function sourceScope(route: Route): AddressScope {
  return route.scope === "host" ? "host" : route.scope === "link" ? "link" : "global";
}

function sourceFor(host: Host, flow: OutputFlow, route: Route, hop: NextHop | undefined, device: Interface): Address | undefined {
  if (route.preferredSource !== undefined) return route.preferredSource;
  if (flow.family === "IPv6") return selectIPv6Source(host, device, flow.destination);
  const gateway = hop?.gateway?.family === "IPv4" ? hop.gateway.address : undefined;
  return selectAddress(host, device, gateway ?? flow.destination, sourceScope(route));
}

/**
 * Routes a packet of this host (`ip_route_output_key_hash_rcu`, `ip6_route_output`): where to, by which interface, and the
 * source where none is given.
 */
export function routeOutput(walk: Walk, flow: OutputFlow): RouteDecision {
  const { host } = walk;
  const v4 = flow.family === "IPv4";
  const { source } = flow;
  if (v4 && source !== undefined && (isMulticast(source) || isLimitedBroadcast(source) || isZeroNet(source)))
    return IMPOSSIBLE;
  if (v4 && source !== undefined && flow.foreignSource !== true && !isOwn(host, "IPv4", source)) return IMPOSSIBLE;
  let { outInterface } = flow;
  if (v4 && source !== undefined && outInterface === undefined && (isMulticast(flow.destination) || isLimitedBroadcast(flow.destination)))
    outInterface = host.fib.IPv4.owners.get(addressKey(source))?.name;
  if (v4 && isZeroNet(flow.destination) && !isUnspecified(flow.destination)) return IMPOSSIBLE;
  const device = outInterface === undefined ? undefined : host.byName.get(outInterface);
  if (device !== undefined && (isLimitedBroadcast(flow.destination) || isLocalMulticast(flow.destination)))
    return onLink(walk, flow, device);
  const found = lookup(walk, {
    family: flow.family,
    destination: flow.destination,
    source,
    mark: flow.mark,
    tos: flow.tos,
    inInterface: "lo",
    outInterface,
    protocol: flow.protocol,
    sport: flow.sport,
    dport: flow.dport,
  });
  // a bound interface needs no route: the destination is taken to be on its link
  if (v4 && found.kind !== "route" && device !== undefined) return onLink(walk, flow, device);
  if (found.kind !== "route")
    return { kind: "refused", type: found.kind === "none" ? "none" : found.type, route: found.kind === "none" ? undefined : found.route };
  return fromRoute(walk, flow, found);
}

function fromRoute(walk: Walk, flow: OutputFlow, { route, nextHop }: Extract<FibResult, { kind: "route" }>): RouteDecision {
  const { host } = walk;
  const owner = host.fib[flow.family].owners.get(addressKey(flow.destination));
  if (route.type === "local" || route.type === "anycast") {
    const source = flow.source ?? route.preferredSource ?? flow.destination;
    return { kind: "local", device: owner ?? host.loopback, source, route, cast: "unicast" };
  }
  const device = nextHop === undefined ? undefined : host.byName.get(nextHop.device);
  if (device === undefined) return { kind: "refused", type: "none", route };
  const source = flow.source ?? sourceFor(host, flow, route, nextHop, device);
  if (flow.family === "IPv4" && source !== undefined && isLoopbackAddress(source) && !device.loopback && !routeLocalnet(host, device))
    return { kind: "martian", reason: "source-loopback" };
  if (flow.family === "IPv6" && device.loopback) return { kind: "local", device, source: source ?? flow.destination, route, cast: "unicast" };
  return {
    kind: "unicast",
    device,
    nextHop: nextHop?.gateway ?? { family: flow.family, address: flow.destination },
    source,
    mtu: route.mtu ?? device.mtu,
    route,
    cast: route.type === "broadcast" || isLimitedBroadcast(flow.destination) ? "broadcast" : isMulticast(flow.destination) ? "multicast" : "unicast",
  };
}

/** Broadcast and multicast that need no route: out by the interface. */
function onLink(walk: Walk, flow: OutputFlow, device: Interface): RouteDecision {
  const source = flow.source ?? selectAddress(walk.host, device, undefined, "link");
  return {
    kind: "unicast",
    device,
    nextHop: { family: flow.family, address: flow.destination },
    source,
    mtu: device.mtu,
    route: {
      family: flow.family,
      table: 255,
      type: "broadcast",
      destination: flow.destination,
      prefixLength: 32,
      tos: 0,
      metric: 0,
      scope: "link",
      nextHops: [],
    },
    cast: isLimitedBroadcast(flow.destination) ? "broadcast" : isMulticast(flow.destination) ? "multicast" : "unicast",
  };
}

/**
 * `ip_route_me_harder`, `ip6_route_me_harder`: routes a packet of this host that has its addresses already. An IPv4 source that
 * is neither own nor plain unicast is left to routing; it stays in the packet either way.
 */
export function routeHarder(walk: Walk, skb: Skb): RouteDecision {
  const { family, src, dst } = skb;
  const usable = family === "IPv6" || !(isMulticast(src) || isLimitedBroadcast(src) || isZeroNet(src));
  return routeOutput(walk, {
    family,
    destination: dst,
    source: usable ? src : undefined,
    foreignSource: true,
    mark: skb.mark,
    tos: skb.tos,
    protocol: skb.protocol,
    sport: skb.sport,
    dport: skb.dport,
    outInterface: undefined,
  });
}
