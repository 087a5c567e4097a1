import { byLoad, expectedLoad, isUsable, leastLoaded, type Scheduler } from "./scheduler.ts";

/** Never queue (`ip_vs_nq.c`): the first that is idle, else as sed. */
export const nq: Scheduler<undefined> = {
  start: () => undefined,
  choose: ({ service: { destinations } }) => {
    const idle = destinations.find((each) => isUsable(each) && each.active === 0);
    return byLoad(idle ?? leastLoaded(destinations, expectedLoad), expectedLoad);
  },
};
