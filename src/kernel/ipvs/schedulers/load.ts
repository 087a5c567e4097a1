import type { Destination } from "../model.ts";
import { type Choice, isUsable } from "./scheduler.ts";

/** `ip_vs_dest_conn_overhead`: what lc and wlc call load. */
export function connectionLoad({ active, inactive }: Destination): number {
  return active * 256 + inactive;
}

/** The load of sed and nq: what it would be with this connection. */
export function expectedLoad({ active }: Destination): number {
  return active + 1;
}

/** How the least loaded is found: what load is, and whether it is shared out by weight. */
export interface LoadRule {
  readonly load: (destination: Destination) => number;
  readonly byWeight: boolean;
}

/** lc: whatever the weight. */
export const plainLoad: LoadRule = { load: connectionLoad, byWeight: false };
export const weightedLoad: LoadRule = { load: connectionLoad, byWeight: true };
export const expectedDelay: LoadRule = { load: expectedLoad, byWeight: true };

/** Above 0: the first is more loaded; 0: both are alike. */
function compare({ load, byWeight }: LoadRule, a: Destination, b: Destination): number {
  return byWeight ? load(a) * b.weight - load(b) * a.weight : load(a) - load(b);
}

/** The usable one with the least load; of equals the first. */
export function leastLoaded(destinations: readonly Destination[], rule: LoadRule): Destination | undefined {
  let least: Destination | undefined;
  for (const each of destinations) {
    if (isUsable(each) && (least === undefined || compare(rule, least, each) > 0)) least = each;
  }
  return least;
}

/** A choice by load among the usable ones of a list. */
export function byLoad(destinations: readonly Destination[], rule: LoadRule): Choice | undefined {
  const destination = leastLoaded(destinations, rule);
  if (destination === undefined) return undefined;
  let equals = -1;
  for (const each of destinations) if (isUsable(each) && compare(rule, destination, each) === 0) equals++;
  const { weight } = destination;
  return { destination, reason: { kind: "least-connections", load: rule.load(destination), weight, equals } };
}
