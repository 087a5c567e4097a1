import type { Destination } from "../model.ts";
import { type Choice, isUsable, type Scheduler } from "./scheduler.ts";

/** The usable one of the highest weight for which `holds`; of equals the first. */
export function heaviest(
  destinations: readonly Destination[],
  holds: (destination: Destination) => boolean,
): Choice | undefined {
  let best: Destination | undefined;
  let equals = 0;
  for (const each of destinations) {
    if (!isUsable(each) || !holds(each)) continue;
    if (best === undefined || each.weight > best.weight) {
      best = each;
      equals = 0;
    } else if (each.weight === best.weight) equals++;
  }
  return best && { destination: best, reason: { kind: "highest-weight", weight: best.weight, equals } };
}

/** Weighted fail-over (`ip_vs_fo.c`): always the highest weight. */
export const fo: Scheduler<undefined> = {
  start: () => undefined,
  choose: ({ service }) => heaviest(service.destinations, () => true),
};
