import { destinationMoved } from "./nat/targets.ts";
import type { Stop } from "./outcome.ts";
import { routeAgain as routeOwn } from "./routing/output.ts";
import type { Skb } from "./skb.ts";
import type { Walk } from "./walk.ts";

/**
 * `ip_route_me_harder` for a packet that this host sends, after OUTPUT rules changed what routing looks at
 * (kernel-semantics §1.3). The source address stays as it is; the rules behind still see the old out-interface.
 */
export function routeAgain(walk: Walk, skb: Skb, after: "nat" | "mangle"): Stop | undefined {
  if (after === "nat" && (skb.entry === undefined || !destinationMoved(skb.entry, skb.direction))) return undefined;
  const decision = routeOwn(walk, skb, skb.boundTo);
  walk.record?.({ kind: "routed", decision, again: true });
  if (decision.kind === "refused") return { kind: "no-route", where: "again", type: decision.type };
  if (decision.kind === "martian") return { kind: "no-route", where: "again", type: decision.reason };
  skb.route = decision;
  return undefined;
}
