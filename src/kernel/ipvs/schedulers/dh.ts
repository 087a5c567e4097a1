import { foldAddress, hash32 } from "../hash.ts";
import type { Destination } from "../model.ts";
import { isUsable, type Scheduler } from "./scheduler.ts";

const BITS = 8;

/**
 * Destination hashing (`ip_vs_dh.c`): 2^8 buckets that the list fills in turn, made anew when it grows or shrinks. `list` is the
 * list they were made from.
 */
export const dh: Scheduler<{ readonly list: readonly Destination[] }> = {
  start: ({ destinations }) => ({ list: destinations }),
  changed: (memory, { destinations }, { kind }) => (kind === "edited" ? memory : { list: destinations }),
  choose: ({ memory: { list }, packet }) => {
    const bucket = hash32(foldAddress(packet.dst), BITS);
    const destination = list[bucket % list.length];
    if (destination === undefined || !destination.available || !isUsable(destination)) return undefined;
    return { destination, reason: { kind: "hash-bucket", bucket, of: 2 ** BITS, hashed: "destination" } };
  },
};
