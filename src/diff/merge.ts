import type { AllowedDifference } from "../verify/equivalence/allowed.ts";
import type { Fates } from "../verify/equivalence/fate.ts";
import { type Impact, impacts, outcomesOf } from "../verify/equivalence/impact.ts";
import type { IntendedDifference } from "../verify/equivalence/intended.ts";
import type { Comparison, DifferenceGroup } from "../verify/equivalence/report.ts";
import type { Subject } from "../verify/equivalence/subject.ts";
import type { Diff, NodeComparison } from "./compare-nodes.ts";

/** What a reader has to do with a difference. */
export type Status =
  /** Nothing explains it and nobody accepts it. */
  | "finding"
  /** An entry of the list of intended differences explains it. */
  | "known"
  /** An entry of one's own list accepts it. */
  | "accepted";

/** A packet that shows a difference, and the node that it shows at. */
export interface DiffExample extends Pick<DifferenceGroup, "example" | "inInterface" | "fates"> {
  readonly comparison: NodeComparison;
}

/** One difference of one Service, over its ports, the nodes and the families. */
export interface Difference {
  readonly status: Status;
  readonly impact: Impact;
  readonly intended: IntendedDifference | undefined;
  readonly allowed: AllowedDifference | undefined;
  /** Ports of the Service, and the ways in to each. */
  readonly ports: ReadonlyMap<string, ReadonlySet<Subject["by"]>>;
  readonly nodes: ReadonlySet<string>;
  readonly from: ReadonlySet<string>;
  readonly kinds: ReadonlySet<string>;
  readonly classes: number;
  readonly example: DiffExample;
}

/** Differences that are told together. */
export interface Section {
  /** Of the Services named; of all, whichever Service it is; or of packets that ask for no port of one. */
  readonly about: "services" | "all" | "none";
  readonly services: readonly string[];
  /** The worst first. */
  readonly differences: readonly Difference[];
}

interface Gathering extends Omit<Difference, "ports" | "nodes" | "from" | "kinds" | "classes"> {
  readonly ports: Map<string, Set<Subject["by"]>>;
  readonly nodes: Set<string>;
  readonly from: Set<string>;
  readonly kinds: Set<string>;
  classes: number;
}

export function statusOf({ intended, allowed }: Pick<Difference, "intended" | "allowed">): Status {
  if (allowed !== undefined) return "accepted";
  return intended === undefined ? "finding" : "known";
}

/** Groups of a comparison that nothing explains and nobody accepts. */
export const findingsOf = ({ groups }: Comparison): readonly DifferenceGroup[] =>
  groups.filter((group) => statusOf(group) === "finding");

/** What becomes of packets in words: findings of one Service that have these in common are told as one. */
const outcomeTexts = (fates: readonly [Fates, Fates]): string =>
  fates.map((each) => [...outcomesOf(each)].sort().join()).join(" against ");

/** In place of a Service's name. */
const ALL = "*";
const NONE = "";

const aboutOf = (service: string): Section["about"] =>
  service === ALL ? "all" : service === NONE ? "none" : "services";

const RANKS: readonly Status[] = ["finding", "known", "accepted"];

const worse = (a: Difference, b: Difference): number =>
  RANKS.indexOf(a.status) - RANKS.indexOf(b.status) ||
  Number(a.intended?.harmless === true) - Number(b.intended?.harmless === true) ||
  impacts.indexOf(a.impact) - impacts.indexOf(b.impact);

/** The name of a port within its Service: `shop/web port http` → `http`. */
const portName = ({ service, port }: Subject): string => port.slice(`${service} port `.length);

function put(into: Map<string, Map<string, Gathering>>, diff: Diff, at: NodeComparison, group: DifferenceGroup): void {
  const { subject, intended, allowed, impact, fates, example, inInterface } = group;
  const service = intended?.general === true ? ALL : (subject?.service ?? NONE);
  const status = statusOf(group);
  const shape = intended === undefined ? outcomeTexts(fates) : "";
  const accepted = allowed === undefined ? "" : diff.setting.allowed.indexOf(allowed);
  const key = [status, impact, intended?.id ?? "", accepted, shape].join("\n");
  const own = into.get(service) ?? new Map<string, Gathering>();
  into.set(service, own);
  const found = own.get(key) ?? {
    status,
    impact,
    intended,
    allowed,
    ports: new Map(),
    nodes: new Set(),
    from: new Set(),
    kinds: new Set(),
    classes: 0,
    example: { example, inInterface, fates, comparison: at },
  };
  own.set(key, found);
  if (subject !== undefined)
    found.ports.set(portName(subject), (found.ports.get(portName(subject)) ?? new Set()).add(subject.by));
  found.nodes.add(at.node);
  for (const each of group.from) found.from.add(each);
  for (const each of group.kinds) found.kinds.add(each);
  found.classes += group.classes;
}

const waysOf = ({ ports }: Difference): readonly string[] =>
  [...new Set([...ports.values()].flatMap((each) => [...each]))].sort();

/** What Services must have in common to be told of together. */
const likeness = (difference: Difference): string => {
  const { status, impact, intended, allowed } = difference;
  return JSON.stringify([status, impact, intended?.id, allowed?.reason, waysOf(difference)]);
};

/** Nobody has to do anything about it. */
export const isQuiet = ({ status, intended }: Difference): boolean =>
  status === "accepted" || (status === "known" && intended?.harmless === true);

function merged(a: Difference, b: Difference): Difference {
  const union = <T>(x: ReadonlySet<T>, y: ReadonlySet<T>): ReadonlySet<T> => new Set([...x, ...y]);
  const ports = new Map(a.ports);
  for (const [port, ways] of b.ports) ports.set(port, union(ports.get(port) ?? new Set(), ways));
  return {
    ...a,
    ports,
    nodes: union(a.nodes, b.nodes),
    from: union(a.from, b.from),
    kinds: union(a.kinds, b.kinds),
    classes: a.classes + b.classes,
  };
}

/** A section while Services are added to it. */
interface OpenSection {
  readonly about: Section["about"];
  readonly services: Set<string>;
  differences: readonly Difference[];
}

const closed = ({ about, services, differences }: OpenSection): Section => ({
  about: services.size > 0 ? "services" : about,
  services: [...services].sort(),
  differences,
});

function addTo(
  found: Map<string, OpenSection>,
  key: string,
  service: string,
  differences: readonly Difference[],
): void {
  const about = aboutOf(service);
  const known = found.get(key) ?? { about, services: new Set<string>(), differences: [] };
  found.set(key, known);
  if (about === "services") known.services.add(service);
  const before = known.differences;
  known.differences = differences.map((each, i) => (before[i] === undefined ? each : merged(before[i], each)));
}

/** Services with the same list of differences become one section. */
function sectionsOf(byService: ReadonlyMap<string, readonly Difference[]>): readonly Section[] {
  const found = new Map<string, OpenSection>();
  for (const [service, differences] of byService) {
    const sorted = [...differences].sort(worse);
    const about = aboutOf(service);
    addTo(found, about === "services" ? sorted.map(likeness).join("\n") : about, service, sorted);
  }
  return [...found.values()].map(closed);
}

function inOrder(a: Section, b: Section): number {
  const general = Number(a.about !== "services") - Number(b.about !== "services");
  const [x, y] = [a.differences[0], b.differences[0]];
  if (x === undefined || y === undefined) return 0;
  // a finding about no Service is a finding all the same
  const urgent = RANKS.indexOf(x.status) === 0 || RANKS.indexOf(y.status) === 0 ? worse(x, y) : 0;
  return urgent || general || worse(x, y) || ((a.services[0] ?? "") < (b.services[0] ?? "") ? -1 : 1);
}

/** Differences that nobody has to do anything about, each told once for all Services. */
function quietOf(byService: ReadonlyMap<string, readonly Difference[]>): readonly Section[] {
  const found = new Map<string, OpenSection>();
  for (const [service, differences] of byService)
    for (const difference of differences.filter(isQuiet)) {
      const { status, intended, allowed } = difference;
      addTo(found, JSON.stringify([status, intended?.id, allowed?.reason]), service, [difference]);
    }
  return [...found.values()].map(closed).sort(inOrder);
}

/** The differences of all nodes, to be read. */
export interface MergedDiff {
  /** By Service, the worst first; Services with the same differences together, what asks for none last. */
  readonly sections: readonly Section[];
  /** What nobody has to do anything about, by reason. */
  readonly quiet: readonly Section[];
}

/** Puts together what several nodes, families, ports and Services have in common. */
export function mergeDiff(diff: Diff): MergedDiff {
  const byService = new Map<string, Map<string, Gathering>>();
  for (const at of diff.comparisons) for (const group of at.found.groups) put(byService, diff, at, group);
  const lists = [...byService].map(([service, own]) => [service, [...own.values()]] as const);
  const pressing = lists.map(([service, own]) => [service, own.filter((each) => !isQuiet(each))] as const);
  return {
    sections: [...sectionsOf(new Map(pressing.filter(([, own]) => own.length > 0)))].sort(inOrder),
    quiet: quietOf(new Map(lists)),
  };
}

/** Differences that mean the same for the same reason as one in a section before: an example of it has been seen. */
export function repeatedIn(sections: readonly Section[]): ReadonlySet<Difference> {
  const seen = new Set<string>();
  const found = new Set<Difference>();
  for (const difference of sections.flatMap(({ differences }) => differences)) {
    const { status, impact, intended } = difference;
    if (status === "finding") continue;
    const key = JSON.stringify([impact, intended?.id]);
    if (seen.has(key)) found.add(difference);
    seen.add(key);
  }
  return found;
}
