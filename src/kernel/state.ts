import type { ConntrackEntry } from "./entry.ts";

/** A place in the log of changes to which a state can be taken back. */
export type StateMark = number;

/** How many keys a map has behind one of them. */
function countBehind<K>(map: ReadonlyMap<K, unknown>, key: K): number {
  let place = 1;
  for (const each of map.keys()) {
    if (each === key) break;
    place++;
  }
  return map.size - place;
}

/**
 * Everything about a host that changes: connections, lists, counters, the clock. One value with one log: whoever tries
 * something out takes a mark and rolls back to it, and the state is as it was (decision 7 of the design). Parts are changed
 * through the methods here only.
 */
export class HostState {
  /** The host's clock in milliseconds; moved only by `advance`. */
  now = 0;
  /** Confirmed connections: the key of each direction's tuple (`tupleKey`) → entry. */
  readonly connections: Map<string, ConntrackEntry> = new Map();
  /** Entries by id, in the order in which they were confirmed. */
  readonly entries: Map<number, ConntrackEntry> = new Map();
  /** For NAT: ids of entries by their original source (`sourceKey`), oldest first. */
  readonly bySource: Map<string, readonly number[]> = new Map();
  /** State of matches that count, by the match or target object it belongs to (nth, limit) or by name (recent, hashlimit, nfacct). */
  readonly ofRule: Map<object, unknown> = new Map();
  readonly ofName: Map<string, unknown> = new Map();
  nextId = 1;

  #log: (() => void)[] = [];
  #marks = 0;

  /** Starts to log changes; every mark must be given back to `rollback` or `release`, the last one first. */
  mark(): StateMark {
    this.#marks++;
    return this.#log.length;
  }

  /** Undoes everything since the mark. */
  rollback(mark: StateMark): void {
    while (this.#log.length > mark) this.#log.pop()?.();
    this.#marks--;
  }

  /** Keeps what was done since the mark. */
  release(_mark: StateMark): void {
    this.#marks--;
    if (this.#marks === 0) this.#log = [];
  }

  /** Sets one field of an object that belongs to this state. */
  set<T extends object, K extends keyof T>(object: T, key: K, value: T[K]): void {
    if (this.#marks > 0) {
      const before = object[key];
      this.#log.push(() => {
        object[key] = before;
      });
    }
    object[key] = value;
  }

  /** Sets one key of a map that belongs to this state. */
  put<K, V>(map: Map<K, V>, key: K, value: V): void {
    if (this.#marks > 0) {
      const before = map.get(key);
      const had = before !== undefined || map.has(key);
      this.#log.push(() => {
        if (had) map.set(key, before as V);
        else map.delete(key);
      });
    }
    map.set(key, value);
  }

  /** Removes one key of a map that belongs to this state. */
  remove<K, V>(map: Map<K, V>, key: K): void {
    if (!map.has(key)) return;
    if (this.#marks > 0) {
      const before = map.get(key) as V;
      // only connections are listed in the order in which they stand
      const behind = (map as unknown) === this.entries ? countBehind(map, key) : 0;
      this.#log.push(() => {
        const later = behind === 0 ? [] : [...map].slice(-behind);
        map.set(key, before);
        for (const [each, value] of later) {
          map.delete(each);
          map.set(each, value);
        }
      });
    }
    map.delete(key);
  }

  /** Moves the clock forward by milliseconds. */
  advance(milliseconds: number): void {
    this.set(this as HostState, "now", this.now + milliseconds);
  }
}
