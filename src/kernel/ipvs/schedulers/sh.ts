import { foldAddress, hash32 } from "../hash.ts";
import type { Destination } from "../model.ts";
import type { Service } from "../service.ts";
import { type Choice, isUsable, type Scheduler } from "./scheduler.ts";

const BITS = 8;
const SIZE = 2 ** BITS;

/** `ip_vs_sh_reassign`: each takes as many buckets in a row as its weight says, at least one, again and again. */
function buckets({ destinations }: Service): readonly Destination[] {
  if (destinations.length === 0) return [];
  const table: Destination[] = [];
  for (let i = 0; table.length < SIZE; i++) {
    const destination = destinations[i % destinations.length] as Destination;
    const end = Math.min(SIZE, table.length + Math.max(1, destination.weight));
    while (table.length < end) table.push(destination);
  }
  return table;
}

/** Is the real server of a bucket one that may be had? */
const canBeHad = (destination: Destination | undefined): destination is Destination =>
  destination !== undefined && isUsable(destination);

/**
 * Source hashing (`ip_vs_sh.c`): with the flag `sh-port` the source port as well; with `sh-fallback` other buckets are tried where
 * the real server cannot be had. The table is made when it is first needed after a change.
 */
export const sh: Scheduler<{ table: readonly Destination[] | undefined }> = {
  start: () => ({ table: undefined }),
  changed: () => ({ table: undefined }),
  choose: ({ service, memory, packet }) => {
    memory.table ??= buckets(service);
    const { table } = memory;
    const { schedulerFlags: flags } = service.description;
    const port = flags.includes("sh-port") ? packet.sport : 0;
    const hash = hash32((foldAddress(packet.src) + port) | 0, BITS);
    const hashed = flags.includes("sh-port") ? "source and port" : "source";
    const first = table[hash];
    const reason: Choice["reason"] = { kind: "hash-bucket", bucket: hash, of: SIZE, hashed };
    if (canBeHad(first)) return { destination: first, reason };
    if (!flags.includes("sh-fallback")) return undefined;
    for (let offset = 0; offset < SIZE; offset++) {
      const bucket = (hash + ((offset + hash) % SIZE)) % SIZE;
      const found = table[bucket];
      if (canBeHad(found)) return { destination: found, reason: { ...reason, bucket, instead: hash } };
    }
    return undefined;
  },
};
