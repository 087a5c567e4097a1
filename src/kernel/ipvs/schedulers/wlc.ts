import { byLoad, connectionLoad, leastLoaded, type Scheduler } from "./scheduler.ts";

/** Weighted least connections (`ip_vs_wlc.c`): the smallest load for its weight; of equals the first. */
export const wlc: Scheduler<undefined> = {
  start: () => undefined,
  choose: ({ service }) => byLoad(leastLoaded(service.destinations, connectionLoad), connectionLoad),
};
