import { foldAddress, sipHash32 } from "../hash.ts";
import type { Destination } from "../model.ts";
import type { Service } from "../service.ts";
import { type Choice, gcd, isUsable, type Scheduler } from "./scheduler.ts";

/** The kernel's usual table size (`CONFIG_IP_VS_MH_TAB_INDEX` 12). */
const SIZE = 4093;
const OFFSET_KEY = 2654435761;
const SKIP_KEY = 2654446892;
/** Weights are cut to so many bits in a turn. */
const TURN_BITS = 6;

function hash(key: number, address: Destination["address"], port: number, offset: number): number {
  return sipHash32((foldAddress(address) + port + offset) | 0, key);
}

/** How many slots in a row each takes; 0: none (`ip_vs_mh_permutate`, `ip_vs_mh_shift_weight`). */
function turnsOf(destinations: readonly Destination[]): readonly number[] {
  let divisor = 0;
  let highest = 0;
  for (const { lastWeight } of destinations) {
    divisor = gcd(divisor, lastWeight);
    highest = Math.max(highest, lastWeight);
  }
  if (divisor === 0) return [];
  const bits = 32 - Math.clz32(highest / divisor);
  const shift = Math.max(0, bits - TURN_BITS);
  return destinations.map(({ lastWeight }) =>
    lastWeight === 0 ? 0 : Math.max(1, Math.floor(lastWeight / divisor / 2 ** shift)),
  );
}

const EMPTY = -1;

/** `ip_vs_mh_populate`: which of the list each slot belongs to. */
function populate(destinations: readonly Destination[]): Int32Array | undefined {
  const turns = turnsOf(destinations);
  const walkers = turns.flatMap((count, index) => {
    const { address, port } = destinations[index] as Destination;
    const at = hash(OFFSET_KEY, address, port, 0) % SIZE;
    const skip = (hash(SKIP_KEY, address, port, 0) % (SIZE - 1)) + 1;
    return count === 0 ? [] : [{ index, count, at, skip }];
  });
  if (walkers.length === 0) return undefined;
  const slots = new Int32Array(SIZE).fill(EMPTY);
  for (let filled = 0; ; ) {
    for (const walker of walkers) {
      for (let turn = 0; turn < walker.count; turn++) {
        while (slots[walker.at] !== EMPTY) walker.at = (walker.at + walker.skip) % SIZE;
        slots[walker.at] = walker.index;
        if (++filled === SIZE) return slots;
      }
    }
  }
}

/** Tables of lists that are as they were configured: a state that is rolled back needs them again. */
const known = new WeakMap<object, Int32Array | undefined>();

/** The list that a table was or is to be made from; its weights may have changed since, its places not. */
interface Memory {
  readonly list: readonly Destination[];
  slots: Int32Array | undefined;
  isMade: boolean;
}

function isAsConfigured({ description, destinations }: Service): boolean {
  const { realServers } = description;
  return (
    destinations.length === realServers.length &&
    destinations.every(({ address, port, lastWeight }, i) => {
      const given = realServers[realServers.length - 1 - i];
      if (given === undefined || given.port !== port || given.weight !== lastWeight) return false;
      return given.address.family === "IPv4" ? given.address.value === address : given.address.words === address;
    })
  );
}

function makeSlots(service: Service): Int32Array | undefined {
  const { realServers } = service.description;
  if (!isAsConfigured(service)) return populate(service.destinations);
  if (!known.has(realServers)) known.set(realServers, populate(service.destinations));
  return known.get(realServers);
}

const fresh = ({ destinations }: Service): Memory => ({ list: destinations, slots: undefined, isMade: false });

/**
 * Maglev hashing (`ip_vs_mh.c`) of the source, with the flag `mh-port` its port as well; with `mh-fallback` other slots are tried
 * where the real server cannot be had. Slots go by the last weight that was not 0. The table is made when it is first needed
 * after a change.
 */
export const mh: Scheduler<Memory> = {
  start: fresh,
  usesLastWeights: true,
  changed: (_memory, service) => fresh(service),
  choose: ({ service, memory, packet }) => {
    if (!memory.isMade) {
      memory.slots = makeSlots(service);
      memory.isMade = true;
    }
    const { slots, list } = memory;
    if (slots === undefined) return undefined;
    const { schedulerFlags: flags } = service.description;
    const port = flags.includes("mh-port") ? packet.sport : 0;
    const hashed = flags.includes("mh-port") ? "source and port" : "source";
    const start = hash(OFFSET_KEY, packet.src, port, 0) % SIZE;
    const at = (offset: number, instead?: number): Choice | undefined => {
      const bucket = hash(OFFSET_KEY, packet.src, port, offset) % SIZE;
      const destination = list[slots[bucket] as number];
      if (destination === undefined || !isUsable(destination)) return undefined;
      const reason = { kind: "hash-bucket", bucket, of: SIZE, hashed } as const;
      return { destination, reason: instead === undefined ? reason : { ...reason, instead } };
    };
    const first = at(0);
    if (first !== undefined || !flags.includes("mh-fallback")) return first;
    for (let offset = 0; offset < SIZE; offset++) {
      const found = at((offset + start) % SIZE, start);
      if (found !== undefined) return found;
    }
    return undefined;
  },
};
