import { byLoad, expectedDelay } from "./load.ts";
import type { Scheduler } from "./scheduler.ts";

/**
 * Shortest expected delay (`ip_vs_sed.c`): as wlc, by active connections and the one to come. UDP is never active, so its
 * connections all go to the head of the list (ipvs-mode §10).
 */
export const sed: Scheduler<undefined> = {
  start: () => undefined,
  counts: "active",
  loadRule: expectedDelay,
  choose: ({ service }) => byLoad(service.destinations, expectedDelay),
};
