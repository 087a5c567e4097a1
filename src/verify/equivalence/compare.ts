import type { Host } from "../../kernel/host.ts";
import { wayTo } from "../../kernel/run.ts";
import { HostState } from "../../kernel/state.ts";
import type { IPFamily } from "../../net/family.ts";
import type { Entrance } from "../../network/wire.ts";
import { type PacketClass, partition } from "../classes/partition.ts";
import type { Side, SpacePart } from "../classes/space.ts";
import { addressOfNumber } from "../field.ts";
import { type Instance, type Remarks, representativeOf, type Shape, shapesOf } from "../shapes/by-shape.ts";
import { type Ground, groundOf } from "../shapes/ground.ts";
import { memberOf } from "../shapes/member.ts";
import { type Fate, type Fates, fateKey, fatesKey, fatesOf } from "./fate.ts";

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

/** A class of one shape's representative, and what becomes of its packets on each of two sides. */
export interface ShapeCompared extends Compared {
  readonly shape: Shape;
  /** How many classes of a unit this one stands for: senders that are like each other have one. */
  readonly times: number;
  /** The packet and the fates of one of the shape's units in place of the representative's. */
  readonly at: (instance: Instance) => Compared;
}

/** All packets of a node together, where it cannot be told what those to one destination may meet. */
const WHOLE: Shape = {
  instances: [{ unit: { destination: undefined, port: undefined, split: false }, places: [], ports: [] }],
};

/**
 * Compares two sides as `compareSides` does, but proves one unit of each shape: what holds for it holds for the others, with their own numbers
 * (decision 12). `remarks` says of a unit what else is asked of it.
 */
export function* compareByShape(left: Side, right: Side, family: IPFamily, remarks: Remarks): Generator<ShapeCompared> {
  const ground: Ground = groundOf([left, right], family);
  if (ground.constants.untold !== undefined) {
    for (const compared of compareSides(left, right, family))
      yield { ...compared, shape: WHOLE, times: 1, at: () => compared };
    return;
  }
  for (const shape of shapesOf(ground, remarks)) {
    const { classes, spares, timesOf } = representativeOf(ground, shape);
    for (const found of classes) {
      if (found.size === 0n) continue;
      const fates = found.ways.map((ways) => fatesOf(found.packet, ways)) as [Fates, Fates];
      const differs = fatesKey(fates[0]) !== fatesKey(fates[1]);
      const at = (instance: Instance): Compared => {
        const member = memberOf(ground, shape, spares, instance);
        const renamed = fates.map((each) => renamedFates(each, member.fateOf)) as [Fates, Fates];
        const part = withEntrances(found.part, left.host, family);
        return { class: { ...found, part, packet: member.packetOf(found) }, fates: renamed, differs };
      };
      const { class: own } = at(shape.instances[0]);
      yield { shape, times: timesOf(found), class: own, fates, differs, at };
    }
  }
}

/** A slice's part knows the way back to its own sources alone: the whole host to all. */
function withEntrances(part: SpacePart, host: Host, family: IPFamily): SpacePart {
  if (part.interfaces.length === 0) return part;
  const entranceOf = (source: bigint): Entrance => {
    const way = wayTo(host, new HostState(), family, addressOfNumber(source, family));
    return way.kind === "unicast" ? { kind: "received", inInterface: way.device.name } : part.entranceOf(source);
  };
  return { ...part, entranceOf };
}

function renamedFates(fates: Fates, fateOf: (fate: Fate) => Fate): Fates {
  const renamed = [...fates.values()].map((fate) => fateOf(fate)).map((fate) => [fateKey(fate), fate] as const);
  return new Map(renamed.sort(([a], [b]) => (a < b ? -1 : 1)));
}
