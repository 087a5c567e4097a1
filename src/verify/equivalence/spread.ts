import type { Packet } from "../../kernel/packet.ts";
import { isGreaterDyadic } from "../../net/dyadic.ts";
import type { IPFamily } from "../../net/family.ts";
import type { PacketClass } from "../classes/partition.ts";
import type { Side } from "../classes/space.ts";
import type { Ways } from "../classes/ways.ts";
import { compareSides } from "./compare.ts";
import {
  type Deviation,
  type Distribution,
  distributionOf,
  endsOf,
  largestDeviation,
  roundingOf,
} from "./distribution.ts";
import type { Subject, SubjectOf } from "./subject.ts";

/** How the connections of one Service's port are spread on two sides, where they may come to the same ends. */
export interface SpreadGroup {
  readonly subject: Subject | undefined;
  readonly example: Packet;
  readonly distributions: readonly [Distribution, Distribution];
  readonly classes: number;
  /** Where both have chances, and these are not the same. */
  readonly deviation: Deviation | undefined;
  /** The chances differ by more than rounding. */
  readonly isFinding: boolean;
}

/** How two sides spread connections over the whole packet space of a node. */
export interface Spread {
  readonly family: IPFamily;
  readonly sides: readonly [string, string];
  readonly classes: number;
  /** Classes with several ends that are the same on both sides. */
  readonly spread: number;
  /** Classes whose ends are not the same: what is spread there is not compared. */
  readonly otherEnds: number;
  readonly groups: readonly SpreadGroup[];
}

type Gathering = { -readonly [K in keyof SpreadGroup]: SpreadGroup[K] };
type Found = Omit<SpreadGroup, "classes">;

/** What is to be told of one class; its ends are the same on both sides. */
function lookAt(sides: readonly [Side, Side], found: PacketClass, subject: Subject | undefined, count: number): Found {
  const [left, right] = sides.map((side, i) => distributionOf(side, found, found.ways[i] as Ways, count)) as [
    Distribution,
    Distribution,
  ];
  const both = left.kind === "chances" && right.kind === "chances";
  const deviation = both ? largestDeviation(left.chances, right.chances) : undefined;
  const ends = both ? left.chances.size : 0;
  const isFinding = deviation !== undefined && isGreaterDyadic(deviation.apart, roundingOf(ends));
  return { subject, example: found.packet, distributions: [left, right], deviation, isFinding };
}

/** Of the classes of a group the one is told whose chances differ most. */
function gather(into: Map<string, Gathering>, key: string, found: Found): void {
  const known = into.get(key);
  if (known === undefined) {
    into.set(key, { ...found, classes: 1 });
    return;
  }
  known.classes++;
  const { deviation } = found;
  if (deviation === undefined) return;
  if (known.deviation === undefined || isGreaterDyadic(deviation.apart, known.deviation.apart))
    Object.assign(known, found);
}

/**
 * Compares how connections are spread: exact chances against exact chances; a scheduler's sequence is told as it is, and compared with
 * nothing. One example for each Service's port and set of ends; `count`: how many connections of a scheduler are told.
 */
export function compareSpread(left: Side, right: Side, family: IPFamily, subjectOf: SubjectOf, count: number): Spread {
  const groups = new Map<string, Gathering>();
  let [classes, spread, otherEnds] = [0, 0, 0];
  for (const { class: found } of compareSides(left, right, family)) {
    classes++;
    const [ends = [], others = []] = found.ways.map((ways) => endsOf(found.packet, ways));
    if (ends.join() !== others.join()) otherEnds++;
    else if (ends.length > 1) {
      spread++;
      const subject = subjectOf(found.packet);
      const key = [subject?.port ?? "", subject?.by ?? "", ...ends].join("\n");
      gather(groups, key, lookAt([left, right], found, subject, count));
    }
  }
  return { family, sides: [left.name, right.name], classes, spread, otherEnds, groups: [...groups.values()] };
}
