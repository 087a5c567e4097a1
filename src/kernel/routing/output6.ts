import type { IPv6Words } from "../../net/ip.ts";
import type { Address } from "../packet.ts";
import type { Walk } from "../walk.ts";
import { ipv6Kind, isUnset, ownerOf } from "./address.ts";
import { loopbackOf, martian, refusalOf, refused, toLocal, viaDevice } from "./decide.ts";
import type { RefusedType, RouteDecision } from "./decision.ts";
import { lookUpLocal, lookUpRoute } from "./fib.ts";
import { type ChosenHop, nextHop6 } from "./next-hop.ts";
import { lookupOf, type OutputFlow } from "./output-flow.ts";
import { selectAddress6 } from "./source.ts";
import type { TableRoute } from "./table.ts";

/** One IPv6 look-up for a sender (`ip6_route_output_flags`); without a source, rules that test it do not match. */
function lookUpOutput6(walk: Walk, flow: OutputFlow, source: Address | undefined): TableRoute | RefusedType {
  const outInterface = flow.outInterface ?? "";
  // a bound socket's interface is the only one that counts (RT6_LOOKUP_F_IFACE)
  return lookUpRoute(walk.host.fib.IPv6, lookupOf(flow, source, outInterface, outInterface !== ""), walk.chooser);
}

/** A route with the next hop that was drawn; none for local and refusing routes. */
interface Way {
  readonly found: TableRoute;
  readonly hop: ChosenHop | undefined;
}

function wayOf(walk: Walk, flow: OutputFlow, found: TableRoute): Way {
  const outInterface = flow.outInterface ?? "";
  return { found, hop: nextHop6(walk, found, outInterface, outInterface !== "") };
}

/** The route's own source, else the best for its device (`ip6_route_get_saddr`); a refused look-up stands on lo. */
function source6(walk: Walk, flow: OutputFlow, way: Way | undefined): IPv6Words | undefined {
  const preferred = way?.found.route.preferredSource;
  if (preferred !== undefined && typeof preferred !== "number") return preferred;
  return selectAddress6(walk.host, way?.hop?.device ?? loopbackOf(walk), flow.dst as IPv6Words);
}

function finish6(walk: Walk, flow: OutputFlow, { found, hop }: Way, source: Address | undefined): RouteDecision {
  const { type } = found.route;
  if (source === undefined) return martian("no-source");
  if (type === "local" || type === "anycast") return toLocal(walk, found, source);
  if (hop === undefined) return refused("none", undefined);
  const way = { route: found.route, hop };
  const multicast = ipv6Kind(flow.dst as IPv6Words).cast === "multicast";
  return viaDevice(hop.device, "IPv6", flow.dst, source, multicast ? { ...way, cast: "multicast" } : way);
}

const LOOPBACK6: IPv6Words = [0, 0, 0, 1];

/** An address of this host, or a subnet's anycast address that it answers to. */
function isOwn6(walk: Walk, address: Address): boolean {
  return (
    ownerOf(walk.host, address) !== undefined || lookUpLocal(walk.host.fib.IPv6, address)?.route.type === "anycast"
  );
}

/** `ip6_dst_lookup_tail`: routed without a source; only a look-up that failed is made again with the chosen one. */
export function routeOutput6(walk: Walk, flow: OutputFlow): RouteDecision {
  const given = isUnset(flow.src) ? undefined : flow.src;
  if (given !== undefined && flow.anySource !== true && !isOwn6(walk, given)) return martian("source-not-own");
  const asked = isUnset(flow.dst) ? { ...flow, dst: LOOPBACK6 } : flow;
  const found = lookUpOutput6(walk, asked, given);
  const refusal = refusalOf(found);
  if (refusal === undefined && typeof found !== "string") {
    const way = wayOf(walk, asked, found);
    return finish6(walk, asked, way, given ?? source6(walk, asked, way));
  }
  const source = given === undefined ? source6(walk, asked, undefined) : undefined;
  if (source === undefined) return refusal ?? refused("none", undefined);
  const second = lookUpOutput6(walk, asked, source);
  const still = refusalOf(second);
  if (still !== undefined || typeof second === "string") return still ?? refused("none", undefined);
  return finish6(walk, asked, wayOf(walk, asked, second), source);
}
