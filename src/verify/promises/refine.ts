import type { Packet } from "../../kernel/packet.ts";
import { containsValue } from "../../net/intervals.ts";
import { commonBox, disjointBoxes, sizeOfBox, withoutBox } from "../classes/boxes.ts";
import { type PacketClass, packetIn } from "../classes/partition.ts";
import { type Box, fields, fieldValue } from "../field.ts";
import type { PromisedBox, PromisedBoxAt } from "./promise-box.ts";

/** Packets of a class of which one and the same is promised. */
export interface PromisedClass extends Pick<PromisedBox, "asked" | "promise" | "frontends"> {
  readonly class: PacketClass;
  /** One of them. */
  readonly packet: Packet;
  /** All of `box` but what is in `except`, whose boxes lie in it and have no packet in common. */
  readonly box: Box;
  readonly except: readonly Box[];
  readonly size: bigint;
}

const isIn = (box: Box, packet: Packet): boolean =>
  fields.every((field) => containsValue(box[field], fieldValue(packet, field)));

/** A packet of a box that is in none of others. */
function packetBeside(box: Box, except: readonly Box[], template: Packet): Packet {
  const first = packetIn(box, template);
  if (!except.some((each) => isIn(each, first))) return first;
  const rest = except.reduce<readonly Box[]>((boxes, each) => boxes.flatMap((piece) => withoutBox(piece, each)), [box]);
  return packetIn(rest[0] as Box, template);
}

/** Cuts a class so that the promise is constant in each piece, too: a mode may fail to tell apart what promises tell apart. */
export function* promisedClasses(found: PacketClass, promisedAt: PromisedBoxAt): Generator<PromisedClass> {
  const template = found.packet;
  const open: Box[] = [found.box];
  for (let box = open.pop(); box !== undefined; box = open.pop()) {
    const at = isIn(box, found.packet) ? found.packet : packetIn(box, template);
    const { box: part } = promisedAt(found.part, at);
    const common = commonBox(box, { ...box, ...part });
    if (common === undefined || !isIn(common, at)) throw new Error("a packet has not its own promise");
    open.push(...withoutBox(box, common));
    const except = disjointBoxes(found.except.flatMap((each) => commonBox(common, each) ?? []));
    const size = except.reduce((sum, each) => sum - sizeOfBox(each), sizeOfBox(common));
    if (size === 0n) continue;
    const packet = isIn(common, found.packet) ? found.packet : packetBeside(common, except, template);
    const { asked, promise, frontends } = promisedAt(found.part, packet);
    yield { class: found, packet, box: common, except, size, asked, promise, frontends };
  }
}
