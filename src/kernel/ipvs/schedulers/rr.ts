import type { Destination } from "../model.ts";
import { isUsable, type Scheduler } from "./scheduler.ts";

/** Whom it took last; nobody: before the first. */
interface Pointer {
  readonly last: Destination | undefined;
}

/** Round robin (`ip_vs_rr.c`, ipvs-mode §10): the next usable one behind the last, and once round. */
export const rr: Scheduler<Pointer> = {
  start: () => ({ last: undefined }),
  changed: (memory, _service, change) =>
    change.kind === "removed" && memory.last === change.destination ? { last: change.before } : memory,
  choose: ({ service, memory, remember }) => {
    const { destinations } = service;
    const from = memory.last === undefined ? 0 : destinations.indexOf(memory.last) + 1;
    for (let i = 0; i < destinations.length; i++) {
      const at = (from + i) % destinations.length;
      const destination = destinations[at];
      if (destination === undefined || !isUsable(destination)) continue;
      remember({ last: destination });
      return { destination, reason: { kind: "position", position: at + 1, of: destinations.length } };
    }
    return undefined;
  },
};
