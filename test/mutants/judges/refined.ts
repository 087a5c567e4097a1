import type { Host } from "../../../src/kernel/host.ts";
import type { Packet } from "../../../src/kernel/packet.ts";
import type { IPFamily } from "../../../src/net/family.ts";
import { containsValue } from "../../../src/net/intervals.ts";
import { commonBox, disjointBoxes, withoutBox } from "../../../src/verify/classes/boxes.ts";
import { classAt } from "../../../src/verify/classes/class-at.ts";
import { type DestinationsLike, destinationsOf } from "../../../src/verify/classes/destinations.ts";
import type { PacketClass } from "../../../src/verify/classes/partition.ts";
import type { Side } from "../../../src/verify/classes/space.ts";
import type { Ways } from "../../../src/verify/classes/ways.ts";
import { type Box, fields, fieldValue, withField } from "../../../src/verify/field.ts";
import type { HostMemory } from "../../../src/verify/sight.ts";

/** Some packet of a box. */
function packetIn(box: Box, template: Packet): Packet {
  let packet = template;
  for (const field of fields) packet = withField(packet, field, box[field][0]?.from ?? 0n);
  return packet;
}

const holds = (box: Box, packet: Packet): boolean =>
  fields.every((field) => containsValue(box[field], fieldValue(packet, field)));

/** Which addresses routing treats alike on two sides. */
export function destinationsOn(hosts: readonly [Host, Host], family: IPFamily): DestinationsLike {
  const sides: Side[] = hosts.map((host) => ({ name: "", host }));
  return destinationsOf(sides, family);
}

/**
 * Cuts a class of other sides into those of one more host, which routes as they do: one packet of each, with its ways there. Nothing
 * of the class is left out.
 */
export function* refined(
  found: PacketClass,
  host: Host,
  destinations: DestinationsLike,
  memory: HostMemory,
): Generator<readonly [Packet, Ways]> {
  let open: Box[] = [found.box];
  for (const hole of found.except) open = open.flatMap((box) => withoutBox(box, hole));
  let first: Packet | undefined = found.packet;
  for (let box = open.pop(); box !== undefined; box = open.pop()) {
    const packet: Packet = first !== undefined && holds(box, first) ? first : packetIn(box, found.packet);
    first = undefined;
    const { region, ways } = classAt([{ name: "", host }], destinations, found.part, packet, [memory]);
    const common = commonBox(box, region.box);
    if (common === undefined) throw new Error("a packet is not in its own class");
    open.push(...withoutBox(box, region.box));
    open.push(...disjointBoxes(region.except.flatMap((each) => commonBox(common, each) ?? [])));
    yield [packet, ways[0] as Ways];
  }
}
