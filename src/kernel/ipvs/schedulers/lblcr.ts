import type { Destination } from "../model.ts";
import { CACHE_LIFE, cacheKey, isBehind, stillThere, uncached } from "./lblc.ts";
import { byLoad, connectionLoad, leastLoaded, weightedLoad } from "./load.ts";
import type { Scheduler } from "./scheduler.ts";

/** The real servers that an address has had, the newest first. */
interface CacheEntry {
  readonly set: readonly Destination[];
  readonly lastUse: number;
  readonly lastChange: number;
}

/** `ip_vs_dest_set_max`: the most loaded of those that have a weight, of equals the first. */
function mostLoaded(set: readonly Destination[]): Destination | undefined {
  let most: Destination | undefined;
  for (const each of set) {
    if (each.weight <= 0) continue;
    if (most === undefined || connectionLoad(most) * each.weight < connectionLoad(each) * most.weight) most = each;
  }
  return most;
}

/**
 * Locality-based least connections with replication (`ip_vs_lblcr.c`): as lblc, with a set of real servers for an address, which
 * grows where the least loaded of it has too many connections and loses its most loaded one after a day without a change.
 */
export const lblcr: Scheduler<ReadonlyMap<string, CacheEntry>> = {
  start: () => new Map(),
  counts: "all",
  caches: true,
  loadRule: weightedLoad,
  choose: ({ service: { destinations }, memory, remember, packet, state }) => {
    const key = cacheKey(packet.dst);
    const { now } = state;
    const found = memory.get(key);
    const entry = found !== undefined && now - found.lastUse <= CACHE_LIFE ? found : undefined;
    const keep = (set: readonly Destination[], lastChange: number): void =>
      remember(new Map(memory).set(key, { set, lastUse: now, lastChange }));
    let set = entry?.set ?? [];
    let lastChange = entry?.lastChange ?? now;
    if (entry !== undefined) {
      const least = leastLoaded(stillThere(set), weightedLoad);
      if (set.length > 1 && now > lastChange + CACHE_LIFE) {
        const most = mostLoaded(set);
        set = set.filter((each) => each !== most);
        lastChange = now;
      }
      if (least !== undefined && !isBehind(least, destinations)) {
        keep(set, lastChange);
        return { destination: least, reason: { kind: "cached" } };
      }
    }
    const choice = byLoad(destinations, weightedLoad);
    if (choice === undefined) {
      if (entry !== undefined) keep(set, lastChange);
      return undefined;
    }
    const { destination } = choice;
    const isNew = !set.includes(destination);
    keep(isNew ? [destination, ...set] : set, isNew ? now : lastChange);
    return uncached(choice, entry === undefined ? "none" : "not-usable");
  },
};
