import { makePacket, type Packet, protocols } from "../../kernel/packet.ts";
import { addressText, packetText } from "../../kernel/packet-text.ts";
import { isLoopback4 } from "../../kernel/routing/address.ts";
import type { IPFamily } from "../../net/family.ts";
import { packetKinds, type Side } from "../classes/space.ts";
import { addressNumber, addressOfNumber } from "../field.ts";
import type { Remarks, Shape } from "../shapes/by-shape.ts";
import { portOf, protocolOf } from "../shapes/unit.ts";
import { type AllowedDifference, isAllowedBy } from "./allowed.ts";
import { type Compared, compareByShape, type ShapeCompared } from "./compare.ts";
import { type Fates, fatesKey } from "./fate.ts";
import { type Impact, impactOf, impacts } from "./impact.ts";
import { type IntendedDifference, intendedDifferences, intendedOf } from "./intended.ts";
import type { Subject, SubjectOf } from "./subject.ts";

/** Packets of one Service's port, or of none, that two sides treat differently for one reason. */
export interface DifferenceGroup {
  readonly subject: Subject | undefined;
  /** Absent where nothing on the list explains it. */
  readonly intended: IntendedDifference | undefined;
  /** The entry of one's own list that accepts it. What is neither explained nor accepted is a finding. */
  readonly allowed: AllowedDifference | undefined;
  /** The worst that it means to any of them. */
  readonly impact: Impact;
  /** Who sends them. */
  readonly from: readonly string[];
  readonly kinds: readonly string[];
  readonly classes: number;
  readonly packets: bigint;
  /** The plainest of the worst of them, the interface that it comes in by (none: the node sends it), and what becomes of it. */
  readonly example: Packet;
  readonly inInterface: string | undefined;
  readonly fates: readonly [Fates, Fates];
}

/** What a comparison of two sides found. */
export interface Comparison {
  readonly family: IPFamily;
  readonly sides: readonly [string, string];
  /** Kinds of destinations that are alike but for their numbers: one of each was looked at. */
  readonly shapes: number;
  readonly classes: number;
  readonly packets: bigint;
  readonly differing: number;
  /** Findings first, then by Service; what asks for none comes last. */
  readonly groups: readonly DifferenceGroup[];
  /** Classes that each entry of the list excused. */
  readonly excused: ReadonlyMap<string, number>;
  /** Classes that each entry of one's own list accepted. */
  readonly accepted: ReadonlyMap<AllowedDifference, number>;
  /** Rules that couple fields, so that classes may be smaller than they could be. */
  readonly inexact: ReadonlySet<string>;
  /** Why not all packets, or not all of their ways, were looked at; empty when all were. */
  readonly notExhaustive: ReadonlySet<string>;
}

/** How the packets of a comparison are named. */
export interface Naming {
  readonly subjectOf: SubjectOf;
  /** `Pods`, `outside`: who has a source address; `undefined` stands for the node itself. */
  readonly senderOf: (source: Packet["src"] | undefined) => string;
}

/** What differs, in one class. */
interface Found {
  readonly subject: Subject | undefined;
  readonly intended: IntendedDifference | undefined;
  readonly allowed: AllowedDifference | undefined;
  readonly from: string;
  readonly compared: Compared;
  /** Units that it is told for. */
  readonly units: number;
  /** Classes that it stands for, of all of them. */
  readonly classes: number;
}

/** A class that can stand for its group. */
interface Example {
  readonly impact: Impact;
  readonly packet: Packet;
  readonly inInterface: string | undefined;
  readonly fates: readonly [Fates, Fates];
  /** The least is shown. */
  readonly rank: readonly (number | string)[];
}

interface Gathering {
  readonly subject: Subject | undefined;
  readonly intended: IntendedDifference | undefined;
  readonly allowed: AllowedDifference | undefined;
  readonly from: Set<string>;
  readonly kinds: Set<string>;
  example: Example;
  classes: number;
  packets: bigint;
}

const nameOf = (subject: Subject | undefined): string => (subject === undefined ? "" : `${subject.port} ${subject.by}`);

/** What is told for all Services alike names none. */
function shownSubject(subject: Subject | undefined, intended: IntendedDifference | undefined): Subject | undefined {
  return intended?.general === true ? undefined : subject;
}

/** Groups are told apart by Service's port, reason and acceptance; findings also by what becomes of the packets. */
function keyOf(
  { compared, intended, allowed }: Found,
  subject: Subject | undefined,
  allow: readonly AllowedDifference[],
): string {
  const [a, b] = compared.fates;
  const why = intended?.id ?? `${fatesKey(a)} against ${fatesKey(b)}`;
  return [nameOf(subject), why, allowed === undefined ? "" : allow.indexOf(allowed)].join("\n");
}

/** The client port and the loopback address that examples have where they can. */
const USUAL_PORT = 40_000;
const LOCALHOST = 0x7f000001;

const isUnusual = ({ sport, dst }: Packet): boolean =>
  sport !== USUAL_PORT || (typeof dst === "number" && isLoopback4(dst) && dst !== LOCALHOST);

/** The worst first, then new TCP connections, what comes in, and what looks like an ordinary packet. */
function exampleOf({ class: { packet, kind, part }, fates }: Compared): Example {
  const impact = impactOf(fates);
  const sent = part.interfaces.length === 0;
  const entrance = sent ? undefined : part.entranceOf(addressNumber(packet.src));
  const kinds = packetKinds(packet.family).map(({ name }) => name);
  // a packet without SYN belongs to no connection that anybody made
  const place = kind.name === "TCP without SYN" ? kinds.length : kinds.indexOf(kind.name);
  const text = packetText(packet);
  return {
    impact,
    packet,
    inInterface: entrance?.kind === "received" ? entrance.inInterface : undefined,
    fates,
    rank: [impacts.indexOf(impact), place, Number(sent), Number(isUnusual(packet)), text.length, text],
  };
}

function isBefore({ rank: a }: Example, { rank: b }: Example): boolean {
  const at = a.findIndex((value, i) => value !== b[i]);
  return at >= 0 && (a[at] as number | string) < (b[at] as number | string);
}

function gather(into: Map<string, Gathering>, found: Found, allow: readonly AllowedDifference[]): void {
  const { intended, allowed, compared, from, units, classes } = found;
  const subject = shownSubject(found.subject, intended);
  const key = keyOf(found, subject, allow);
  const example = exampleOf(compared);
  const group = into.get(key) ?? {
    subject,
    intended,
    allowed,
    from: new Set(),
    kinds: new Set(),
    example,
    classes: 0,
    packets: 0n,
  };
  into.set(key, group);
  if (isBefore(example, group.example)) group.example = example;
  group.from.add(from);
  group.kinds.add(compared.class.kind.name);
  group.classes += classes;
  group.packets += compared.class.size * BigInt(units);
}

const isFinding = ({ intended, allowed }: Gathering): boolean => intended === undefined && allowed === undefined;

const inOrder = (a: Gathering, b: Gathering): number =>
  Number(isFinding(b)) - Number(isFinding(a)) ||
  Number(a.subject === undefined) - Number(b.subject === undefined) ||
  (nameOf(a.subject) < nameOf(b.subject) ? -1 : nameOf(a.subject) > nameOf(b.subject) ? 1 : 0);

function groupOf({ from, kinds, example, ...rest }: Gathering): DifferenceGroup {
  const { packet, impact, inInterface, fates } = example;
  return { ...rest, from: [...from].sort(), kinds: [...kinds], example: packet, impact, inInterface, fates };
}

const countUp = <K>(counts: Map<K, number>, key: K | undefined, times: number): void => {
  if (key !== undefined) counts.set(key, (counts.get(key) ?? 0) + times);
};

/** What is known of a class that differs, for all units of its shape: together where they are told alike, else each for itself. */
function* foundOf(
  compared: ShapeCompared,
  [left, right]: readonly [Side, Side],
  { subjectOf, senderOf }: Naming,
  list: readonly IntendedDifference[],
  allow: readonly AllowedDifference[],
): Generator<Found> {
  const { packet, part, kind } = compared.class;
  const subject = subjectOf(packet);
  const intended = intendedOf(compared, left, right, subject, list);
  const one = (own: Compared, asked: Subject | undefined, units: number): Found => {
    const from = senderOf(part.interfaces.length === 0 ? undefined : own.class.packet.src);
    const difference = { intended, subject: asked, kind: kind.name, from, fates: own.fates };
    const allowed = allow.find((entry) => isAllowedBy(entry, difference));
    return { subject: asked, intended, allowed, from, compared: own, units, classes: units * compared.times };
  };
  const { instances } = compared.shape;
  // what is told for all alike, or asks for no Service, is the same in every unit of the shape
  if (intended !== undefined && allow.length === 0 && (intended.general === true || subject === undefined)) {
    yield one(compared, subject, instances.length);
    return;
  }
  for (const instance of instances) {
    const own = compared.at(instance);
    yield one(own, subjectOf(own.class.packet), 1);
  }
}

/** What the list of intended differences asks of a unit's packets, beside what becomes of them. */
function remarksOf({ subjectOf, senderOf }: Naming, own: Packet["dst"] | undefined, family: IPFamily): Remarks {
  return ({ destination, port }, ports) => {
    const dst = destination === undefined ? own : addressOfNumber(destination, family);
    const asked =
      port === undefined
        ? ports.flatMap((dport) => PROTOCOLS.map((protocol) => ({ protocol, dport })))
        : [{ protocol: protocolOf(port), dport: portOf(port) }];
    const subjects = asked.map((each) =>
      dst === undefined ? undefined : subjectOf(makePacket({ family, src: dst, dst, payload: 0, ...each })),
    );
    const unit = subjects.map((each) =>
      each === undefined ? "-" : `${each.by} ${each.localOnly} ${each.hasSourceRanges} ${each.hasNodePortNumber}`,
    );
    const of = (number: bigint): string => {
      const address = addressOfNumber(number, family);
      const text = addressText(address);
      const local = subjects.map((each) => (each?.localEndpoints.has(text) === true ? "1" : "0"));
      return `${senderOf(address)} ${local.join("")}`;
    };
    return { unit: unit.join(), of };
  };
}

const PROTOCOLS: readonly number[] = [protocols.tcp, protocols.udp, protocols.sctp];

/** An address that the node's ports are asked for at. */
function ownAddress({ host }: Side, family: IPFamily): Packet["dst"] | undefined {
  const all = host.interfaces.flatMap(({ loopback, addresses }) => (loopback ? [] : addresses));
  return all.find((own) => own.family === family && own.scope === "global")?.address;
}

/** What a comparison knows besides the two sides. */
export interface Lists {
  /** Differences with a reason that is known. */
  readonly intended?: readonly IntendedDifference[];
  /** Differences that somebody accepts. */
  readonly allowed?: readonly AllowedDifference[];
}

/**
 * Compares two sides over the whole packet space of a node, and puts together what differs: by Service's port and by the entry of the
 * list of intended differences that explains it.
 */
export function compareAndGroup(
  left: Side,
  right: Side,
  family: IPFamily,
  naming: Naming,
  { intended = intendedDifferences, allowed = [] }: Lists = {},
): Comparison {
  const groups = new Map<string, Gathering>();
  const excused = new Map<string, number>();
  const accepted = new Map<AllowedDifference, number>();
  const inexact = new Set<string>();
  const notExhaustive = new Set<string>();
  let [classes, shapes, differing, packets] = [0, 0, 0, 0n];
  let before: Shape | undefined;
  for (const compared of compareByShape(left, right, family, remarksOf(naming, ownAddress(left, family), family))) {
    if (compared.shape !== before) shapes++;
    before = compared.shape;
    const units = compared.shape.instances.length;
    classes += units * compared.times;
    packets += compared.class.size * BigInt(units);
    for (const why of compared.class.inexact) inexact.add(why);
    for (const why of compared.class.notExhaustive) notExhaustive.add(why);
    if (!compared.differs) continue;
    differing += units * compared.times;
    for (const found of foundOf(compared, [left, right], naming, intended, allowed)) {
      countUp(excused, found.intended?.id, found.classes);
      countUp(accepted, found.allowed, found.classes);
      gather(groups, found, allowed);
    }
  }
  return {
    family,
    sides: [left.name, right.name],
    shapes,
    classes,
    packets,
    differing,
    groups: [...groups.values()].sort(inOrder).map(groupOf),
    excused,
    accepted,
    inexact,
    notExhaustive,
  };
}
