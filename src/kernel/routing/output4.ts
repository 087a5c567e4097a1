import type { Interface, Route } from "../host.ts";
import { type Address, protocols } from "../packet.ts";
import type { Walk } from "../walk.ts";
import { isLinkMulticast4, isLoopback4, isMulticast4, LIMITED_BROADCAST, ownerOf } from "./address.ts";
import { loopbackOf, martian, refusalOf, refused, toLocal, viaDevice } from "./decide.ts";
import type { RouteDecision } from "./decision.ts";
import { lookUpLocal, lookUpRoute } from "./fib.ts";
import { type ChosenHop, nextHop4 } from "./next-hop.ts";
import { lookupOf, type OutputFlow } from "./output-flow.ts";
import { SCOPE_HOST, SCOPE_LINK, SCOPE_UNIVERSE, scopeNumber, selectAddress4 } from "./source.ts";
import { routeLocalnet } from "./switches.ts";

function cast4(dst: Address, type: Route["type"] | undefined): "unicast" | "broadcast" | "multicast" {
  if (dst === LIMITED_BROADCAST || type === "broadcast") return "broadcast";
  return isMulticast4(dst) || type === "multicast" ? "multicast" : "unicast";
}

/** `__mkroute_output`: the last checks, and what kind of packet it is. */
function finish4(
  walk: Walk,
  flow: OutputFlow,
  device: Interface,
  source: number,
  found: { readonly route: Route | undefined; readonly hop?: ChosenHop | undefined },
): RouteDecision {
  if (isLoopback4(source) && !device.loopback && !routeLocalnet(walk.host, device.name))
    return martian("source-loopback");
  const { route, hop } = found;
  const cast = cast4(flow.dst, route?.type);
  if (cast === "unicast") return viaDevice(device, "IPv4", flow.dst, source, { route, hop });
  // the default route's gateway says nothing of multicast
  const own = cast === "multicast" && route !== undefined && route.prefixLength >= 4 ? hop : undefined;
  return viaDevice(device, "IPv4", flow.dst, source, {
    route: cast === "broadcast" ? undefined : route,
    hop: own,
    cast,
  });
}

function isLocal4(walk: Walk, address: Address): boolean {
  return ownerOf(walk.host, address) !== undefined || lookUpLocal(walk.host.fib.IPv4, address)?.route.type === "local";
}

/** The interface of an own address, or of the local route it falls under (`__ip_dev_find`). */
function deviceOf4(walk: Walk, address: Address): Interface | undefined {
  const owner = ownerOf(walk.host, address);
  if (owner !== undefined) return owner;
  const found = lookUpLocal(walk.host.fib.IPv4, address);
  return found?.route.type === "local" ? found.hops[0]?.device : undefined;
}

/** The source that a route gives (`fib_result_prefsrc`). */
function routeSource4(walk: Walk, route: Route, hop: ChosenHop): number {
  if (typeof route.preferredSource === "number") return route.preferredSource;
  const gateway = hop.nextHop.gateway?.address;
  return selectAddress4(walk.host, hop.device, typeof gateway === "number" ? gateway : 0, scopeNumber(route.scope));
}

interface Start4 {
  readonly device: Interface | undefined;
  readonly source: number;
  readonly onLink: boolean;
}

/** What is settled before any table is asked: the device of the caller, of multicast, and what they say of the source. */
function start4(walk: Walk, flow: OutputFlow): Start4 | RouteDecision {
  const { host } = walk;
  const { dst } = flow;
  const source = typeof flow.src === "number" ? flow.src : 0;
  const spread = isMulticast4(dst) || dst === LIMITED_BROADCAST;
  if (source !== 0) {
    if (isMulticast4(source) || source === LIMITED_BROADCAST) return martian("source-invalid");
    if (flow.outInterface === undefined && spread) {
      const device = deviceOf4(walk, source);
      return device === undefined ? martian("source-not-own") : { device, source, onLink: true };
    }
    if (flow.anySource !== true && !isLocal4(walk, source)) return martian("source-not-own");
  }
  if (flow.outInterface === undefined) return { device: undefined, source, onLink: false };
  const device = host.byName.get(flow.outInterface);
  if (device === undefined || !device.up) return refused("none", undefined);
  const choose = (scope: number): number => (source === 0 ? selectAddress4(host, device, 0, scope) : source);
  if (isLinkMulticast4(dst) || dst === LIMITED_BROADCAST || flow.protocol === protocols.igmp)
    return { device, source: choose(SCOPE_LINK), onLink: true };
  if (isMulticast4(dst)) return { device, source: choose(SCOPE_UNIVERSE), onLink: false };
  return { device, source: dst === 0 ? choose(SCOPE_HOST) : source, onLink: false };
}

const LOOPBACK4 = 0x7f000001;

/** `ip_route_output_key_hash_rcu` */
export function routeOutput4(walk: Walk, flow: OutputFlow): RouteDecision {
  const start = start4(walk, flow);
  if ("kind" in start) return start;
  const { device, source, onLink } = start;
  if (device !== undefined && onLink) return finish4(walk, flow, device, source, { route: undefined });
  if (flow.dst === 0) return toLocal(walk, undefined, source === 0 ? LOOPBACK4 : source);
  const outInterface = flow.outInterface ?? "";
  const found = lookUpRoute(walk.host.fib.IPv4, lookupOf(flow, source, outInterface, true), walk.chooser);
  const refusal = refusalOf(found);
  if (refusal !== undefined || typeof found === "string") {
    if (device === undefined) return refusal ?? refused("none", undefined);
    // the caller knows better: the destination is taken to be on the link
    const near = source === 0 ? selectAddress4(walk.host, device, 0, SCOPE_LINK) : source;
    return finish4(walk, flow, device, near, { route: undefined });
  }
  if (found.route.type === "local") {
    const preferred = found.route.preferredSource;
    const chosen = source !== 0 ? source : (preferred ?? flow.dst);
    const loopback = loopbackOf(walk);
    // a local route that takes in multicast or broadcast addresses sends them over lo as what they are
    if (cast4(flow.dst, "local") === "unicast" || loopback === undefined) return toLocal(walk, found, chosen);
    return finish4(walk, flow, loopback, chosen as number, { route: undefined });
  }
  const matches = (hop: ChosenHop): boolean => source !== 0 && routeSource4(walk, found.route, hop) === source;
  const hop = nextHop4(walk, found, outInterface, matches);
  if (hop === undefined) return refused("none", undefined);
  const chosen = source === 0 ? routeSource4(walk, found.route, hop) : source;
  return finish4(walk, flow, hop.device, chosen, { route: found.route, hop });
}
