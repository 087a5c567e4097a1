import { countOf, differenceOf, type IntervalSet, intersectionOf, interval, intervalsOf } from "../../net/intervals.ts";
import { type PacketClass, type PartitionOptions, partition } from "../classes/partition.ts";
import type { Side, SpacePart } from "../classes/space.ts";
import type { Box } from "../field.ts";
import { type Fingerprint, fingerprintOf, type Place } from "./fingerprint.ts";
import type { Ground } from "./ground.ts";
import type { Slicer } from "./slice.ts";
import type { FingerprintContext } from "./symbols.ts";
import { portOf, protocolOf, type Reach, reachOf, type Unit } from "./unit.ts";
import { ownPorts, portsAt } from "./unit-ports.ts";
import { type Spare, type Thinned, weightOf } from "./weights.ts";

/** One of the units of a shape. */
export interface Instance extends Pick<Fingerprint, "places" | "ports"> {
  readonly unit: Unit;
}

/** Units that are alike but for numbers. */
export interface Shape {
  /** The first is proved; what holds for it holds for the others. */
  readonly instances: readonly [Instance, ...(readonly Instance[])];
}

/** More ports than this at one destination are looked at one by one. */
const FEW_PORTS = 8;

/** The ports of a destination that have units of their own; `undefined` where none has. */
function splitPortsAt(
  { indexes, ports, isOwn }: Ground,
  destination: bigint | undefined,
): ReadonlySet<number> | undefined {
  if (destination === undefined) return ports.size === 0 ? undefined : ports;
  const own = portsAt(indexes, destination);
  const asked = indexes.some(({ rulesByPort }, side) => rulesByPort.size > 0 && isOwn(side, destination));
  return asked || own.length > FEW_PORTS ? new Set([...(asked ? ports : []), ...own]) : undefined;
}

/** All packets of a node, as units: by destinations that something asks for, and by ports where many do. */
export function* unitsOf(ground: Ground): Generator<Unit> {
  for (const destination of [undefined, ...ground.destinations]) {
    const ports = splitPortsAt(ground, destination);
    for (const port of ports ?? []) yield { destination, port, split: true };
    yield { destination, port: undefined, split: ports !== undefined };
  }
}

/** What is said of a unit beside its rules: all that is asked of it must be in here. */
export type Remarks = (
  unit: Unit,
  ports: readonly number[],
) => { readonly unit: string; readonly of: (address: bigint) => string };

const reachesOf = ({ indexes, isOwn }: Ground, unit: Unit): readonly Reach[] =>
  indexes.map((index, side) => reachOf(index, unit, (address) => isOwn(side, address)));

/** Puts units of one shape together: linear in all that rules ask for. */
export function shapesOf(ground: Ground, remarks: Remarks): readonly Shape[] {
  const { family, siteOf, constants, indexes } = ground;
  const byWords = new Map<string, [Instance, ...Instance[]]>();
  for (const unit of unitsOf(ground)) {
    const ports = ownPorts(indexes, unit);
    const remark = remarks(unit, ports);
    const context: FingerprintContext = { family, siteOf, constants, remark: remark.of };
    const { words, places, ports: own } = fingerprintOf(context, indexes, unit, ports, reachesOf(ground, unit));
    const key = `${remark.unit}\n${words}`;
    const list = byWords.get(key);
    if (list === undefined) byWords.set(key, [{ unit, places, ports: own }]);
    else list.push({ unit, places, ports: own });
  }
  return [...byWords.values()].map((instances) => ({ instances }));
}

/** Addresses of a unit's representative, and one of each site for those that are left out: as sources, and as destinations. */
function addressesThere({ bySite, destinations }: Ground, own: ReadonlySet<bigint>): ReadonlySet<bigint> {
  const there = new Set(own);
  for (const list of bySite.values()) {
    const source = list.find((address) => !own.has(address));
    if (source !== undefined) there.add(source);
    const target = list.find((address) => !own.has(address) && !destinations.has(address));
    if (target !== undefined) there.add(target);
  }
  return there;
}

/** For each site the first address that is there beside a unit's own, and how many like it are not there. */
function sparesOf(
  bySite: Ground["bySite"],
  there: ReadonlySet<bigint>,
  own: ReadonlySet<bigint>,
  isWanted: (address: bigint) => boolean,
): readonly Spare[] {
  return [...bySite.values()].flatMap((list) => {
    const wanted = list.filter(isWanted);
    const address = wanted.find((each) => there.has(each) && !own.has(each));
    if (address === undefined) return [];
    return [{ address, others: wanted.reduce((sum, each) => sum + (there.has(each) ? 0 : 1), 0) }];
  });
}

/** The ports of a kind of packet that have units of their own. */
function portsOfProtocol(ports: Iterable<number>, protocol: number): IntervalSet {
  return intervalsOf(
    [...ports].flatMap((port) => (protocolOf(port) === protocol ? interval(BigInt(portOf(port))) : [])),
  );
}

/** Of addresses of a unit that are like each other the first, and how many there are beside it. */
function twinsOf(places: Instance["places"]): readonly Spare[] {
  const others = new Map<number, number>();
  for (const [at, { like }] of places.entries()) if (like !== at) others.set(like, (others.get(like) ?? 0) + 1);
  return [...others].map(([at, count]) => ({ address: (places[at] as Place).address, others: count }));
}

/** The packets of a unit among those of a part and kind; as senders, addresses like others that are there are left out. */
function withinUnit(
  ground: Ground,
  { unit: { destination, port, split }, places }: Instance,
): NonNullable<PartitionOptions["within"]> {
  const twins = intervalsOf(places.flatMap(({ address, like }, at) => (like === at ? [] : interval(address))));
  const taken = port === undefined && split ? splitPortsAt(ground, destination) : undefined;
  return (box, part, { protocol }) => {
    if (port !== undefined && protocolOf(port) !== protocol) return undefined;
    const dst = destination === undefined ? box.dst : intersectionOf(box.dst, interval(destination));
    const dport =
      port === undefined
        ? differenceOf(box.dport, portsOfProtocol(taken ?? [], protocol))
        : interval(BigInt(portOf(port)));
    const src = part.interfaces.length === 0 ? box.src : differenceOf(box.src, twins);
    return [src, dst, dport].some((set) => set.length === 0) ? undefined : { ...box, src, dst, dport };
  };
}

/** The representative of a shape, on hosts cut down to what concerns it. */
export interface Representative {
  readonly sides: readonly Side[];
  readonly classes: Iterable<PacketClass>;
  /** One of many addresses left out, by the site that they share. */
  readonly spares: ReadonlyMap<bigint, number>;
  /** As how many a class counts: packets of one sender stand for those of all that are like it. */
  readonly timesOf: (found: PacketClass) => number;
}

/** Cuts the packets of a shape's representative into classes; `leftOut` is told how many are in none, as they go to their own source. */
export function representativeOf(
  ground: Ground,
  shape: Shape,
  leftOut: (size: bigint) => void = () => {},
): Representative {
  const { family, slicers, leavable, destinations, bySite, siteOf, isLeavable } = ground;
  const [{ unit, places }] = shape.instances;
  const reaches = reachesOf(ground, unit);
  const own = new Set([...places.map(({ address }) => address), ...reaches.flatMap((reach) => reach.destinations)]);
  const there = addressesThere(ground, own);
  const sides = ground.sides.map(
    ({ name }, i): Side => ({ name, host: (slicers[i] as Slicer)((reaches[i] as Reach).kept, there) }),
  );
  const present = [...there].filter(isLeavable);
  const isPlain = (address: bigint): boolean => !destinations.has(address);
  const twins = twinsOf(places);
  const sources: Thinned = {
    all: leavable,
    there: present,
    spares: [...sparesOf(bySite, there, own, () => true), ...twins],
  };
  const targets: Thinned = {
    all: ground.asked,
    there: present.filter(isPlain),
    spares: sparesOf(bySite, there, own, isPlain),
  };
  const sizeOf = (box: Box, { interfaces }: SpacePart): bigint => {
    const src = interfaces.length === 0 ? countOf(box.src) : weightOf(box.src, sources);
    const dst = unit.destination === undefined ? weightOf(box.dst, targets) : countOf(box.dst);
    return src * dst * countOf(box.sport) * countOf(box.dport) * countOf(box.icmpType);
  };
  const options = {
    within: withinUnit(ground, shape.instances[0]),
    sizeOf,
    leftOut: (box: Box, part: SpacePart) => leftOut(sizeOf(box, part)),
  };
  const spares = new Map(present.flatMap((address) => (own.has(address) ? [] : [[address, siteOf(address)] as const])));
  const many = new Map(twins.map(({ address, others }) => [address, others + 1] as const));
  const timesOf = ({ part, box: { src } }: PacketClass): number => {
    const [only, second] = src;
    if (part.interfaces.length === 0 || only === undefined || second !== undefined || only.from !== only.to) return 1;
    return many.get(only.from) ?? 1;
  };
  return { sides, classes: partition(sides, family, options), spares, timesOf };
}
