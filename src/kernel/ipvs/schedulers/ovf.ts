import { heaviest } from "./fo.ts";
import type { Scheduler } from "./scheduler.ts";

/** Weighted overflow (`ip_vs_ovf.c`): the highest weight among those with no more active connections than their weight. */
export const ovf: Scheduler<undefined> = {
  start: () => undefined,
  counts: "active",
  refuses: true,
  choose: ({ service }) => heaviest(service.destinations, ({ active, weight }) => active <= weight),
};
