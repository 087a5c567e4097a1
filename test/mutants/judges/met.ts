import type { Host } from "../../../src/kernel/host.ts";
import type { Packet } from "../../../src/kernel/packet.ts";
import { HostState } from "../../../src/kernel/state.ts";
import type { IPFamily } from "../../../src/net/family.ts";
import type { Entrance } from "../../../src/network/wire.ts";
import { type PacketClass, partition } from "../../../src/verify/classes/partition.ts";
import type { Side, SpacePart } from "../../../src/verify/classes/space.ts";
import type { Ways } from "../../../src/verify/classes/ways.ts";
import { hostCourse } from "../../../src/verify/course.ts";
import { type Fates, fatesOf } from "../../../src/verify/equivalence/fate.ts";
import { fieldValue } from "../../../src/verify/field.ts";
import { chainKey } from "../operators/fault.ts";

/** A packet that stands for its class, and what it meets on each of two sides that have no fault. */
export interface Met {
  readonly class: PacketClass;
  readonly entrance: Entrance;
  readonly fates: readonly [Fates, Fates];
  /** Chains that it or an answer to it comes to, by side. */
  readonly chains: readonly [ReadonlySet<string>, ReadonlySet<string>];
}

/** How a packet of a part comes to a host. */
export const entranceFor = (part: SpacePart, packet: Packet): Entrance =>
  part.entranceOf(part.interfaces.length === 0 ? 0n : fieldValue(packet, "src"));

/** The chains that a packet comes to on some way. */
function chainsOf({ ways }: Ways, packet: Packet, entrance: Entrance): ReadonlySet<string> {
  const found = new Set<string>();
  for (const { host, script } of ways) {
    const course = hostCourse(host, new HostState(), entrance, script);
    course.send(packet, {
      event: (_, event) => {
        if (event.kind === "table") found.add(chainKey(event.table, event.chain));
        if (event.kind !== "matched") return;
        const { effect, rule } = event;
        if (effect.kind === "jump" || effect.kind === "goto") found.add(chainKey(rule.table, effect.chain));
      },
    });
  }
  return found;
}

/** One packet of every class of two sides. */
export function metBy(left: Host, right: Host, family: IPFamily): readonly Met[] {
  const sides: readonly [Side, Side] = [
    { name: "left", host: left },
    { name: "right", host: right },
  ];
  return [...partition(sides, family)].map((found): Met => {
    const entrance = entranceFor(found.part, found.packet);
    const [a, b] = found.ways as readonly [Ways, Ways];
    return {
      class: found,
      entrance,
      fates: [fatesOf(found.packet, a), fatesOf(found.packet, b)],
      chains: [chainsOf(a, found.packet, entrance), chainsOf(b, found.packet, entrance)],
    };
  });
}
