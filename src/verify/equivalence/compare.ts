import type { IPFamily } from "../../net/family.ts";
import { type PacketClass, partition } from "../classes/partition.ts";
import type { Side } from "../classes/space.ts";
import { type Fates, fatesKey, fatesOf } from "./fate.ts";

/** A class of packets, and what becomes of them on each of two sides. */
export interface Compared {
  readonly class: PacketClass;
  readonly fates: readonly [Fates, Fates];
  readonly differs: boolean;
}

/**
 * Compares two sides class by class: all of a node's packet space, nothing twice. Ways are compared by what they lead to (`Fate`), as sets:
 * chances are no part of it.
 */
export function* compareSides(left: Side, right: Side, family: IPFamily): Generator<Compared> {
  for (const found of partition([left, right], family)) {
    const [a, b] = found.ways.map((ways) => fatesOf(found.packet, ways)) as [Fates, Fates];
    yield { class: found, fates: [a, b], differs: fatesKey(a) !== fatesKey(b) };
  }
}
