import type { Address, Packet } from "../kernel/packet.ts";
import type { IPFamily } from "../net/family.ts";
import { containsValue, differenceOf, type Interval, type IntervalSet, intervalsOf } from "../net/intervals.ts";
import { ascending } from "../net/sorted.ts";
import { type Course, type CourseRun, OtherWay } from "./course.ts";
import { hostEdges, likenessEdges, prefixEdges, specialEdges } from "./edges.ts";
import { type Box, type Field, fields, fieldValue, type Part, withField } from "./field.ts";
import { type Draft, inPart, type Point, type Region, regionOf } from "./region.ts";
import { cutAt } from "./sight.ts";
import { sameWay } from "./way-record.ts";

/** Packets that are tried for one class at most. */
const MAX_TRIES = 20_000;

/** Tries packets of a class: says whether one goes the way of the first. */
export interface Trial {
  readonly first: Packet;
  readonly own: CourseRun;
  readonly course: Course;
  /** What is beyond these is not taken for the same, whatever the trials say. */
  readonly within: Part;
  tries: number;
}

/** The packet with the numbers of a point in its fields. */
export function packetAt(first: Packet, point: Point): Packet {
  let packet = first;
  for (const field of fields)
    if (fieldValue(packet, field) !== point[field]) packet = withField(packet, field, point[field]);
  return packet;
}

/** Does the packet of a point go the same way? `undefined` when enough packets were tried. */
export function tryPoint(trial: Trial, point: Point): boolean | undefined {
  if (trial.tries >= MAX_TRIES) return undefined;
  trial.tries++;
  try {
    return sameWay(trial.own.way, trial.course.send(packetAt(trial.first, point), { along: trial.own }).way);
  } catch (error) {
    if (error instanceof OtherWay) return false;
    throw error;
  }
}

/** Addresses that NAT wrote into the packet on its way. */
function writtenAddresses({ way }: CourseRun): bigint[] {
  const { sent, views } = way;
  const written: bigint[] = [];
  for (const view of views)
    for (const field of ["src", "dst"] as const)
      if (view[field] !== sent[field]) written.push(fieldValue({ ...view, icmpType: 0 }, field));
  return written;
}

/** An IPv4 address in IPv6's clothes belongs to whom the IPv4 one does. */
function namedEdges(address: Address, length: number, family: IPFamily): readonly bigint[] {
  if (typeof address !== "number" || family === "IPv4") return prefixEdges(address, length, family);
  return prefixEdges([0, 0, 0xffff, address], 96 + length, family);
}

/** Where the number of a field begins and ends: a packet to its own source is a case of its own. */
function ownEdges(packet: Packet, field: Field): readonly bigint[] {
  const value = fieldValue(packet, field);
  return [value, value + 1n];
}

/** Where, apart from rules, something may change along a field. */
export function edgesAlong({ first, own, course }: Trial, field: Field): readonly bigint[] {
  const { family } = first;
  if (field === "icmpType") return Array.from({ length: 256 }, (_, type) => BigInt(type));
  if (field === "sport" || field === "dport") {
    const ports = own.way.views.flatMap(({ sport, dport }) => [sport, dport]);
    return ascending(ports.flatMap((port) => [BigInt(port), BigInt(port) + 1n]));
  }
  const choosesSource =
    family === "IPv6" &&
    field === "dst" &&
    (course.anySource || own.way.steps.some((step) => step.endsWith("nat MASQUERADE")));
  // the packet itself may have already what NAT writes into others
  const value = fieldValue(first, field);
  return ascending([
    value,
    value + 1n,
    ...own.legs.flatMap(({ host }) => [...hostEdges(host, family), ...(choosesSource ? likenessEdges(host) : [])]),
    // what lies between hosts asks whose the destination is; of a source only whether it is loopback
    ...(field === "dst"
      ? course.named.flatMap(({ address, prefixLength }) => namedEdges(address, prefixLength, family))
      : [...specialEdges(family), ...ownEdges(first, "dst")]),
    ...writtenAddresses(own).flatMap((value) => [value, value + 1n]),
  ]);
}

/** The number of a set that is nearest to one. */
export function nearestIn(set: IntervalSet, to: bigint): bigint | undefined {
  let best: bigint | undefined;
  const distance = (value: bigint): bigint => (value > to ? value - to : to - value);
  for (const each of set) {
    const value = to < each.from ? each.from : to > each.to ? each.to : to;
    if (best === undefined || distance(value) < distance(best)) best = value;
  }
  return best;
}

/** Exceptions that hold packets with a number in a field. */
export function exceptionsAt(region: Region): (field: Field, value: bigint) => readonly Box[] {
  const byDestination = new Map<bigint, Box[]>();
  const others: Box[] = [];
  for (const each of region.except) {
    const [only] = each.dst;
    if (only === undefined || each.dst.length > 1 || only.from !== only.to) others.push(each);
    else byDestination.set(only.from, [...(byDestination.get(only.from) ?? []), each]);
  }
  return (field, value) => {
    const near = field === "dst" ? [...(byDestination.get(value) ?? []), ...others] : region.except;
    return near.filter((each) => containsValue(each[field], value));
  };
}

/** The ends of a piece, and a few more: of some values exceptions leave no packet to try. */
function valuesIn({ from, to }: Interval): readonly bigint[] {
  return [...new Set([from, to, (from + to) / 2n])];
}

const ESCAPES: readonly Field[] = ["dport", "sport", "icmpType", "src", "dst"];

/**
 * A packet with a number in a field that no rule sends another way: the point itself, or one that differs in another field from all
 * exceptions there. `undefined` when there is none to be found.
 */
export function outsideExceptions(
  region: Region,
  near: readonly Box[],
  point: Point,
  fixed: readonly Field[],
): Point | undefined {
  if (!near.some((each) => inPart(point, each))) return point;
  for (const other of ESCAPES) {
    if (fixed.includes(other)) continue;
    const taken = intervalsOf(near.flatMap((each) => each[other]));
    const value = nearestIn(differenceOf(region.box[other], taken), point[other]);
    if (value !== undefined) return { ...point, [other]: value };
  }
  return undefined;
}

/**
 * Cuts a draft along one field to where packets go the same way in everything but rules: routes, martians, whose addresses are, what
 * lies between hosts. The field is cut where any of that may change, and a packet of each piece is sent.
 */
function cutAlong(draft: Draft, trial: Trial, field: Field): void {
  const region = regionOf(draft);
  const near = exceptionsAt(region);
  const own = draft.point[field];
  const kept: Interval[] = [];
  const within = trial.within[field];
  let [left, beyond] = [0, 0];
  for (const piece of cutAt(region.box[field], edgesAlong(trial, field))) {
    if (own >= piece.from && own <= piece.to) {
      kept.push(piece);
      continue;
    }
    const same = valuesIn(piece).flatMap((value) => {
      const point = outsideExceptions(region, near(field, value), { ...draft.point, [field]: value }, [field]);
      return point === undefined ? [] : [tryPoint(trial, point)];
    });
    if (same.length > 0 && same.every((each) => each === true)) {
      if (within === undefined || containsValue(within, piece.from)) kept.push(piece);
      else beyond++;
    } else if (same.length === 0 || same.includes(undefined) || same.includes(true)) left++;
  }
  draft.box[field] = intervalsOf(kept);
  if (beyond > 0)
    draft.reasons.add(`a ${field} of another kind is left out: it is not known what the packet would be dropped for`);
  if (left > 0) draft.reasons.add(`${left} parts of the ${field} were left out: not enough packets could be tried`);
}

/** Cuts a draft along all its fields. */
export function cutByTrials(draft: Draft, trial: Trial): void {
  for (const field of ["dst", "src", "dport", "sport", "icmpType"] as const) cutAlong(draft, trial, field);
}
