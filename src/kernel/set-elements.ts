import type { MaskedValue } from "../rules/iptables/values.ts";
import { HashTable } from "./hash-table.ts";
import { keyHash, type SetKey, sameKey } from "./set-key.ts";

/** What a set keeps of an element. */
export interface StoredElement {
  readonly key: SetKey;
  readonly nomatch: boolean;
  /** Milliseconds of the host's clock; infinite for ever. */
  readonly expires: number;
  readonly packets: bigint;
  readonly bytes: bigint;
  readonly mark: MaskedValue | undefined;
}

/** The elements of a set by their keys. */
export class SetElements {
  /** In the order of the text; of those with one key the last counts. */
  readonly list: readonly StoredElement[];
  readonly #table = new HashTable<StoredElement>();

  constructor(given: Iterable<StoredElement>) {
    const table = this.#table;
    const list: StoredElement[] = [];
    for (const element of given) {
      const hash = keyHash(element.key);
      const known = this.#find(element.key, hash);
      if (known === undefined) list.push(element);
      else {
        table.delete(hash, known);
        list[list.indexOf(known)] = element;
      }
      table.add(hash, element);
    }
    this.list = list;
  }

  get(key: SetKey): StoredElement | undefined {
    return this.#find(key, keyHash(key));
  }

  #find(key: SetKey, hash: number): StoredElement | undefined {
    const table = this.#table;
    for (let slot = table.first(hash); slot >= 0; slot = table.next(slot, hash)) {
      const element = table.at(slot);
      if (sameKey(element.key, key)) return element;
    }
    return undefined;
  }
}
