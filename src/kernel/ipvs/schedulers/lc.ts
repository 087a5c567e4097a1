import type { Destination } from "../model.ts";
import { byLoad, connectionLoad, isUsable, type Scheduler } from "./scheduler.ts";

/** Least connections (`ip_vs_lc.c`): the smallest load, whatever the weight; of equals the first. */
export const lc: Scheduler<undefined> = {
  start: () => undefined,
  choose: ({ service }) => {
    let least: Destination | undefined;
    for (const each of service.destinations) {
      if (!isUsable(each)) continue;
      if (least === undefined || connectionLoad(each) < connectionLoad(least)) least = each;
    }
    return byLoad(least, connectionLoad);
  },
};
