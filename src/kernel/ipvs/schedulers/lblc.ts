import type { Address } from "../../packet.ts";
import type { Destination } from "../model.ts";
import { byLoad, weightedLoad } from "./load.ts";
import { type Choice, isUsable, type Scheduler } from "./scheduler.ts";

/** Milliseconds after which an entry that was not used is forgotten (`lblc_expiration`, `lblcr_expiration`). */
export const CACHE_LIFE = 86_400_000;

/** More active connections than its weight, while another has less than half of its own (`is_overloaded`). */
export function isBehind(destination: Destination, destinations: readonly Destination[]): boolean {
  if (destination.active <= destination.weight) return false;
  return destinations.some(({ active, weight }) => active * 2 < weight);
}

/** The name of a destination address in a cache. */
export function cacheKey(address: Address): string {
  return typeof address === "number" ? `${address}` : address.join(".");
}

/** A choice by load, and why it was none of the cache. */
export function uncached(choice: Choice | undefined, cache: "none" | "not-usable"): Choice | undefined {
  if (choice?.reason.kind !== "least-connections") return choice;
  return { ...choice, reason: { ...choice.reason, cache } };
}

interface CacheEntry {
  readonly destination: Destination;
  readonly lastUse: number;
}

/**
 * Locality-based least connections (`ip_vs_lblc.c`): packets to one address go where they went before, unless that one has too many
 * connections; else as wlc. An entry of more than a day ago counts as collected.
 */
export const lblc: Scheduler<ReadonlyMap<string, CacheEntry>> = {
  start: () => new Map(),
  counts: "all",
  caches: true,
  loadRule: weightedLoad,
  choose: ({ service: { destinations }, memory, remember, packet, state }) => {
    const key = cacheKey(packet.dst);
    const found = memory.get(key);
    const entry = found !== undefined && state.now - found.lastUse <= CACHE_LIFE ? found : undefined;
    const keep = (destination: Destination): void =>
      remember(new Map(memory).set(key, { destination, lastUse: state.now }));
    if (entry !== undefined) {
      const { destination } = entry;
      if (destination.available && destination.weight > 0 && !isBehind(destination, destinations)) {
        keep(destination);
        return { destination, reason: { kind: "cached" } };
      }
    }
    const choice = byLoad(destinations, weightedLoad);
    if (choice !== undefined) keep(choice.destination);
    return uncached(choice, entry === undefined ? "none" : "not-usable");
  },
};

/** Those of a list that may be chosen from it: still there and usable. */
export function stillThere(destinations: readonly Destination[]): readonly Destination[] {
  return destinations.filter((each) => each.available && isUsable(each));
}
