import type { IPv6Words } from "../../net/ip.ts";
import type { Address } from "../packet.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";
import { ipv6Kind, isUnset, scopes } from "./address.ts";
import { addressType4 } from "./address-type.ts";
import type { RouteDecision } from "./decision.ts";
import type { OutputFlow } from "./output-flow.ts";
import { routeOutput4 } from "./output4.ts";
import { routeOutput6 } from "./output6.ts";

/**
 * Routes a packet that this host sends and chooses its source where none is given (`ip_route_output_key_hash_rcu`,
 * `ip6_route_output`; kernel-semantics §1.3, §3.7). What the call fails with is told by the decision.
 */
export function routeOutput(walk: Walk, flow: OutputFlow): RouteDecision {
  if (flow.family === "IPv6") return routeOutput6(walk, flow);
  const decision = routeOutput4(walk, flow);
  if (flow.connects !== true || !isUnset(flow.src)) return decision;
  const { kind } = decision;
  const source = kind === "local" || kind === "unicast" ? decision.source : undefined;
  return isUnset(source) ? decision : routeOutput4(walk, { ...flow, src: source });
}

/**
 * Routes a packet again after its destination, mark, TOS or source was changed in OUTPUT (`ip_route_me_harder`,
 * `ip6_route_me_harder`): the source stays and may be a foreign address; the device of the socket still binds
 * (`outInterface`), and in IPv6 the first route's device where the destination is multicast or of link scope.
 */
export function routeAgain(walk: Walk, skb: Skb, outInterface?: string): RouteDecision {
  const { src, dst } = skb;
  if (typeof src === "number") {
    const type = addressType4(walk.host, src, undefined);
    return routeOutput4(walk, ownFlow(skb, type === "local" || type === "unicast" ? src : undefined, outInterface));
  }
  const { cast, scope, loopback } = ipv6Kind(dst as IPv6Words);
  const scoped = cast === "multicast" || (cast === "unicast" && scope === scopes.link && !loopback);
  return routeOutput6(walk, ownFlow(skb, src, outInterface ?? (scoped ? skb.outInterface?.name : undefined)));
}

/** A packet that is sent from here, from whatever source. */
function ownFlow(skb: Skb, src: Address | undefined, outInterface: string | undefined): OutputFlow {
  const { family, dst, mark, tos, protocol, sport, dport } = skb;
  return { family, dst, mark, tos, protocol, sport, dport, anySource: true, outInterface, src };
}
