import { wrap } from "../trace/wrap.ts";
import type { Diff } from "./compare-nodes.ts";
import { type Difference, type MergedDiff, mergeDiff, repeatedIn, type Section } from "./merge.ts";
import { traceExample } from "./side-by-side.ts";
import {
  atText,
  behindImpact,
  countsOf,
  exampleText,
  fateTexts,
  grouped,
  impactText,
  notExhaustive,
  plural,
  reasonsIn,
  scopeText,
  sectionTitle,
  settingText,
  tallyText,
  titleOf,
  withoutRules,
} from "./words.ts";

/** How a diff is printed. */
export interface DiffTextOptions {
  readonly width: number;
  /** Both sides' traces of each example, and the commands that repeat them. */
  readonly traces: boolean;
  /** Counts of each node, and an example of each difference of each Service. */
  readonly verbose: boolean;
  readonly strong: (text: string) => string;
}

const FEW = 6;

function headText(diff: Diff, found: MergedDiff): string {
  const [left, right] = diff.setting.sides;
  const { classes, differing } = countsOf(diff);
  return [
    `${left.name} against ${right.name}: ${settingText(diff)}`,
    `${plural(classes, "class", "classes")} of packets, ${grouped(differing)} treated differently: ${tallyText(found, diff)}`,
    ...withoutRules(diff),
    ...notExhaustive(diff).map((why) => `not exhaustive: ${why}`),
  ].join("\n");
}

function* nodesText({ comparisons }: Diff): Generator<string> {
  for (const { node, found } of comparisons)
    yield `  ${node}, ${found.family}: ${plural(found.classes, "class", "classes")}, ${grouped(found.differing)} treated differently\n`;
}

function* traceText(difference: Difference, diff: Diff, { width }: DiffTextOptions): Generator<string> {
  const indent = "      ";
  const { lines, commands } = traceExample(diff, difference.example);
  for (const line of lines(width - indent.length)) yield `${indent}${line}`.trimEnd().concat("\n");
  for (const command of commands) yield `${indent}$ ${command}\n`;
}

function* differenceText(
  difference: Difference,
  section: Section,
  diff: Diff,
  options: DiffTextOptions & { readonly short: boolean },
): Generator<string> {
  const { intended, example } = difference;
  const told = (text: string): string => `${wrap("    ", 4, text, options.width).join("\n")}\n`;
  yield `  ${options.strong(impactText(difference, diff))}${behindImpact(difference, diff)}\n`;
  yield told(scopeText(difference, section, diff));
  if (options.short) return;
  yield `    ${exampleText(example)}${atText(example, diff)}\n`;
  for (const line of fateTexts(example)) yield `      ${line}\n`;
  if (intended !== undefined) yield told(`advice: ${intended.advice}`);
  if (options.traces) yield* traceText(difference, diff, options);
}

function* quietText({ quiet }: MergedDiff, diff: Diff, options: DiffTextOptions): Generator<string> {
  const say = (text: string): string => `${wrap("  ", 2, text, options.width).join("\n")}\n`;
  const of = (section: Section): string => (section.about === "services" ? sectionTitle(section, FEW) : "all Services");
  const parts = [
    ["NOTHING TO DO", quiet.filter(({ differences: [first] }) => first?.status === "known")],
    ["ACCEPTED", quiet.filter(({ differences: [first] }) => first?.status === "accepted")],
  ] as const;
  for (const [title, sections] of parts) {
    if (sections.length === 0) continue;
    yield `${options.strong(title)}\n`;
    for (const section of sections)
      for (const difference of section.differences) {
        const why = difference.allowed === undefined ? "" : `: ${difference.allowed.reason}`;
        yield say(`${titleOf(difference, diff)} (${of(section)})${why}`);
        yield `    ${exampleText(difference.example)}${atText(difference.example, diff)}\n`;
        for (const line of fateTexts(difference.example)) yield `      ${line}\n`;
      }
    yield "\n";
  }
}

function* reasonsText(found: MergedDiff, diff: Diff, { width, strong }: DiffTextOptions): Generator<string> {
  const reasons = reasonsIn(found, diff);
  if (reasons.length === 0) return;
  yield `${strong("KNOWN DIFFERENCES, AND WHY")}\n`;
  for (const { id, title, reason, source } of reasons) {
    yield `${wrap("  ", 2, `${title} (${id})`, width).join("\n")}\n`;
    yield `${wrap("    ", 4, `${reason}. Source: ${source}`, width).join("\n")}\n`;
  }
}

/** For the terminal: Service by Service, the worst first. */
export function* diffText(diff: Diff, options: DiffTextOptions): Generator<string> {
  const found = mergeDiff(diff);
  // an example and the advice stand where a difference is told first
  const short = options.verbose ? new Set<Difference>() : repeatedIn(found.sections);
  yield `${headText(diff, found)}\n`;
  if (options.verbose) yield* nodesText(diff);
  yield "\n";
  for (const section of found.sections) {
    const names = sectionTitle(section, section.differences[0]?.status === "finding" ? Number.POSITIVE_INFINITY : FEW);
    yield `${wrap("", 0, names, options.width).map(options.strong).join("\n")}\n`;
    for (const difference of section.differences)
      yield* differenceText(difference, section, diff, { ...options, short: short.has(difference) });
    yield "\n";
  }
  yield* quietText(found, diff, options);
  yield* reasonsText(found, diff, options);
}
