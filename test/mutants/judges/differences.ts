import type { Host } from "../../../src/kernel/host.ts";
import type { Packet } from "../../../src/kernel/packet.ts";
import { packetText } from "../../../src/kernel/packet-text.ts";
import { type PacketClass, partition } from "../../../src/verify/classes/partition.ts";
import type { Ways } from "../../../src/verify/classes/ways.ts";
import { type Fates, fatesOf } from "../../../src/verify/equivalence/fate.ts";
import { fatesLines } from "../../../src/verify/equivalence/words.ts";
import { makeMemory } from "../../../src/verify/sight.ts";

import type { Fault } from "../operators/fault.ts";
import type { Conversation } from "./conversation.ts";
import { type Court, touches } from "./court.ts";
import type { Difference } from "./record.ts";
import { refined } from "./refined.ts";

/** How a conversation differs from what it is without the fault; `undefined`: it does not. */
export function laterDifference(packet: Packet, before: Conversation, now: Conversation): Difference | undefined {
  const kind = before.usual !== now.usual ? "later" : before.strays !== now.strays ? "strays" : undefined;
  if (kind === undefined) return undefined;
  const [a, b] = kind === "later" ? [before.usual, now.usual] : [before.strays, now.strays];
  return { kind, text: `after ${packetText(packet)}: ${a} BECAME ${b}` };
}

/** How the fates of a first packet differ. */
export function firstDifference(packet: Packet, before: Fates, now: Fates): Difference {
  return {
    kind: "first",
    text: `${packetText(packet)}: ${fatesLines(before).join("; ")} BECAME ${fatesLines(now).join("; ")}`,
  };
}

/** The sides without a fault have some hundreds. */
export const MOST_CLASSES = 20_000;

/** A packet of a class, with its ways with the fault and without. */
export interface Pair {
  readonly class: PacketClass;
  readonly now: Ways;
  readonly before: Fates;
}

/** All classes of packets, or all that come to a chain with the fault: of others nothing can differ. */
export function* pairs(court: Court, fault: Fault, host: Host, whole: boolean): Generator<Pair> {
  const { hosts, met: all } = court.sides.open;
  if (whole || fault.chains === undefined) {
    const sides = [host, hosts[0]].map((each, i) => ({ name: `${i}`, host: each }));
    for (const found of partition(sides, court.family)) {
      const [now, before] = found.ways as readonly [Ways, Ways];
      yield { class: found, now, before: fatesOf(found.packet, before) };
    }
    return;
  }
  const memory = makeMemory();
  for (const met of all) {
    if (!touches(fault, met)) continue;
    for (const [packet, now] of refined(met.class, host, court.destinations, memory))
      yield { class: { ...met.class, packet }, now, before: met.fates[0] };
  }
}
