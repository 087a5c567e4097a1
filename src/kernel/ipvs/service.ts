import type { RealServer, VirtualServer, VirtualServerKey } from "../../rules/ipvs/model.ts";
import { newDestination } from "./destinations.ts";
import type { Destination } from "./model.ts";

/** A virtual server with what changes about it (`struct ip_vs_service`); state like `Destination`. */
export class Service {
  /** `serviceId` of the key. */
  readonly id: string;
  readonly key: VirtualServerKey;
  /** What it was last configured as. */
  description: VirtualServer;
  /** What its scheduler remembers; its type is the scheduler's affair. */
  memory: unknown = undefined;
  /** What it began with, in the order in which they were added. Each is made when it is first asked for: most never are. */
  readonly #given: readonly RealServer[];
  readonly #made: (Destination | undefined)[];
  /** All of them, from when they are first asked for. */
  #all: readonly Destination[] | undefined;

  constructor(id: string, description: VirtualServer, given: readonly RealServer[]) {
    this.id = id;
    this.key = description.key;
    this.description = description;
    this.#given = given;
    this.#made = new Array(given.length);
  }

  /** The newest first, which is the kernel's order (ipvs-mode §9.6). */
  get destinations(): readonly Destination[] {
    this.#all ??= this.#given.map((_, position) => this.#make(position));
    return this.#all;
  }

  set destinations(all: readonly Destination[]) {
    this.#all = all;
  }

  /** How many there are. */
  get size(): number {
    return (this.#all ?? this.#given).length;
  }

  /** The one at a position below `size`. */
  at(position: number): Destination {
    return this.#all === undefined ? this.#make(position) : (this.#all[position] as Destination);
  }

  /** Where one stands; -1: it is none of these any more. */
  positionOf(destination: Destination): number {
    return (this.#all ?? this.#made).indexOf(destination);
  }

  #make(position: number): Destination {
    const given = this.#given[this.#given.length - 1 - position] as RealServer;
    this.#made[position] ??= newDestination(given);
    return this.#made[position];
  }
}
