import { byLoad, weightedLoad } from "./load.ts";
import type { Scheduler } from "./scheduler.ts";

/** Weighted least connections (`ip_vs_wlc.c`): the smallest load for its weight; of equals the first. */
export const wlc: Scheduler<undefined> = {
  start: () => undefined,
  counts: "all",
  loadRule: weightedLoad,
  choose: ({ service }) => byLoad(service.destinations, weightedLoad),
};
