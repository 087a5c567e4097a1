import { type Impact, impacts } from "../verify/equivalence/impact.ts";
import type { IntendedDifference } from "../verify/equivalence/intended.ts";
import type { Diff } from "./compare-nodes.ts";
import { type Difference, isQuiet, type MergedDiff, mergeDiff, repeatedIn, type Section } from "./merge.ts";
import { traceExample } from "./side-by-side.ts";
import {
  andList,
  atText,
  behindImpact,
  countsOf,
  exampleText,
  fateTexts,
  grouped,
  impactText,
  impactTexts,
  notExhaustive,
  plural,
  scopeText,
  sectionTitle,
  settingText,
  tallyText,
  titleOf,
  withoutRules,
} from "./words.ts";

/** Columns of the traces that stand side by side. */
const WIDTH = 150;
const FEW = 4;

/** A text that means nothing to Markdown. */
const plain = (text: string): string => text.replace(/[\\`*_<>|#[\]]/g, "\\$&");

/** A line of the table at the top. */
interface Row {
  readonly impact: Impact;
  readonly title: string;
  readonly advice: string;
  readonly services: Set<string>;
  readonly from: Set<string>;
  /** It holds for all Services alike. */
  all: boolean;
}

function rowsOf({ sections }: MergedDiff, diff: Diff): readonly Row[] {
  const found = new Map<string, Row>();
  for (const { about, services, differences } of sections)
    for (const difference of differences) {
      const { impact, intended, status } = difference;
      const title = diff.setting.ofObjects ? "" : titleOf(difference, diff);
      const key = JSON.stringify([impact, title]);
      const advice =
        intended?.advice ??
        (status === "finding" && !diff.setting.ofObjects ? "find out why, or accept it (--allow)" : "");
      const row = found.get(key) ?? { impact, title, advice, services: new Set(), from: new Set(), all: false };
      found.set(key, row);
      row.all ||= about === "all";
      for (const service of services) row.services.add(service);
      for (const from of difference.from) row.from.add(from);
    }
  return [...found.values()].sort(
    (a, b) => Number(a.all) - Number(b.all) || impacts.indexOf(a.impact) - impacts.indexOf(b.impact),
  );
}

function* summaryTable(found: MergedDiff, diff: Diff): Generator<string> {
  const rows = rowsOf(found, diff);
  if (rows.length === 0) return;
  yield "\n| what changes | Services | who notices | what to do |\n|---|---|---|---|\n";
  for (const { impact, title, advice, services, from, all } of rows) {
    const count = all ? "all" : services.size === 0 ? "none" : grouped(services.size);
    const cells = [
      `**${impactTexts[impact]}**${title === "" ? "" : `: ${plain(title)}`}`,
      count,
      andList([...from].sort()),
      plain(advice),
    ];
    yield `| ${cells.join(" | ")} |\n`;
  }
}

const fenced = (lines: readonly string[], language = ""): string => `\`\`\`${language}\n${lines.join("\n")}\n\`\`\`\n`;

const reasonText = ({ reason, source, id }: IntendedDifference): string =>
  `Why: ${plain(reason)}. Source: ${plain(source)}. (\`${id}\`)`;

/** Why, and the example's way on both sides, folded away. */
function* detail(difference: Difference, diff: Diff): Generator<string> {
  const { intended, example } = difference;
  const { lines, commands } = traceExample(diff, example);
  const summary = intended === undefined ? "the packet's way on both sides" : "why, and the packet's way on both sides";
  yield `\n<details><summary>${summary}</summary>\n`;
  if (intended !== undefined) yield `\n${reasonText(intended)}\n`;
  yield `\n${fenced(lines(WIDTH))}\n${fenced(commands, "sh")}\n</details>\n`;
}

function* differenceMarkdown(difference: Difference, section: Section, diff: Diff, short: boolean): Generator<string> {
  const { intended, example } = difference;
  yield `\n**${impactText(difference, diff)}**${plain(behindImpact(difference, diff))}  \n${plain(scopeText(difference, section, diff))}\n`;
  if (short) return;
  yield "\n";
  yield fenced([`${exampleText(example)}${atText(example, diff)}`, ...fateTexts(example).map((line) => `  ${line}`)]);
  if (intended !== undefined) yield `\nWhat to do: ${plain(intended.advice)}.\n`;
  yield* detail(difference, diff);
}

function headingOf(section: Section): string {
  const { services } = section;
  if (services.length <= FEW + 1) return plain(sectionTitle(section, FEW));
  return `${plural(services.length, "Service")}: ${plain(sectionTitle(section, FEW))}`;
}

function* sectionMarkdown(section: Section, diff: Diff, short: ReadonlySet<Difference>): Generator<string> {
  yield `\n## ${headingOf(section)}\n`;
  if (section.services.length > FEW + 1)
    yield `\n<details><summary>all ${grouped(section.services.length)}</summary>\n\n${plain(section.services.join(", "))}\n\n</details>\n`;
  for (const difference of section.differences)
    yield* differenceMarkdown(difference, section, diff, short.has(difference));
}

function* quietMarkdown({ quiet }: MergedDiff, diff: Diff): Generator<string> {
  const parts = [
    ["Nothing to do", "known"],
    ["Accepted", "accepted"],
  ] as const;
  for (const [title, wanted] of parts) {
    const own = quiet.filter(({ differences: [first] }) => first?.status === wanted);
    if (own.length === 0) continue;
    yield `\n## ${title}\n`;
    for (const section of own)
      for (const difference of section.differences.filter(isQuiet)) {
        const of = section.about === "services" ? sectionTitle(section, FEW) : "all Services";
        yield `\n**${plain(titleOf(difference, diff))}** (${plain(of)})${difference.allowed === undefined ? "" : `: ${plain(difference.allowed.reason)}`}\n\n`;
        yield fenced([
          `${exampleText(difference.example)}${atText(difference.example, diff)}`,
          ...fateTexts(difference.example).map((line) => `  ${line}`),
        ]);
        if (difference.intended !== undefined) yield `\n${reasonText(difference.intended)}\n`;
      }
  }
}

function* compared(diff: Diff): Generator<string> {
  yield "\n## What was compared\n\n| node | family | classes of packets | treated differently |\n|---|---|--:|--:|\n";
  for (const { node, found } of diff.comparisons)
    yield `| ${plain(node)} | ${found.family} | ${grouped(found.classes)} | ${grouped(found.differing)} |\n`;
  const open = notExhaustive(diff);
  if (open.length > 0) yield `\nNot exhaustive: ${plain(open.join("; "))}.\n`;
}

/** How many Services some difference is about that somebody has to look at. */
function affected({ sections }: MergedDiff): number {
  return new Set(sections.flatMap(({ services }) => services)).size;
}

/** A report for those who change from one side to the other. */
export function* diffMarkdown(diff: Diff): Generator<string> {
  const found = mergeDiff(diff);
  const [left, right] = diff.setting.sides;
  const services = new Set(
    [left, right].flatMap(({ place }) =>
      place.cluster.services.map(({ value }) => `${value.metadata.namespace}/${value.metadata.name}`),
    ),
  );
  const { classes, differing } = countsOf(diff);
  yield `# From ${left.name} to ${right.name}: what changes\n\n`;
  yield `${plain(settingText(diff))}: of ${plural(services.size, "Service")} ${grouped(affected(found))} ${affected(found) === 1 ? "has" : "have"} differences of ${affected(found) === 1 ? "its" : "their"} own. `;
  yield `Of ${plural(classes, "class", "classes")} of packets ${grouped(differing)} are treated differently: ${tallyText(found, diff)}.\n`;
  for (const text of withoutRules(diff)) yield `\n**${plain(text)}.**\n`;
  yield* summaryTable(found, diff);
  // an example, the advice and the traces stand where a difference is told first
  const short = repeatedIn(found.sections);
  for (const section of found.sections) yield* sectionMarkdown(section, diff, short);
  yield* quietMarkdown(found, diff);
  yield* compared(diff);
}
