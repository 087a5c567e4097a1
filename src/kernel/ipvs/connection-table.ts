import type { IPFamily } from "../../net/family.ts";
import { endHash } from "../hash.ts";
import { HashTable } from "../hash-table.ts";
import { type Address, sameAddress } from "../packet.ts";
import { StateTable } from "../state-table.ts";
import type { Connection } from "./model.ts";

const none: readonly Connection[] = [];

const hashOf = ({ protocol, client, clientPort }: Connection): number => endHash(protocol, client, clientPort);

/** Connections and templates by their client: all of one port are found together, as in the kernel's hash. */
export class ConnectionTable extends StateTable<Connection> {
  readonly #byClient = new HashTable<Connection>();

  get size(): number {
    return this.#byClient.size;
  }

  /** Those of a client's port, the newest first. */
  ofClient(family: IPFamily, protocol: number, client: Address, port: number): readonly Connection[] {
    const table = this.#byClient;
    const hash = endHash(protocol, client, port);
    let slot = table.first(hash);
    if (slot < 0) return none;
    const found: Connection[] = [];
    for (; slot >= 0; slot = table.next(slot, hash)) {
      const each = table.at(slot);
      const isSame = each.clientPort === port && each.protocol === protocol && each.family === family;
      if (isSame && sameAddress(each.client, client)) found.push(each);
    }
    return found.sort((a, b) => b.id - a.id);
  }

  /** All of them, in no order. */
  all(): Connection[] {
    return this.#byClient.items();
  }

  add(connection: Connection): void {
    this.#byClient.add(hashOf(connection), connection);
  }

  delete(connection: Connection): void {
    this.#byClient.delete(hashOf(connection), connection);
  }
}
