import { type Packet, sameAddress } from "../../kernel/packet.ts";
import type { IPFamily } from "../../net/family.ts";
import { containsValue, countOf, differenceOf, interval } from "../../net/intervals.ts";
import { type Box, type Field, fieldValue, universeOf, withField } from "../field.ts";
import { nearestIn } from "../lines.ts";
import { makeMemory } from "../sight.ts";
import { commonBox, disjointBoxes, sizeOfBox, withoutBox } from "./boxes.ts";
import { type ClassAt, classAt } from "./class-at.ts";
import { type DestinationsLike, destinationsOf } from "./destinations.ts";
import { type PacketKind, packetKinds, type Side, type SpacePart, spaceParts } from "./space.ts";

/** Packets that every side treats in one way each. */
export interface PacketClass {
  readonly part: SpacePart;
  readonly kind: PacketKind;
  /** One of them. */
  readonly packet: Packet;
  /** All of `box` but what is in `except`, whose boxes lie in it and have no packet in common. */
  readonly box: Box;
  readonly except: readonly Box[];
  readonly size: bigint;
  readonly ways: ClassAt["ways"];
  readonly inexact: ClassAt["inexact"];
  readonly notExhaustive: ClassAt["notExhaustive"];
}

/** Numbers that people know, so that examples look like packets: an address for documentation, localhost. */
const USUAL: Readonly<Record<IPFamily, Readonly<Partial<Record<Field, bigint>>>>> = {
  IPv4: { src: 0xcb007109n, dst: 0x7f000001n, sport: 40_000n, dport: 8080n },
  IPv6: { src: (0x20010db8n << 96n) + 9n, dst: 1n, sport: 40_000n, dport: 8080n },
};

/** A packet of a box. */
export function packetIn(box: Box, template: Packet): Packet {
  let packet = template;
  for (const field of ["dst", "src", "sport", "dport", "icmpType"] as const) {
    const value = nearestIn(box[field], USUAL[template.family][field] ?? 0n) as bigint;
    if (fieldValue(packet, field) !== value) packet = withField(packet, field, value);
  }
  return packet;
}

/** A box to one destination without what comes from there: such packets are not in the space. `undefined` when nothing is left. */
function withoutOwnSource(box: Box): Box | undefined {
  const [only] = box.dst;
  if (only === undefined || countOf(box.dst) !== 1n || !containsValue(box.src, only.from)) return box;
  const src = differenceOf(box.src, box.dst);
  return src.length === 0 ? undefined : { ...box, src };
}

/** All packets of a part and kind. */
export function wholeBox(part: SpacePart, kind: PacketKind, family: IPFamily): Box {
  const template = kind.template(family);
  const universe = universeOf(template);
  const icmpType = interval(BigInt(template.icmpType));
  return { ...universe, src: part.sources, dst: part.destinations, icmpType };
}

/** Which packets are cut into classes, and what is told of them. */
export interface PartitionOptions {
  /** Is told of packets to their own source, as far as there is one destination: those are in no class. */
  readonly leftOut?: (box: Box, part: SpacePart) => void;
  /** The packets of a part and kind that are wanted; all unless it is given. */
  readonly within?: (box: Box, part: SpacePart, kind: PacketKind) => Box | undefined;
  /** How many packets a box stands for. */
  readonly sizeOf?: (box: Box, part: SpacePart) => bigint;
}

/**
 * Cuts a node's packet space into classes, one after the other: each packet of it is in exactly one. A packet that is in no class yet
 * is taken, its class is found, and what is left of where it was is looked at next.
 */
export function* partition(
  sides: readonly Side[],
  family: IPFamily,
  { leftOut = () => {}, within = (box) => box, sizeOf = sizeOfBox }: PartitionOptions = {},
): Generator<PacketClass> {
  // what goes to one destination needs no other, and may not ask for them
  let known: DestinationsLike | undefined;
  const destinationsIn = ({ dst }: Box): DestinationsLike => {
    if (countOf(dst) === 1n) return () => dst;
    known ??= destinationsOf(sides, family);
    return known;
  };
  for (const part of spaceParts(sides, family)) {
    const wholes = packetKinds(family).flatMap((kind) => {
      const box = within(wholeBox(part, kind, family), part, kind);
      return box === undefined ? [] : [{ kind, box }];
    });
    // what holds for addresses holds for all kinds
    const memories = sides.map(makeMemory);
    for (const { kind, box: whole } of wholes) {
      const template = kind.template(family);
      const destinations = destinationsIn(whole);
      const open: Box[] = [whole];
      for (let box = open.pop(); box !== undefined; box = open.pop()) {
        const packet = packetIn(box, template);
        const { region, ...seen } = classAt(sides, destinations, part, packet, memories, whole);
        const common = commonBox(box, region.box);
        if (common === undefined) throw new Error("a packet is not in its own class");
        open.push(...withoutBox(box, region.box));
        const own = withoutOwnSource(common);
        if (own !== common) leftOut({ ...common, src: common.dst }, part);
        if (own === undefined) continue;
        if (own !== common && sameAddress(packet.src, packet.dst)) {
          open.push(own);
          continue;
        }
        const except = disjointBoxes(region.except.flatMap((each) => commonBox(own, each) ?? []));
        const size = except.reduce((sum, each) => sum - sizeOf(each, part), sizeOf(own, part));
        yield { part, kind, packet, box: own, except, size, ...seen };
        open.push(...except);
      }
    }
  }
}
