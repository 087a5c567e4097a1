import { packetText } from "../kernel/packet-text.ts";
import { isUnset } from "../kernel/routing/address.ts";
import { wrap } from "../trace/wrap.ts";
import { type IntendedDifference, intendedDifferences } from "../verify/equivalence/intended.ts";
import type { Comparison, DifferenceGroup } from "../verify/equivalence/report.ts";
import { fatesLines } from "../verify/equivalence/words.ts";

/** A comparison of one node and family. */
export interface NodeComparison {
  readonly node: string;
  readonly found: Comparison;
}

const WIDTH = 120;

/** The second of two sets of objects. */
export const AFTER = "after";

/** The sender of what comes from no address. */
export const NODE = "the node itself";

const grouped = (n: number): string => n.toLocaleString("en-US");
const plural = (n: number, one: string, many = `${one}s`): string => `${grouped(n)} ${n === 1 ? one : many}`;

function subjectText({ subject, intended }: DifferenceGroup): string {
  if (subject !== undefined) return `${subject.port} (${subject.by})`;
  return intended?.general === true ? "all Services" : "packets that ask for no port of a Service";
}

/** The packet; of one that the node sends itself routing chooses the source. */
function exampleText({ example, from }: DifferenceGroup): string {
  const text = packetText(example);
  return from.includes(NODE) && isUnset(example.src) ? text.replace(/ \S+ -> /, " the node itself -> ") : text;
}

export const findingsOf = ({ groups }: Comparison): readonly DifferenceGroup[] =>
  groups.filter(({ intended }) => intended === undefined);

function headText({ node, found }: NodeComparison): string {
  const { sides, family, classes, differing, excused } = found;
  const findings = plural(findingsOf(found).length, sides[1] === AFTER ? "change" : "finding");
  const reasons = sides[1] === AFTER ? "" : `, ${plural(excused.size, "known reason")}`;
  return [
    `${node}, ${family}: ${sides[0]} against ${sides[1]}`,
    `  ${plural(classes, "class", "classes")} of packets, ${grouped(differing)} treated differently: ${findings}${reasons}`,
    ...[...found.notExhaustive].map((why) => `  not exhaustive: ${why}`),
  ].join("\n");
}

function exampleLines(group: DifferenceGroup, sides: readonly [string, string], indent: string): readonly string[] {
  const { fates } = group;
  const width = Math.max(...sides.map((name) => name.length));
  const side = (i: 0 | 1): readonly string[] =>
    fatesLines(fates[i]).map((line, at) => `${indent}  ${(at === 0 ? sides[i] : "").padEnd(width)}  ${line}`);
  return [`${indent}${exampleText(group)}`, ...side(0), ...side(1)];
}

function groupLines(group: DifferenceGroup, sides: readonly [string, string]): readonly string[] {
  const title = group.intended?.title ?? (sides[1] === AFTER ? "changed" : "FINDING: nothing known explains it");
  return [
    `  ${title}`,
    `    from ${group.from.join(", ")}; ${group.kinds.join(", ")}; ${plural(group.classes, "class", "classes")}`,
    ...exampleLines(group, sides, "    "),
  ];
}

/** Groups by what they ask for, in order. */
function bySubject(groups: readonly DifferenceGroup[]): ReadonlyMap<string, readonly DifferenceGroup[]> {
  const found = new Map<string, DifferenceGroup[]>();
  for (const group of groups) {
    const name = subjectText(group);
    found.set(name, [...(found.get(name) ?? []), group]);
  }
  return found;
}

/** The entries that excused something, with the classes of all comparisons. */
function excusedBy(all: readonly NodeComparison[]): readonly (readonly [IntendedDifference, number])[] {
  return intendedDifferences.flatMap((entry) => {
    const classes = all.reduce((sum, { found }) => sum + (found.excused.get(entry.id) ?? 0), 0);
    return classes === 0 ? [] : [[entry, classes] as const];
  });
}

/** For the terminal. */
export function* diffText(all: readonly NodeComparison[]): Generator<string> {
  for (const each of all) {
    yield `${headText(each)}\n`;
    for (const [name, groups] of bySubject(each.found.groups)) {
      yield `\n${name}\n`;
      for (const group of groups) yield `${groupLines(group, each.found.sides).join("\n")}\n`;
    }
    yield "\n";
  }
  const reasons = excusedBy(all);
  if (reasons.length === 0) return;
  yield "KNOWN REASONS\n";
  for (const [{ id, title, reason, source, advice }, classes] of reasons) {
    const told = [
      ["why", reason],
      ["source", source],
      ["advice", advice],
    ] as const;
    const lines = told.flatMap(([word, text]) => wrap(`  ${word.padEnd(8)}`, 8, text, WIDTH));
    yield `\n${id}: ${title} (${plural(classes, "class", "classes")})\n${lines.join("\n")}\n`;
  }
}

/** A migration report. */
export function* diffMarkdown(all: readonly NodeComparison[]): Generator<string> {
  const sides = all[0]?.found.sides ?? ["", ""];
  yield `# From ${sides[0]} to ${sides[1]}: what changes\n`;
  for (const each of all) {
    yield `\n## ${each.node}, ${each.found.family}\n\n${headText(each).split("\n")[1]?.trim() ?? ""}\n`;
    for (const [name, groups] of bySubject(each.found.groups)) {
      yield `\n### ${name}\n`;
      for (const group of groups) {
        const reason =
          group.intended === undefined
            ? "**Finding**: nothing known explains it"
            : `${group.intended.title}: ${group.intended.advice}`;
        yield `\n${reason}. From ${group.from.join(", ")}; ${group.kinds.join(", ")}.\n\n\`\`\`\n${exampleLines(group, each.found.sides, "").join("\n")}\n\`\`\`\n`;
      }
    }
  }
  yield "\n## Known reasons\n";
  for (const [{ title, reason, source }, classes] of excusedBy(all))
    yield `\n- **${title}** (${plural(classes, "class", "classes")}): ${reason}. ${source}.\n`;
}

/** For programs: sizes as texts, as they do not fit into numbers. */
export function diffJSON(all: readonly NodeComparison[]): string {
  const nodes = all.map(({ node, found }) => ({
    node,
    family: found.family,
    sides: found.sides,
    classes: found.classes,
    packets: `${found.packets}`,
    differing: found.differing,
    findings: findingsOf(found).length,
    excused: Object.fromEntries(found.excused),
    notExhaustive: [...found.notExhaustive],
    finerThanNeeded: [...found.inexact],
    differences: found.groups.map(({ subject, intended, from, kinds, classes, packets, example, fates }) => ({
      service: subject?.service ?? null,
      port: subject?.port ?? null,
      by: subject?.by ?? null,
      reason: intended?.id ?? null,
      advice: intended?.advice ?? null,
      from,
      kinds,
      classes,
      packets: `${packets}`,
      example: packetText(example),
      [found.sides[0]]: [...fates[0].values()],
      [found.sides[1]]: [...fates[1].values()],
    })),
  }));
  return `${JSON.stringify({ version: 1, nodes }, undefined, 2)}\n`;
}
