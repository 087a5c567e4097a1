import type { ConntrackEntry, Tuple } from "../entry.ts";
import { sameTuple, tupleHash } from "./tuple.ts";

const SMALLEST = 64;

/**
 * Confirmed entries by their tuples: every entry stands under both. Open addressing with linear probing, as a new flow is
 * looked up several times and put in twice: no key is made and nothing is allocated for it. The order of the slots means
 * nothing and is shown to nobody; whoever lists entries takes `listEntries`.
 */
export class TupleTable {
  /** Hash of the tuple in each slot; a slot is free where `#entries` has nothing. */
  #hashes = new Int32Array(SMALLEST);
  #entries: (ConntrackEntry | undefined)[] = emptySlots(SMALLEST);
  #used = 0;

  /** How many entries there are. */
  get size(): number {
    return this.#used / 2;
  }

  /** The entry that has the tuple, in either direction, in a zone. */
  find(tuple: Tuple, zone: number): ConntrackEntry | undefined {
    const entries = this.#entries;
    const last = entries.length - 1;
    const hash = tupleHash(tuple, zone);
    for (let slot = hash & last; ; slot = (slot + 1) & last) {
      const entry = entries[slot];
      if (entry === undefined) return undefined;
      if (this.#hashes[slot] === hash && hasTuple(entry, tuple, zone)) return entry;
    }
  }

  /** Puts in an entry that is not there, and neither is another one with one of its tuples. */
  add(entry: ConntrackEntry): void {
    if (2 * (this.#used + 2) > this.#entries.length) this.#grow();
    this.#put(tupleHash(entry.original, entry.zone), entry);
    this.#put(tupleHash(entry.reply, entry.zone), entry);
    this.#used += 2;
  }

  /** Takes out an entry that is there; its tuples are those it was put in with. */
  delete(entry: ConntrackEntry): void {
    this.#free(tupleHash(entry.original, entry.zone), entry);
    this.#free(tupleHash(entry.reply, entry.zone), entry);
    this.#used -= 2;
  }

  #put(hash: number, entry: ConntrackEntry): void {
    const last = this.#entries.length - 1;
    let slot = hash & last;
    while (this.#entries[slot] !== undefined) slot = (slot + 1) & last;
    this.#entries[slot] = entry;
    this.#hashes[slot] = hash;
  }

  #free(hash: number, entry: ConntrackEntry): void {
    const entries = this.#entries;
    const hashes = this.#hashes;
    const last = entries.length - 1;
    let free = hash & last;
    while (entries[free] !== entry || hashes[free] !== hash) {
      if (entries[free] === undefined) throw new Error(`entry ${entry.id} is not in the table`);
      free = (free + 1) & last;
    }
    // what stands behind moves up, unless it would come before the slot that its search begins with
    for (let slot = (free + 1) & last; entries[slot] !== undefined; slot = (slot + 1) & last) {
      const home = (hashes[slot] as number) & last;
      if (((slot - home) & last) < ((slot - free) & last)) continue;
      entries[free] = entries[slot];
      hashes[free] = hashes[slot] as number;
      free = slot;
    }
    entries[free] = undefined;
  }

  #grow(): void {
    const [entries, hashes] = [this.#entries, this.#hashes];
    this.#entries = emptySlots(2 * entries.length);
    this.#hashes = new Int32Array(2 * entries.length);
    for (let slot = 0; slot < entries.length; slot++) {
      const entry = entries[slot];
      if (entry !== undefined) this.#put(hashes[slot] as number, entry);
    }
  }
}

function emptySlots(count: number): (ConntrackEntry | undefined)[] {
  return new Array<ConntrackEntry | undefined>(count).fill(undefined);
}

function hasTuple(entry: ConntrackEntry, tuple: Tuple, zone: number): boolean {
  return entry.zone === zone && (sameTuple(tuple, entry.original) || sameTuple(tuple, entry.reply));
}
