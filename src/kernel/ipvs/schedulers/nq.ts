import type { Destination } from "../model.ts";
import { byLoad, expectedDelay } from "./load.ts";
import { isUsable, type Scheduler } from "./scheduler.ts";

const isIdle = (each: Destination): boolean => isUsable(each) && each.active === 0;

/** Never queue (`ip_vs_nq.c`): the first that is idle, else as sed. */
export const nq: Scheduler<undefined> = {
  start: () => undefined,
  counts: "active",
  loadRule: expectedDelay,
  choose: ({ service: { destinations } }) => {
    const destination = destinations.find(isIdle);
    if (destination === undefined) return byLoad(destinations, expectedDelay);
    const equals = destinations.reduce((sum, each) => sum + (isIdle(each) ? 1 : 0), -1);
    return { destination, reason: { kind: "idle", equals } };
  },
};
