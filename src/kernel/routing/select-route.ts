import type { Chooser } from "../chooser.ts";
import type { Lookup } from "./lookup.ts";
import { type RouteTable, routesAt, type TableRoute } from "./table.ts";

/** Bits of TOS that select routes and rules (IPTOS_RT_MASK). */
export const TOS_MASK = 0x1c;

/** Is the route there for this flow, as far as that is certain? */
function counts({ route }: TableRoute, chooser: Chooser): boolean {
  return route.notModelled === undefined || chooser.unknown({ what: `a route with ${route.notModelled}` });
}

/** Can a hop be used by a flow (`fib_lookup_good_nhc`)? */
export function usableHop(each: TableRoute, outInterface: string): boolean {
  for (const { nextHop, device } of each.hops) {
    if (!nextHop.usable || device === undefined) continue;
    if (outInterface === "" || nextHop.device === outInterface) return true;
  }
  return false;
}

/** `fib_table_lookup`: the first route of the longest prefix that has one for this flow. */
export function lookUp4(table: RouteTable, flow: Lookup, chooser: Chooser): TableRoute | undefined {
  for (const level of table.levels) {
    for (let each = routesAt(level, flow.dst); each !== undefined; each = each.next) {
      if (each.route.tos !== 0 && each.route.tos !== (flow.tos & TOS_MASK)) continue;
      if (each.refuses === undefined && !usableHop(each, flow.routesBy)) continue;
      if (counts(each, chooser)) return each;
    }
  }
  return undefined;
}

/** `rt6_score_route`: negative when the route does not count, higher is better. */
function score6(each: TableRoute, flow: Lookup): number {
  // the next hop of a refusing route is lo
  const onDevice =
    flow.routesBy === "" || (each.refuses === undefined ? usableHop(each, flow.routesBy) : flow.routesBy === "lo");
  if (each.refuses === undefined && !usableHop(each, "")) return -1;
  if (!onDevice && flow.strict) return -1;
  const { preference } = each.route;
  return (onDevice ? 2 : 0) + (preference === "low" ? 4 : preference === "high" ? 12 : 8);
}

/** `find_rr_leaf`: the best of the lowest metric, else the best of the rest. */
function select6(first: TableRoute | undefined, flow: Lookup, chooser: Chooser): TableRoute | undefined {
  let best: TableRoute | undefined;
  let bestScore = -1;
  const metric = first?.route.metric;
  for (let each = first; each !== undefined; each = each.next) {
    if (best !== undefined && best.route.metric === metric && each.route.metric !== metric) return best;
    const score = score6(each, flow);
    if (score <= bestScore || !counts(each, chooser)) continue;
    best = each;
    bestScore = score;
  }
  return best;
}

/** `fib6_table_lookup`: as IPv4, with the routes of a prefix weighed by metric, device and preference. */
export function lookUp6(table: RouteTable, flow: Lookup, chooser: Chooser): TableRoute | undefined {
  for (const level of table.levels) {
    const found = select6(routesAt(level, flow.dst), flow, chooser);
    if (found !== undefined) return found;
  }
  return undefined;
}
