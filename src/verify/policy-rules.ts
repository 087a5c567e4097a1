import type { PolicyRule } from "../kernel/host.ts";
import { containsValue, type IntervalSet, intersectionOf, interval } from "../net/intervals.ts";
import { ascending } from "../net/sorted.ts";
import { policyEdges } from "./edges.ts";
import { edgesAlong, exceptionsAt, nearestIn, outsideExceptions, type Trial, tryPoint } from "./lines.ts";
import { type Draft, exclude, regionOf } from "./region.ts";
import { cutAt } from "./sight.ts";

/** Rules of the hosts on the way that choose by an address or a port. */
function choosingRules({ first, own }: Trial): readonly PolicyRule[] {
  const chooses = ({ family, source, destination, sourcePorts, destinationPorts }: PolicyRule): boolean =>
    family === first.family &&
    [source?.prefixLength, destination?.prefixLength, sourcePorts, destinationPorts].some(Boolean);
  return own.legs.flatMap(({ host }) => host.policyRules.filter(chooses));
}

/** The parts of a field on the sides of what rules test, as far as they are in a set; the one with the packet left out. */
function otherCells(universe: IntervalSet, set: IntervalSet, edges: readonly bigint[], own: bigint): IntervalSet[] {
  return cutAt(universe, edges)
    .filter(({ from, to }) => own < from || own > to)
    .map((cell) => intersectionOf(set, [cell]))
    .filter((cell) => cell.length > 0);
}

/**
 * Policy rules make routes depend on both addresses: where one of them tests another side of a source, packets may go elsewhere for
 * some destinations, and the other way round for the look-up of the way back. Each such pair of parts is tried.
 */
export function cutByPolicy(draft: Draft, trial: Trial): void {
  const rules = choosingRules(trial);
  if (rules.length === 0) return;
  const ports = rules.flatMap(({ sourcePorts, destinationPorts }) =>
    [sourcePorts, destinationPorts].flatMap((range) =>
      range === undefined ? [] : [BigInt(range.from), BigInt(range.to) + 1n],
    ),
  );
  if (ports.length > 0) keepPorts(draft, ascending(ports));
  const edges = ascending(rules.flatMap((rule) => policyEdges(rule, trial.first.family)));
  for (const [field, other] of [
    ["src", "dst"],
    ["dst", "src"],
  ] as const) {
    const region = regionOf(draft);
    const near = exceptionsAt(region);
    const pieces = cutAt(region.box[other], edgesAlong(trial, other));
    for (const cell of otherCells(draft.universe[field], region.box[field], edges, draft.point[field])) {
      const value = nearestIn(cell, draft.point[field]) ?? draft.point[field];
      for (const piece of pieces) {
        if (containsValue([piece], draft.point[other])) continue;
        const at = { ...draft.point, [field]: value, [other]: piece.from };
        const point = outsideExceptions(region, near(other, piece.from), at, [field, other]);
        const same = point === undefined ? undefined : tryPoint(trial, point);
        if (same === true) continue;
        exclude(draft, { [field]: cell, [other]: interval(piece.from, piece.to) });
        if (same === undefined) draft.reasons.add("ip rules choose routes by both addresses");
      }
    }
  }
}

/** Rules that choose by ports: the class stays on the packet's side of them. */
function keepPorts(draft: Draft, edges: readonly bigint[]): void {
  for (const field of ["sport", "dport"] as const) {
    const at = draft.point[field];
    const piece = cutAt(draft.box[field], edges).filter(({ from, to }) => at >= from && at <= to);
    draft.box[field] = intersectionOf(draft.box[field], piece);
  }
  draft.reasons.add("ip rules choose routes by ports");
}
