import type { Packet } from "../../kernel/packet.ts";
import type { IPFamily } from "../../net/family.ts";
import type { Side } from "../classes/space.ts";
import { type Compared, compareSides } from "./compare.ts";
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

/** What is told for all Services alike names none. */
function shownSubject(subject: Subject | undefined, intended: IntendedDifference | undefined): Subject | undefined {
  return intended?.general === true ? undefined : subject;
}

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
  naming: Naming,
  reason: IntendedDifference | undefined,
): void {
  const { class: found, fates } = compared;
  const subject = shownSubject(naming.subjectOf(found.packet), reason);
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
  group.classes++;
  group.packets += found.size;
}

const inOrder = (a: Gathering, b: Gathering): number =>
  Number(a.intended !== undefined) - Number(b.intended !== undefined) ||
  Number(a.subject === undefined) - Number(b.subject === undefined) ||
  (nameOf(a.subject) < nameOf(b.subject) ? -1 : nameOf(a.subject) > nameOf(b.subject) ? 1 : 0);

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
  let [classes, differing, packets] = [0, 0, 0n];
  for (const compared of compareSides(left, right, family)) {
    classes++;
    packets += compared.class.size;
    for (const why of compared.class.inexact) inexact.add(why);
    for (const why of compared.class.notExhaustive) notExhaustive.add(why);
    if (!compared.differs) continue;
    differing++;
    const reason = intendedOf(compared, left, right, naming.subjectOf(compared.class.packet), list);
    if (reason !== undefined) excused.set(reason.id, (excused.get(reason.id) ?? 0) + 1);
    gather(groups, compared, naming, reason);
  }
  const sorted = [...groups.values()].sort(inOrder);
  return {
    family,
    sides: [left.name, right.name],
    classes,
    packets,
    differing,
    groups: sorted.map(({ from, kinds, ...rest }) => ({ ...rest, from: [...from].sort(), kinds: [...kinds] })),
    excused,
    inexact,
    notExhaustive,
  };
}
