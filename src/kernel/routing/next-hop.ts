import type { Interface } from "../host.ts";
import type { Walk } from "../walk.ts";
import type { Hop, TableRoute } from "./table.ts";

/** A next hop whose interface is there. */
export interface ChosenHop extends Hop {
  readonly device: Interface;
}

const TOTAL = 2 ** 31;

const isThere = (hop: Hop): hop is ChosenHop => hop.device !== undefined && hop.nextHop.usable;

/** A weight is one more than `rtnh_hops`: no hop has none. */
const weightOf = ({ nextHop }: Hop): number => Math.max(1, nextHop.weight);

/** Upper ends of the hops' parts of 2^31, as `fib_rebalance` and `rt6_multipath_rebalance` round them. */
function shareEnds(hops: readonly Hop[]): number[] {
  const total = hops.reduce((sum, hop) => sum + weightOf(hop), 0);
  let weight = 0;
  return hops.map((hop) => {
    weight += weightOf(hop);
    return Math.round((weight * TOTAL) / total);
  });
}

function drawn(walk: Walk, hops: readonly ChosenHop[], choice: readonly number[]): ChosenHop | undefined {
  const ends = shareEnds(hops);
  const shares = hops.map(() => 0);
  for (const [segment, hop] of choice.entries()) {
    shares[hop] = (shares[hop] ?? 0) + (ends[segment] ?? 0) - (segment === 0 ? 0 : (ends[segment - 1] ?? 0));
  }
  const possible = [...shares.keys()].filter((i) => (shares[i] ?? 0) > 0);
  const only = possible.length === 1 ? 0 : walk.chooser.share(possible.map((i) => shares[i] ?? 0));
  return hops[possible[only] ?? 0];
}

/**
 * The next hop of an IPv4 route. With an interface asked for: the first by it. Of several: by the hash of the flow, each
 * with its weight's share; hops for which `preferred` holds come before the others (`fib_select_multipath`, since 6.16
 * those whose own source is the flow's).
 */
export function nextHop4(
  walk: Walk,
  { hops }: TableRoute,
  outInterface: string,
  preferred: (hop: ChosenHop) => boolean,
): ChosenHop | undefined {
  if (outInterface !== "")
    return hops.find((hop): hop is ChosenHop => isThere(hop) && hop.nextHop.device === outInterface);
  const there = hops.every(isThere) ? hops : hops.filter(isThere);
  if (there.length < 2) return there[0];
  const better = there.map((hop, i) => (preferred(hop) ? i : -1)).filter((i) => i >= 0);
  const choice = there.map((_, segment) => {
    if (better.length === 0) return segment;
    return better.find((i) => i >= segment) ?? (better[0] as number);
  });
  return drawn(walk, there, choice);
}

/**
 * The next hop of an IPv6 route: the hash's (`fib6_select_path`), unless it does not lead out of the interface asked for
 * and only that one counts; then the first that does.
 */
export function nextHop6(
  walk: Walk,
  { hops }: TableRoute,
  outInterface: string,
  strict: boolean,
): ChosenHop | undefined {
  const there = hops.filter(isThere);
  if (there.length < 2) return there[0];
  const onDevice = (hop: ChosenHop | undefined): boolean =>
    outInterface === "" || !strict || hop?.nextHop.device === outInterface;
  const first = there.findIndex(({ nextHop }) => outInterface === "" || nextHop.device === outInterface);
  const choice = there.map((_, segment) => (onDevice(there[segment]) ? segment : Math.max(0, first)));
  return drawn(walk, there, choice);
}
