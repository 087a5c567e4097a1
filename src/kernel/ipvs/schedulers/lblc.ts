import type { Address } from "../../packet.ts";
import type { Destination } from "../model.ts";
import { byLoad, connectionLoad, isUsable, leastLoaded, type Scheduler } from "./scheduler.ts";

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
  choose: ({ service: { destinations }, memory, remember, packet, state }) => {
    const key = cacheKey(packet.dst);
    const entry = memory.get(key);
    const keep = (destination: Destination): void =>
      remember(new Map(memory).set(key, { destination, lastUse: state.now }));
    if (entry !== undefined && state.now - entry.lastUse <= CACHE_LIFE) {
      const { destination } = entry;
      if (destination.available && destination.weight > 0 && !isBehind(destination, destinations)) {
        keep(destination);
        return { destination, reason: { kind: "cached" } };
      }
    }
    const destination = leastLoaded(destinations, connectionLoad);
    if (destination !== undefined) keep(destination);
    return byLoad(destination, connectionLoad);
  },
};

/** Those of a list that may be chosen from it: still there and usable. */
export function stillThere(destinations: readonly Destination[]): readonly Destination[] {
  return destinations.filter((each) => each.available && isUsable(each));
}
