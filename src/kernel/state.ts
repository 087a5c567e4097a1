import { Connections } from "./conntrack/connections.ts";
import type { SourceKey } from "./conntrack/tuple.ts";
import { emptyIPVSTables, type IPVSTables } from "./ipvs/model.ts";
import { StateTable } from "./state-table.ts";

/** A place in the log of changes to which a state can be taken back. */
export type StateMark = number;

/** In the log: the key was not in the map, the thing not in the table. */
const absent: unique symbol = Symbol("absent");

/**
 * Everything about a host that changes: connections, lists, counters, the clock. One value with one log: whoever tries
 * something out takes a mark and rolls back to it, and the state is as it was (decision 7 of the design). Parts are changed
 * through the methods here only. Maps are asked by their keys; their order is no part of the state, so whoever lists one
 * has to sort it.
 */
export class HostState {
  /** The host's clock in milliseconds; moved only by `advance`. */
  now = 0;
  /** Confirmed connections. */
  readonly entries: Connections = new Connections();
  /** For NAT: ids of entries by their original source, oldest first. */
  readonly bySource: { get(key: SourceKey): readonly number[] } = { get: (key) => this.entries.ofSource(key) };
  /** State of matches that count, by the match or target object it belongs to (nth, limit) or by name (recent, hashlimit, nfacct). */
  readonly ofRule: Map<object, unknown> = new Map();
  readonly ofName: Map<string, unknown> = new Map();
  nextId = 1;
  /** Connections of virtual servers, and what their schedulers remember. */
  readonly ipvs: IPVSTables = emptyIPVSTables();

  /** Three elements a change: the object, map or table; its field, its key or what is in it; what was there before. */
  readonly #log: unknown[] = [];
  #marks = 0;

  /** Starts to log changes; every mark must be given back to `rollback` or `release`, the last one first. */
  mark(): StateMark {
    this.#marks++;
    return this.#log.length;
  }

  /** Undoes everything since the mark. */
  rollback(mark: StateMark): void {
    const log = this.#log;
    while (log.length > mark) {
      const before = log.pop();
      const key = log.pop();
      undo(log.pop(), key, before);
    }
    this.#marks--;
  }

  /** Keeps what was done since the mark. */
  release(_mark: StateMark): void {
    this.#marks--;
    if (this.#marks === 0) this.#log.length = 0;
  }

  #remember(changed: unknown, key: unknown, before: unknown): void {
    this.#log.push(changed, key, before);
  }

  /** Sets one field of an object that belongs to this state. */
  set<T extends object, K extends keyof T>(object: T, key: K, value: T[K]): void {
    if (this.#marks > 0) this.#remember(object, key, object[key]);
    object[key] = value;
  }

  /** Sets one key of a map that belongs to this state. */
  put<K, V>(map: Map<K, V>, key: K, value: V): void {
    if (this.#marks > 0) this.#remember(map, key, map.has(key) ? map.get(key) : absent);
    map.set(key, value);
  }

  /** Removes one key of a map that belongs to this state. */
  remove<K, V>(map: Map<K, V>, key: K): void {
    if (!map.has(key)) return;
    if (this.#marks > 0) this.#remember(map, key, map.get(key));
    map.delete(key);
  }

  /** Puts something into a table of this state; into `entries` one of whose tuples no other one there has. */
  enter<T>(table: StateTable<T>, item: T): void {
    if (this.#marks > 0) this.#remember(table, item, absent);
    table.add(item);
  }

  /** Takes something out of a table of this state. */
  leave<T>(table: StateTable<T>, item: T): void {
    if (this.#marks > 0) this.#remember(table, item, item);
    table.delete(item);
  }

  /** Moves the clock forward by milliseconds. */
  advance(milliseconds: number): void {
    this.set(this as HostState, "now", this.now + milliseconds);
  }
}

function undo(changed: unknown, key: unknown, before: unknown): void {
  if (changed instanceof Map) {
    if (before === absent) changed.delete(key);
    else changed.set(key, before);
  } else if (changed instanceof StateTable) {
    if (before === absent) changed.delete(key);
    else changed.add(key);
  } else {
    (changed as Record<PropertyKey, unknown>)[key as PropertyKey] = before;
  }
}
