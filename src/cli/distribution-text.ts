import { grouped, plural } from "../diff/words.ts";
import { packetText } from "../kernel/packet-text.ts";
import { type Dyadic, dyadicToNumber, formatDyadic } from "../net/dyadic.ts";
import { wrap } from "../trace/wrap.ts";
import type { Deviation, Distribution } from "../verify/equivalence/distribution.ts";
import type { Spread, SpreadGroup } from "../verify/equivalence/spread.ts";

/** How connections are spread on one node, in one family. */
export interface NodeSpread {
  readonly node: string;
  readonly found: Spread;
}

const WIDTH = 120;

/** The fraction, and a decimal where it is not to be read at a glance. */
function chanceText(chance: Dyadic): string {
  if (chance.exponent <= 3) return formatDyadic(chance).replace(/2\^(\d)/, (_, power) => `${2 ** Number(power)}`);
  return `${formatDyadic(chance)} (${Number(dyadicToNumber(chance).toPrecision(3))})`;
}

function distributionText(distribution: Distribution): string {
  switch (distribution.kind) {
    case "chances":
      return [...distribution.chances].map(([end, chance]) => `${end} ${chanceText(chance)}`).join(", ");
    case "sequence":
      return `in turn, ${distribution.scheduler} from a fresh position: ${distribution.ends.join(", ")}`;
    case "unknown":
      return `not known: ${distribution.why}`;
  }
}

const deviationText = ({ end, chances: [a, b], apart }: Deviation): string =>
  `${end} has ${chanceText(a)} and ${chanceText(b)}, which are ${formatDyadic(apart)} apart`;

/** The deviation of all groups that is the largest, with its group. */
function worstOf({ groups }: Spread): SpreadGroup | undefined {
  const deviating = groups.filter(({ deviation }) => deviation !== undefined);
  return deviating.sort(
    (a, b) => dyadicToNumber((b.deviation as Deviation).apart) - dyadicToNumber((a.deviation as Deviation).apart),
  )[0];
}

export const hasFinding = ({ found }: NodeSpread): boolean => found.groups.some(({ isFinding }) => isFinding);

function headLines({ node, found }: NodeSpread): readonly string[] {
  const { sides, family, classes, spread, otherEnds, groups } = found;
  const byChance = groups.some(({ distributions }) => distributions.every(({ kind }) => kind === "chances"));
  const worst = worstOf(found);
  const news = groups.filter(({ isFinding }) => isFinding).length;
  return [
    `${node}, ${family}: ${sides[0]} against ${sides[1]}: how connections are spread`,
    `  ${plural(classes, "class", "classes")} of packets, ${grouped(spread)} with several ends that are the same on both sides`,
    ...(otherEnds === 0
      ? []
      : [`  ${plural(otherEnds, "class", "classes")} with other ends: --strength outcome tells of them`]),
    ...(byChance ? [`  ${plural(news, "finding")}: chances that differ by more than rounding`] : []),
    ...(byChance
      ? wrap(
          "  ",
          4,
          `largest deviation: ${worst === undefined ? "none" : deviationText(worst.deviation as Deviation)}`,
          WIDTH,
        )
      : []),
  ];
}

function groupLines({ example, distributions, classes, isFinding }: SpreadGroup, { sides }: Spread): readonly string[] {
  const width = Math.max(...sides.map((name) => name.length));
  return [
    `  ${isFinding ? "FINDING: " : ""}${packetText(example)} (${plural(classes, "class", "classes")})`,
    ...distributions.flatMap((each, i) =>
      wrap(`    ${(sides[i] ?? "").padEnd(width)}  `, width + 6, distributionText(each), WIDTH),
    ),
  ];
}

const nameOf = ({ subject }: SpreadGroup): string =>
  subject === undefined ? "packets that ask for no port of a Service" : `${subject.port} (${subject.by})`;

/** For the terminal; `markdown` as a report to keep. */
export function* spreadText(all: readonly NodeSpread[], markdown: boolean): Generator<string> {
  if (markdown) yield "# How connections are spread\n\n";
  for (const each of all) {
    const [head = "", ...facts] = headLines(each);
    yield markdown
      ? `## ${head}\n\n${facts.map((line) => line.trim()).join("; ")}\n`
      : `${[head, ...facts].join("\n")}\n`;
    let before = "";
    for (const group of each.found.groups) {
      const name = nameOf(group);
      if (name !== before) yield markdown ? `\n### ${name}\n` : `\n${name}\n`;
      before = name;
      const lines = groupLines(group, each.found).join("\n");
      yield markdown ? `\n\`\`\`\n${lines}\n\`\`\`\n` : `${lines}\n`;
    }
    yield "\n";
  }
}

/** A distribution for programs: fractions as texts. */
function distributionValue(distribution: Distribution): unknown {
  if (distribution.kind !== "chances") return distribution;
  const chances = [...distribution.chances].map(([end, chance]) => [end, formatDyadic(chance)]);
  return { kind: "chances", chances: Object.fromEntries(chances) };
}

export function distributionJSON(all: readonly NodeSpread[]): string {
  const nodes = all.map(({ node, found }) => ({
    node,
    family: found.family,
    sides: found.sides,
    classes: found.classes,
    spread: found.spread,
    otherEnds: found.otherEnds,
    largestDeviation: formatDyadic(worstOf(found)?.deviation?.apart ?? { numerator: 0n, exponent: 0 }),
    groups: found.groups.map(({ subject, example, distributions, classes, deviation, isFinding }) => ({
      service: subject?.service ?? null,
      port: subject?.port ?? null,
      by: subject?.by ?? null,
      example: packetText(example),
      classes,
      deviation: deviation === undefined ? null : formatDyadic(deviation.apart),
      finding: isFinding,
      [found.sides[0]]: distributionValue(distributions[0]),
      [found.sides[1]]: distributionValue(distributions[1]),
    })),
  }));
  return `${JSON.stringify({ version: 1, nodes }, undefined, 2)}\n`;
}
