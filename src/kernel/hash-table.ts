const SMALLEST = 64;

/**
 * A multiset of items under 32-bit hashes that the caller makes, and compares. Open addressing with linear probing: putting
 * in, looking up and taking out allocate nothing. (A `Map` that is filled and emptied by turns, as one that is rolled back, is
 * made anew every few changes, and its dead predecessors keep each other from the cheap kind of garbage collection.) The
 * order of the slots means nothing.
 */
export class HashTable<T extends object> {
  /** Hash of the item in each slot; a slot is free where `#items` has nothing. */
  #hashes = new Int32Array(SMALLEST);
  #items: (T | undefined)[] = freeSlots<T>(SMALLEST);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The first slot that has an item of a hash, or -1; `next` gives further ones. */
  first(hash: number): number {
    return this.#from(hash & (this.#items.length - 1), hash);
  }

  /** The slot after a slot that has an item of the same hash, or -1. */
  next(slot: number, hash: number): number {
    return this.#from((slot + 1) & (this.#items.length - 1), hash);
  }

  #from(start: number, hash: number): number {
    const items = this.#items;
    const last = items.length - 1;
    for (let slot = start; items[slot] !== undefined; slot = (slot + 1) & last)
      if (this.#hashes[slot] === hash) return slot;
    return -1;
  }

  /** The item of a slot that `first` or `next` gave. */
  at(slot: number): T {
    return this.#items[slot] as T;
  }

  add(hash: number, item: T): void {
    if (2 * (this.#size + 1) > this.#items.length) this.#grow();
    this.#put(hash, item);
    this.#size++;
  }

  #put(hash: number, item: T): void {
    const items = this.#items;
    const last = items.length - 1;
    let slot = hash & last;
    while (items[slot] !== undefined) slot = (slot + 1) & last;
    items[slot] = item;
    this.#hashes[slot] = hash;
  }

  /** Takes out one item that is there under this hash. */
  delete(hash: number, item: T): void {
    const items = this.#items;
    const hashes = this.#hashes;
    const last = items.length - 1;
    let free = this.first(hash);
    while (free >= 0 && items[free] !== item) free = this.next(free, hash);
    if (free < 0) throw new Error("the item is not in the table");
    // what stands behind moves up, unless it would come before the slot that its search begins with
    for (let slot = (free + 1) & last; items[slot] !== undefined; slot = (slot + 1) & last) {
      const home = (hashes[slot] as number) & last;
      if (((slot - home) & last) < ((slot - free) & last)) continue;
      items[free] = items[slot];
      hashes[free] = hashes[slot] as number;
      free = slot;
    }
    items[free] = undefined;
    this.#size--;
  }

  /** All items, in no order. */
  items(): T[] {
    return this.#items.filter((item) => item !== undefined);
  }

  #grow(): void {
    const [items, hashes] = [this.#items, this.#hashes];
    this.#items = freeSlots(2 * items.length);
    this.#hashes = new Int32Array(2 * items.length);
    for (let slot = 0; slot < items.length; slot++) {
      const item = items[slot];
      if (item !== undefined) this.#put(hashes[slot] as number, item);
    }
  }
}

function freeSlots<T>(count: number): (T | undefined)[] {
  return new Array<T | undefined>(count).fill(undefined);
}
