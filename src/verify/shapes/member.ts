import type { Packet } from "../../kernel/packet.ts";
import { addressText } from "../../kernel/packet-text.ts";
import type { IntervalSet } from "../../net/intervals.ts";
import type { PacketClass } from "../classes/partition.ts";
import type { Fate } from "../equivalence/fate.ts";
import { addressOfNumber, type Field, fieldValue, withField } from "../field.ts";
import { nearestIn } from "../lines.ts";
import type { Instance, Shape } from "./by-shape.ts";
import type { Ground } from "./ground.ts";

/** What stands for what of a shape's representative in another unit of the shape. */
export interface Member {
  /** The packet of that unit that a class's own packet stands for. */
  readonly packetOf: (found: PacketClass) => Packet;
  readonly fateOf: (fate: Fate) => Fate;
}

/** A number of a set that is near to one and not taken; `undefined` when all are. As many steps at most as are taken. */
function nearestFree(set: IntervalSet, to: bigint, isTaken: (value: bigint) => boolean): bigint | undefined {
  const first = nearestIn(set, to);
  if (first === undefined || !isTaken(first)) return first;
  const around = set.find(({ from, to: end }) => from <= first && first <= end);
  for (const each of around === undefined ? set : [around, ...set]) {
    const begin = each === around ? first : each.from;
    for (let value = begin; value <= each.to; value++) if (!isTaken(value)) return value;
    for (let value = begin - 1n; value >= each.from; value--) if (!isTaken(value)) return value;
  }
  return undefined;
}

/** The interface that leads to an address and to nobody else. */
function deviceOf({ individuals }: Ground, address: bigint): string | undefined {
  return individuals.flatMap(({ byAddress }) => byAddress.get(address)?.device?.name ?? [])[0];
}

/** Looks from a shape's representative at one of its units. */
export function memberOf(
  ground: Ground,
  shape: Shape,
  spares: ReadonlyMap<bigint, number>,
  instance: Instance,
): Member {
  const { family, bySite, isLeavable, destinations } = ground;
  const [first] = shape.instances;
  const addresses = new Map(first.places.map(({ address }, i) => [address, instance.places[i]?.address ?? address]));
  const own = new Set(instance.places.map(({ address }) => address));
  const ports = new Map(first.ports.map((port, i) => [BigInt(port), BigInt(instance.ports[i] ?? port)]));
  const ownPorts = new Set([...ports.values()]);

  const spareLike = (address: bigint, isWanted: (address: bigint) => boolean): bigint | undefined => {
    const site = spares.get(address);
    return site === undefined ? undefined : bySite.get(site)?.find((each) => !own.has(each) && isWanted(each));
  };
  const sourceOf = (value: bigint, set: IntervalSet): bigint => {
    const known = addresses.get(value) ?? spareLike(value, () => true);
    return known ?? nearestFree(set, value, (each) => isLeavable(each) || own.has(each)) ?? value;
  };
  const targetOf = (value: bigint, set: IntervalSet): bigint => {
    if (first.unit.destination !== undefined) return addresses.get(value) ?? value;
    const plain = (each: bigint): boolean => !destinations.has(each);
    return spareLike(value, plain) ?? nearestFree(set, value, (each) => isLeavable(each) || !plain(each)) ?? value;
  };
  const portOf = (value: bigint, set: IntervalSet): bigint =>
    ports.get(value) ?? nearestFree(set, value, (each) => ownPorts.has(each)) ?? value;

  const packetOf = ({ packet, box, part }: PacketClass): Packet => {
    const chosen: readonly (readonly [Field, bigint])[] = [
      ["dst", targetOf(fieldValue(packet, "dst"), box.dst)],
      ["dport", portOf(fieldValue(packet, "dport"), box.dport)],
      ...(part.interfaces.length === 0 ? [] : [["src", sourceOf(fieldValue(packet, "src"), box.src)] as const]),
    ];
    return chosen.reduce(
      (made, [field, value]) => (fieldValue(made, field) === value ? made : withField(made, field, value)),
      packet,
    );
  };

  if (instance === first) return { packetOf, fateOf: (fate) => fate };
  const devices = new Map(
    [...addresses].flatMap(([before, after]) => {
      const [own, other] = [deviceOf(ground, before), deviceOf(ground, after)];
      return own === undefined || other === undefined ? [] : [[own, other] as const];
    }),
  );
  const textOf = (address: bigint): string => addressText(addressOfNumber(address, family));
  const texts = new Map([...addresses].map(([before, after]) => [textOf(before), textOf(after)] as const));
  const portsAt = new Map(
    first.places.map(({ address, ports: known }, i) => [
      textOf(address),
      new Map(known.map((port, at) => [String(port), String(instance.places[i]?.ports[at] ?? port)] as const)),
    ]),
  );
  const endText = (text: string): string => {
    const at = text.lastIndexOf(":");
    const [host, port] = [text.slice(0, at), text.slice(at + 1)];
    const bare = host.replace(/^\[|\]$/g, "");
    const after = texts.get(bare);
    const portAfter = portsAt.get(bare)?.get(port) ?? ports.get(BigInt(port))?.toString() ?? port;
    return `${after === undefined ? host : host === bare ? after : `[${after}]`}:${portAfter}`;
  };
  const fateOf = (fate: Fate): Fate => {
    if (fate.kind !== "sent-on" && fate.kind !== "delivered") return fate;
    const { by, to, from } = fate;
    return {
      ...fate,
      ...(by === undefined ? {} : { by: devices.get(by) ?? by }),
      ...(to === undefined ? {} : { to: endText(to) }),
      ...(from === undefined ? {} : { from: texts.get(from) ?? from }),
    };
  };
  return { packetOf, fateOf };
}
