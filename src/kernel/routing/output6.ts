import type { IPv6Words } from "../../net/ip.ts";
import type { Address } from "../packet.ts";
import type { Walk } from "../walk.ts";
import { ipv6Kind, isUnset, ownerOf, scopes } from "./address.ts";
import { martian, refusalOf, refused, toLocal, viaDevice } from "./decide.ts";
import type { RefusedType, RouteDecision } from "./decision.ts";
import { lookUpRoute } from "./fib.ts";
import { nextHop6 } from "./next-hop.ts";
import { lookupOf, type OutputFlow } from "./output-flow.ts";
import { selectAddress6 } from "./source.ts";
import type { TableRoute } from "./table.ts";

function isScoped6(words: IPv6Words): boolean {
  const { cast, scope, loopback } = ipv6Kind(words);
  return cast === "multicast" || loopback || (cast === "unicast" && scope === scopes.link);
}

/** One IPv6 look-up for a sender (`ip6_route_output_flags`); `source` unset leaves rules that test it out. */
function lookUpOutput6(walk: Walk, flow: OutputFlow, source: Address | undefined): TableRoute | RefusedType {
  const outInterface = flow.outInterface ?? "";
  const strict = outInterface !== "" && (isUnset(source) || isScoped6(flow.dst as IPv6Words));
  const src = isUnset(source) ? undefined : source;
  return lookUpRoute(walk.host.fib.IPv6, lookupOf(flow, src, outInterface, strict), walk.chooser);
}

function source6(walk: Walk, flow: OutputFlow, found: TableRoute | RefusedType): IPv6Words | undefined {
  if (typeof found === "string") return selectAddress6(walk.host, undefined, flow.dst as IPv6Words);
  const { preferredSource } = found.route;
  if (preferredSource !== undefined && typeof preferredSource !== "number") return preferredSource;
  const device = found.hops.find((hop) => hop.device !== undefined)?.device;
  return selectAddress6(walk.host, device, flow.dst as IPv6Words);
}

function finish6(walk: Walk, flow: OutputFlow, found: TableRoute, source: Address | undefined): RouteDecision {
  const { type } = found.route;
  if (type === "local" || type === "anycast") return toLocal(walk, found, source ?? flow.dst);
  const outInterface = flow.outInterface ?? "";
  const strict = outInterface !== "" && (isUnset(flow.src) || isScoped6(flow.dst as IPv6Words));
  const hop = nextHop6(walk, found, outInterface, strict);
  if (hop === undefined) return refused("none", undefined);
  const way = { route: found.route, hop };
  const multicast = ipv6Kind(flow.dst as IPv6Words).cast === "multicast";
  return viaDevice(hop.device, "IPv6", flow.dst, source, multicast ? { ...way, cast: "multicast" } : way);
}

/** `ip6_dst_lookup_tail`: routed without a source; only a look-up that failed is made again with the chosen one. */
export function routeOutput6(walk: Walk, flow: OutputFlow): RouteDecision {
  const given = isUnset(flow.src) ? undefined : flow.src;
  if (given !== undefined && flow.anySource !== true && ownerOf(walk.host, given) === undefined)
    return martian("source-not-own");
  const dst = isUnset(flow.dst) ? ([0, 0, 0, 1] as const) : flow.dst;
  const asked = { ...flow, dst };
  let found = lookUpOutput6(walk, asked, given);
  const source = given ?? source6(walk, asked, found);
  let refusal = refusalOf(found);
  if (given === undefined && refusal !== undefined && source !== undefined) {
    found = lookUpOutput6(walk, asked, source);
    refusal = refusalOf(found);
  }
  if (refusal !== undefined || typeof found === "string") return refusal ?? refused("none", undefined);
  if (source === undefined) return martian("no-source");
  return finish6(walk, asked, found, source);
}
