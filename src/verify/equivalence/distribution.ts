import { scriptedChooser } from "../../kernel/chooser/scripted.ts";
import type { Event } from "../../kernel/event.ts";
import type { Packet } from "../../kernel/packet.ts";
import { receive, send } from "../../kernel/run.ts";
import { HostState } from "../../kernel/state.ts";
import { addDyadic, type Dyadic, distanceDyadic, dyadic, isGreaterDyadic, zeroDyadic } from "../../net/dyadic.ts";
import { interval, isWithin } from "../../net/intervals.ts";
import type { PacketClass } from "../classes/partition.ts";
import type { Side } from "../classes/space.ts";
import type { Ways } from "../classes/ways.ts";
import { fieldValue } from "../field.ts";
import { type Fate, fateOf } from "./fate.ts";

/** How new connections of a class of packets are spread over their ends, on one side. */
export type Distribution =
  /** By chance: the exact one of each end. They add up to 1. */
  | { readonly kind: "chances"; readonly chances: ReadonlyMap<string, Dyadic> }
  /** By a virtual server's scheduler, which has no chances: the ends of the first connections from a fresh position, in order. */
  | { readonly kind: "sequence"; readonly scheduler: string; readonly ends: readonly string[] }
  | { readonly kind: "unknown"; readonly why: string };

/** Where a packet's way ends, for somebody who counts: an endpoint, or what else becomes of it. */
export function endOf(fate: Fate): string {
  switch (fate.kind) {
    case "sent-on":
      return fate.to ?? "on its way";
    case "delivered":
      return fate.to ?? "the node itself";
    case "stopped":
      return fate.notice === "nothing" ? "dropped" : "refused";
    case "unknown":
      return "unknown";
  }
}

/** The ends of a side's ways, in order. */
export function endsOf(sent: Packet, { ways }: Ways): readonly string[] {
  return [...new Set(ways.map((way) => endOf(fateOf(sent, way))))].sort();
}

function chancesOf(sent: Packet, { ways }: Ways): ReadonlyMap<string, Dyadic> | undefined {
  const found = new Map<string, Dyadic>();
  for (const way of ways) {
    if (way.chance === undefined) return undefined;
    const end = endOf(fateOf(sent, way));
    found.set(end, addDyadic(found.get(end) ?? zeroDyadic, way.chance));
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The ends of connections from one port after the other, none of which is answered or ends meanwhile. */
function sequenceOf({ host }: Side, { part, packet, box }: PacketClass, count: number): Distribution {
  const first = BigInt(packet.sport);
  if (!isWithin(interval(first, first + BigInt(count - 1)), box.sport))
    return { kind: "unknown", why: "there are not enough ports for so many connections" };
  const state = new HostState();
  const entrance = part.entranceOf(part.interfaces.length === 0 ? 0n : fieldValue(packet, "src"));
  let scheduler = "";
  const record = (event: Event): void => {
    if (event.kind === "virtual-server") scheduler = event.scheduler;
  };
  const ends: string[] = [];
  for (let i = 0; i < count; i++) {
    const sent = { ...packet, sport: packet.sport + i };
    const chooser = scriptedChooser([]);
    const options = { host, state, chooser, record };
    const result =
      entrance.kind === "received"
        ? receive(options, sent, entrance.inInterface)
        : send(options, sent, entrance.options);
    if (chooser.answers.length > 0) return { kind: "unknown", why: "chance has a part in it besides the scheduler" };
    ends.push(endOf(fateOf(sent, { result, answer: undefined })));
  }
  return { kind: "sequence", scheduler, ends };
}

/** How a side spreads the connections of a class; of a scheduler's, the first `count`. */
export function distributionOf(side: Side, found: PacketClass, ways: Ways, count: number): Distribution {
  if (!ways.complete) return { kind: "unknown", why: "there are too many ways to look at each" };
  const chances = chancesOf(found.packet, ways);
  return chances === undefined ? sequenceOf(side, found, count) : { kind: "chances", chances };
}

/** Two chances of one end that are not the same. */
export interface Deviation {
  readonly end: string;
  readonly chances: readonly [Dyadic, Dyadic];
  readonly apart: Dyadic;
}

/** The end whose chance differs most between two sides; `undefined` where none does. */
export function largestDeviation(
  a: ReadonlyMap<string, Dyadic>,
  b: ReadonlyMap<string, Dyadic>,
): Deviation | undefined {
  let largest: Deviation | undefined;
  for (const end of new Set([...a.keys(), ...b.keys()])) {
    const chances = [a.get(end) ?? zeroDyadic, b.get(end) ?? zeroDyadic] as const;
    const apart = distanceDyadic(...chances);
    if (apart.numerator !== 0n && (largest === undefined || isGreaterDyadic(apart, largest.apart)))
      largest = { end, chances, apart };
  }
  return largest;
}

/** What rounding alone may do to a chance where there are so many ends: n·2^-30, as each threshold is a whole number of 2^-31. */
export const roundingOf = (ends: number): Dyadic => dyadic(BigInt(ends), 30);
