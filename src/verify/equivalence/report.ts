import { makePacket, type Packet, protocols } from "../../kernel/packet.ts";
import { addressText } from "../../kernel/packet-text.ts";
import type { IPFamily } from "../../net/family.ts";
import type { Side } from "../classes/space.ts";
import { addressOfNumber } from "../field.ts";
import type { Remarks, Shape } from "../shapes/by-shape.ts";
import { type Compared, compareByShape, type ShapeCompared } from "./compare.ts";
import { type Fates, fatesKey } from "./fate.ts";
import { type IntendedDifference, intendedDifferences, intendedOf } from "./intended.ts";
import type { Subject, SubjectOf } from "./subject.ts";

/** Packets of one Service's port, or of none, that two sides treat differently for one reason. */
export interface DifferenceGroup {
  readonly subject: Subject | undefined;
  /** Absent for a finding: nothing on the list explains it. */
  readonly intended: IntendedDifference | undefined;
  /** Who sends them. */
  readonly from: readonly string[];
  readonly kinds: readonly string[];
  readonly classes: number;
  readonly packets: bigint;
  /** One of them, and what becomes of it. */
  readonly example: Packet;
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

interface Gathering {
  readonly subject: Subject | undefined;
  readonly intended: IntendedDifference | undefined;
  readonly from: Set<string>;
  readonly kinds: Set<string>;
  readonly example: Packet;
  readonly fates: readonly [Fates, Fates];
  classes: number;
  packets: bigint;
}

const nameOf = (subject: Subject | undefined): string => (subject === undefined ? "" : `${subject.port} ${subject.by}`);

/** Groups are told apart by Service's port and reason; findings also by what becomes of the packets. */
function keyOf(
  { fates: [a, b] }: Compared,
  subject: Subject | undefined,
  intended: IntendedDifference | undefined,
): string {
  return [nameOf(subject), intended?.id ?? `${fatesKey(a)} against ${fatesKey(b)}`].join("\n");
}

function gather(
  into: Map<string, Gathering>,
  compared: Compared,
  times: number,
  subject: Subject | undefined,
  reason: IntendedDifference | undefined,
  naming: Naming,
): void {
  const { class: found, fates } = compared;
  const key = keyOf(compared, subject, reason);
  const group = into.get(key) ?? {
    subject,
    intended: reason,
    from: new Set(),
    kinds: new Set(),
    example: found.packet,
    fates,
    classes: 0,
    packets: 0n,
  };
  into.set(key, group);
  group.from.add(naming.senderOf(found.part.interfaces.length === 0 ? undefined : found.packet.src));
  group.kinds.add(found.kind.name);
  group.classes += times;
  group.packets += found.size * BigInt(times);
}

/** Puts a class that differs into the groups of all Services whose packets it stands for. */
function gatherAll(
  into: Map<string, Gathering>,
  compared: ShapeCompared,
  reason: IntendedDifference | undefined,
  naming: Naming,
): void {
  const { instances } = compared.shape;
  // what is told for all alike, or asks for no Service, is the same in every unit of the shape
  if (reason?.general === true || (reason !== undefined && naming.subjectOf(compared.class.packet) === undefined)) {
    gather(into, compared, instances.length, undefined, reason, naming);
    return;
  }
  for (const instance of instances) {
    const own = compared.at(instance);
    gather(into, own, 1, naming.subjectOf(own.class.packet), reason, naming);
  }
}

const inOrder = (a: Gathering, b: Gathering): number =>
  Number(a.intended !== undefined) - Number(b.intended !== undefined) ||
  Number(a.subject === undefined) - Number(b.subject === undefined) ||
  (nameOf(a.subject) < nameOf(b.subject) ? -1 : nameOf(a.subject) > nameOf(b.subject) ? 1 : 0);

/** What the list of intended differences asks of a unit's packets, beside what becomes of them. */
function remarksOf({ subjectOf }: Naming, own: Packet["dst"] | undefined, family: IPFamily): Remarks {
  return ({ destination, port }, ports) => {
    const dst = destination === undefined ? own : addressOfNumber(destination, family);
    if (dst === undefined) return { unit: "", of: () => "" };
    const asked =
      port === undefined
        ? ports.flatMap((dport) => PROTOCOLS.map((protocol) => ({ protocol, dport })))
        : [{ protocol: Math.floor(port / 65536), dport: port % 65536 }];
    const subjects = asked.map((each) => subjectOf(makePacket({ family, src: dst, dst, payload: 0, ...each })));
    const unit = subjects.map((each) =>
      each === undefined ? "-" : `${each.by} ${each.localOnly} ${each.hasSourceRanges}`,
    );
    const of = (address: bigint): string => {
      const text = addressText(addressOfNumber(address, family));
      return subjects.map((each) => (each?.localEndpoints.has(text) === true ? "1" : "0")).join("");
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

/**
 * Compares two sides over the whole packet space of a node, and puts together what differs: by Service's port and by the entry of the
 * list of intended differences that explains it.
 */
export function compareAndGroup(
  left: Side,
  right: Side,
  family: IPFamily,
  naming: Naming,
  list: readonly IntendedDifference[] = intendedDifferences,
): Comparison {
  const groups = new Map<string, Gathering>();
  const excused = new Map<string, number>();
  const inexact = new Set<string>();
  const notExhaustive = new Set<string>();
  let [classes, shapes, differing, packets] = [0, 0, 0, 0n];
  let before: Shape | undefined;
  for (const compared of compareByShape(left, right, family, remarksOf(naming, ownAddress(left, family), family))) {
    if (compared.shape !== before) shapes++;
    before = compared.shape;
    const times = compared.shape.instances.length;
    classes += times;
    packets += compared.class.size * BigInt(times);
    for (const why of compared.class.inexact) inexact.add(why);
    for (const why of compared.class.notExhaustive) notExhaustive.add(why);
    if (!compared.differs) continue;
    differing += times;
    const reason = intendedOf(compared, left, right, naming.subjectOf(compared.class.packet), list);
    if (reason !== undefined) excused.set(reason.id, (excused.get(reason.id) ?? 0) + times);
    gatherAll(groups, compared, reason, naming);
  }
  const sorted = [...groups.values()].sort(inOrder);
  return {
    family,
    sides: [left.name, right.name],
    shapes,
    classes,
    packets,
    differing,
    groups: sorted.map(({ from, kinds, ...rest }) => ({ ...rest, from: [...from].sort(), kinds: [...kinds] })),
    excused,
    inexact,
    notExhaustive,
  };
}
