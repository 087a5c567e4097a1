import { byLoad, plainLoad } from "./load.ts";
import type { Scheduler } from "./scheduler.ts";

/** Least connections (`ip_vs_lc.c`): the smallest load, whatever the weight; of equals the first. */
export const lc: Scheduler<undefined> = {
  start: () => undefined,
  counts: "all",
  loadRule: plainLoad,
  choose: ({ service }) => byLoad(service.destinations, plainLoad),
};
