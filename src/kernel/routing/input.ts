import type { IPv6Words } from "../../net/ip.ts";
import type { Host, Interface, Route } from "../host.ts";
import { type Address, protocols } from "../packet.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";
import { ipv6Kind, isLinkMulticast4, isLoopback4, isMulticast4, LIMITED_BROADCAST, scopes } from "./address.ts";
import { martian, refusalOf, viaDevice } from "./decide.ts";
import type { MartianReason, RouteDecision } from "./decision.ts";
import { lookUpRoute } from "./fib.ts";
import type { Lookup } from "./lookup.ts";
import { nextHop4, nextHop6 } from "./next-hop.ts";
import { sourceFault } from "./reverse-path.ts";
import { forwards4, routeLocalnet } from "./switches.ts";
import type { TableRoute } from "./table.ts";

/** 224.0.0.1, the group that every interface is in. */
const ALL_HOSTS = 0xe0000001;

const noPreference = (): boolean => false;

function inputLookup(skb: Skb, device: Interface): Lookup {
  const { family, dst, src, mark, tos, protocol, sport, dport } = skb;
  return {
    family,
    dst,
    src,
    mark,
    tos,
    protocol,
    sport,
    dport,
    inInterface: device.name,
    outInterface: "",
    routesBy: "",
    strict: false,
  };
}

function delivered(
  device: Interface,
  destination: Address,
  route: Route | undefined,
  cast: "unicast" | "broadcast" | "multicast",
): RouteDecision {
  return { kind: "local", device, source: destination, route, cast };
}

/** `ip_route_input_mc`; which groups an interface has joined is not known beyond those that the kernel joins itself. */
function multicast4(walk: Walk, skb: Skb, device: Interface): RouteDecision {
  if (skb.dst !== ALL_HOSTS) return martian("no-membership");
  const { src } = skb;
  if (isMulticast4(src) || src === LIMITED_BROADCAST) return martian("source-invalid");
  if (isLoopback4(src) && !routeLocalnet(walk.host, device.name)) return martian("source-loopback");
  if (src === 0) {
    if (!isLinkMulticast4(skb.dst) && skb.protocol !== protocols.igmp) return martian("source-invalid");
  } else {
    const fault = sourceFault(walk, skb, device, 0, undefined);
    if (fault !== undefined) return martian(fault);
  }
  return delivered(device, skb.dst, undefined, "multicast");
}

function broadcast4(walk: Walk, skb: Skb, device: Interface, route: Route | undefined): RouteDecision {
  const fault = skb.src === 0 ? undefined : sourceFault(walk, skb, device, 0, undefined);
  return fault === undefined ? delivered(device, skb.dst, route, "broadcast") : martian(fault);
}

/** Addresses that no table needs to be asked about; `undefined` when they are possible. */
function impossible4(host: Host, skb: Skb, device: Interface): MartianReason | undefined {
  const { src, dst } = skb;
  if (src === 0) return "source-invalid";
  if (dst === 0) return "destination-invalid";
  if (isLoopback4(dst)) return routeLocalnet(host, device.name) ? undefined : "destination-loopback";
  return isLoopback4(src) && !routeLocalnet(host, device.name) ? "source-loopback" : undefined;
}

/** `ip_mkroute_input`: the next hop, and the source once more against the device that the packet leaves by. */
function forwarded4(walk: Walk, skb: Skb, device: Interface, found: TableRoute): RouteDecision {
  const hop = nextHop4(walk, found, "", noPreference);
  if (hop === undefined) return { kind: "refused", type: "none", route: undefined };
  const fault = sourceFault(walk, skb, device, skb.dst, hop.device);
  if (fault !== undefined) return martian(fault);
  return viaDevice(hop.device, "IPv4", skb.dst, undefined, { route: found.route, hop });
}

/** `ip_route_input_rcu`, `ip_route_input_slow` */
function routeInput4(walk: Walk, skb: Skb, device: Interface): RouteDecision {
  const { src, dst } = skb;
  if (isMulticast4(dst)) return multicast4(walk, skb, device);
  if (isMulticast4(src) || src === LIMITED_BROADCAST) return martian("source-invalid");
  if (dst === LIMITED_BROADCAST || (src === 0 && dst === 0)) return broadcast4(walk, skb, device, undefined);
  const impossible = impossible4(walk.host, skb, device);
  if (impossible !== undefined) return martian(impossible);
  const found = lookUpRoute(walk.host.fib.IPv4, inputLookup(skb, device), walk.chooser);
  const forwards = forwards4(walk.host, device.name);
  const notForwarding = (route: Route | undefined): RouteDecision => ({
    kind: "refused",
    type: "not-forwarding",
    route,
  });
  const refusal = refusalOf(found);
  if (refusal !== undefined || typeof found === "string")
    return forwards && refusal !== undefined ? refusal : notForwarding(undefined);
  const { route } = found;
  if (route.type === "broadcast") return broadcast4(walk, skb, device, route);
  if (route.type === "local") {
    const fault = sourceFault(walk, skb, device, dst, undefined);
    return fault === undefined ? delivered(found.hops[0]?.device ?? device, dst, route, "unicast") : martian(fault);
  }
  if (!forwards) return notForwarding(route);
  return route.type === "unicast" ? forwarded4(walk, skb, device, found) : martian("destination-invalid");
}

/** Groups that every IPv6 interface is in: all nodes, a router's all routers, the solicited-node ones of its addresses. */
export function joined6(host: Host, device: Interface, group: IPv6Words): boolean {
  const [a, b, c, d] = group;
  const low = b === 0 && c === 0;
  if (low && d === 1) return a === 0xff010000 || a === 0xff020000;
  if (low && d === 2) return host.sysctls.ipv6Forwarding && (a === 0xff010000 || a === 0xff020000 || a === 0xff050000);
  if (a !== 0xff020000 || b !== 0 || c !== 1 || d >>> 24 !== 0xff || device.noARP === true) return false;
  return device.addresses.some(
    ({ address }) => typeof address !== "number" && (address[3] & 0xffffff) === (d & 0xffffff),
  );
}

/** `ip6_route_input`; whether this host forwards at all is asked only of what would be forwarded (`ip6_forward`). */
function routeInput6(walk: Walk, skb: Skb, device: Interface): RouteDecision {
  const dst = skb.dst as IPv6Words;
  const kind = ipv6Kind(dst);
  const strict = kind.cast === "multicast" || kind.loopback || (kind.cast === "unicast" && kind.scope === scopes.link);
  const flow = { ...inputLookup(skb, device), routesBy: device.name, strict };
  const found = lookUpRoute(walk.host.fib.IPv6, flow, walk.chooser);
  const refusal = refusalOf(found);
  if (refusal !== undefined || typeof found === "string")
    return refusal ?? { kind: "refused", type: "none", route: undefined };
  const { route } = found;
  if (kind.cast === "multicast")
    return joined6(walk.host, device, dst) ? delivered(device, dst, route, "multicast") : martian("no-membership");
  if (route.type === "local" || route.type === "anycast")
    return delivered(found.hops[0]?.device ?? device, dst, route, "unicast");
  if (!walk.host.sysctls.ipv6Forwarding) return { kind: "refused", type: "not-forwarding", route };
  const hop = nextHop6(walk, found, device.name, strict);
  if (hop === undefined) return { kind: "refused", type: "none", route: undefined };
  return viaDevice(hop.device, "IPv6", dst, undefined, { route, hop });
}

/**
 * Routes a packet that came in by `skb.inInterface`, after PREROUTING: to this host, out by an interface, or dropped as
 * kernel-semantics §3.7 says (`ip_route_input_slow`, `ip6_route_input`). What came back over lo keeps the route it was
 * sent with; do not ask for it here.
 */
export function routeInput(walk: Walk, skb: Skb): RouteDecision {
  const device = skb.inInterface;
  if (device === undefined) return { kind: "refused", type: "none", route: undefined };
  return skb.family === "IPv4" ? routeInput4(walk, skb, device) : routeInput6(walk, skb, device);
}

/**
 * What IPv6 drops before any hook sees it (`ip6_rcv_core`): multicast sources, ::1 from or to another interface than lo,
 * multicast destinations of scope 0, and of scope 1 but on lo. `undefined` when the packet may come in.
 */
export function entryFault6(skb: Skb, device: Interface): MartianReason | undefined {
  if (typeof skb.src === "number" || typeof skb.dst === "number") return undefined;
  const [source, destination] = [ipv6Kind(skb.src), ipv6Kind(skb.dst)];
  if (!device.loopback) {
    if (source.loopback) return "source-loopback";
    if (destination.loopback) return "destination-loopback";
  }
  if (source.cast === "multicast") return "source-invalid";
  if (destination.cast !== "multicast") return undefined;
  const { scope } = destination;
  return scope === 0 || (scope === scopes.node && !device.loopback) ? "destination-invalid" : undefined;
}

/**
 * What IPv6 forwarding does about sources, after the hop limit (`ip6_forward`), where a packet leaves by another
 * interface than it came in by: `drop` silently, `not-neighbour` (ICMPv6 1/2 goes back), or nothing.
 */
export function forwardFault6(skb: Skb, outInterface: Interface): "drop" | "not-neighbour" | undefined {
  if (typeof skb.src === "number" || skb.inInterface === outInterface) return undefined;
  const { cast, loopback, scope } = ipv6Kind(skb.src);
  if (cast !== "unicast" || loopback) return "drop";
  return scope === scopes.link ? "not-neighbour" : undefined;
}
