import type { ConntrackEntry, Tuple } from "../entry.ts";
import { HashTable } from "../hash-table.ts";
import { sameAddress } from "../packet.ts";
import { StateTable } from "../state-table.ts";
import { type SourceKey, sameTuple, sourceHash, sourceKey, tupleHash } from "./tuple.ts";

/** Confirmed connections by what they are looked for: the tuples of both directions, their id, their source. */
export class Connections extends StateTable<ConntrackEntry> {
  readonly #byTuple = new HashTable<ConntrackEntry>();
  readonly #byId = new HashTable<ConntrackEntry>();
  readonly #bySource = new HashTable<ConntrackEntry>();

  get size(): number {
    return this.#byId.size;
  }

  /** The connection that has the tuple, in either direction, in a zone. */
  find(tuple: Tuple, zone: number): ConntrackEntry | undefined {
    const table = this.#byTuple;
    const hash = tupleHash(tuple, zone);
    for (let slot = table.first(hash); slot >= 0; slot = table.next(slot, hash)) {
      const entry = table.at(slot);
      if (hasTuple(entry, tuple, zone)) return entry;
    }
    return undefined;
  }

  get(id: number): ConntrackEntry | undefined {
    const table = this.#byId;
    for (let slot = table.first(id | 0); slot >= 0; slot = table.next(slot, id | 0)) {
      const entry = table.at(slot);
      if (entry.id === id) return entry;
    }
    return undefined;
  }

  /** Ids of those whose source NAT has decided about, by the source of their first packet, oldest first. */
  ofSource(key: SourceKey): readonly number[] {
    const table = this.#bySource;
    const hash = sourceHash(key);
    const ids: number[] = [];
    for (let slot = table.first(hash); slot >= 0; slot = table.next(slot, hash)) {
      const entry = table.at(slot);
      if (hasSource(entry, key)) ids.push(entry.id);
    }
    return ids.sort((a, b) => a - b);
  }

  /** All of them, oldest first. */
  list(): readonly ConntrackEntry[] {
    return this.#byId.items().sort(byId);
  }

  /** Puts in an entry that is not there, and neither is another one with its id or one of its tuples. */
  add(entry: ConntrackEntry): void {
    const { original, reply, zone } = entry;
    this.#byTuple.add(tupleHash(original, zone), entry);
    this.#byTuple.add(tupleHash(reply, zone), entry);
    this.#byId.add(entry.id | 0, entry);
    if (entry.sourceDone) this.#bySource.add(sourceHash(sourceKey(original, zone)), entry);
  }

  /** Takes out an entry that is there; its tuples, and whether NAT has decided, are as they were when it was put in. */
  delete(entry: ConntrackEntry): void {
    const { original, reply, zone } = entry;
    this.#byTuple.delete(tupleHash(original, zone), entry);
    this.#byTuple.delete(tupleHash(reply, zone), entry);
    this.#byId.delete(entry.id | 0, entry);
    if (entry.sourceDone) this.#bySource.delete(sourceHash(sourceKey(original, zone)), entry);
  }
}

const byId = (a: ConntrackEntry, b: ConntrackEntry): number => a.id - b.id;

function hasTuple(entry: ConntrackEntry, tuple: Tuple, zone: number): boolean {
  return entry.zone === zone && (sameTuple(tuple, entry.original) || sameTuple(tuple, entry.reply));
}

function hasSource({ original, zone }: ConntrackEntry, key: SourceKey): boolean {
  return (
    original.sport === key.sport &&
    original.protocol === key.protocol &&
    zone === key.zone &&
    original.family === key.family &&
    sameAddress(original.src, key.src)
  );
}
