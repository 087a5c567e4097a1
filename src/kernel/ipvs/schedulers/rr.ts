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
    const { size } = service;
    const from = memory.last === undefined ? 0 : service.positionOf(memory.last) + 1;
    for (let i = 0; i < size; i++) {
      const at = (from + i) % size;
      const destination = service.at(at);
      if (!isUsable(destination)) continue;
      remember({ last: destination });
      return { destination, reason: { kind: "position", position: at + 1, of: size } };
    }
    return undefined;
  },
};
