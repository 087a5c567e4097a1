import type { Destination } from "../model.ts";
import type { Service } from "../service.ts";
import { gcd, type Scheduler } from "./scheduler.ts";

/** `struct ip_vs_wrr_mark`: the current one (nobody: the list's head), the current weight, the maximum, and the step. */
interface Mark {
  readonly current: Destination | undefined;
  readonly weight: number;
  readonly maximum: number;
  readonly step: number;
}

function weights({ destinations }: Service): { readonly maximum: number; readonly step: number } {
  let step = 0;
  let highest = 0;
  for (const { weight } of destinations) {
    if (weight > 0) step = gcd(step, weight);
    highest = Math.max(highest, weight);
  }
  if (step === 0) step = 1;
  return { maximum: highest - (step - 1), step };
}

/** `ip_vs_wrr_dest_changed` */
function afterChange({ weight }: Mark, service: Service): Mark {
  const { maximum, step } = weights(service);
  const kept = step > 1 ? Math.floor(weight / step) * step + 1 : weight;
  return { current: undefined, weight: weight > maximum || weight === 0 ? maximum : kept, maximum, step };
}

/** Weighted round robin (`ip_vs_wrr.c`, ipvs-mode §10): rounds with a falling weight, in which those take part that have it. */
export const wrr: Scheduler<Mark> = {
  start: (service) => {
    const { maximum, step } = weights(service);
    return { current: undefined, weight: maximum, maximum, step };
  },
  changed: afterChange,
  dependsOnHistory: true,
  choose: ({ service, memory, remember }) => {
    const { destinations } = service;
    const { current: last, maximum, step } = memory;
    if (maximum <= 0) return undefined;
    let { weight } = memory;
    let stop: Destination | undefined;
    let isLastPass = false;
    let restarted = false;
    let at = last === undefined ? 0 : destinations.indexOf(last) + 1;
    for (;;) {
      for (; at < destinations.length; at++) {
        const destination = destinations[at] as Destination;
        if (!destination.overloaded && destination.weight >= weight) {
          remember({ ...memory, current: destination, weight });
          return {
            destination,
            reason: { kind: "position", position: at + 1, of: destinations.length, round: weight },
          };
        }
        if (destination === stop) {
          remember({ ...memory, current: destination, weight });
          return undefined;
        }
      }
      at = 0;
      weight -= step;
      if (weight <= 0) {
        weight = maximum;
        // one more round is of no use: nobody has the lowest weight
        if (isLastPass || last === undefined) {
          remember({ ...memory, current: undefined, weight });
          return undefined;
        }
        restarted = true;
      }
      isLastPass = weight <= step;
      if (isLastPass && restarted) stop = last;
    }
  },
};
