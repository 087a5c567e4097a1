import { hasPorts } from "../kernel/packet.ts";
import { packetText } from "../kernel/packet-text.ts";
import { isUnset } from "../kernel/routing/address.ts";
import type { Impact } from "../verify/equivalence/impact.ts";
import type { IntendedDifference } from "../verify/equivalence/intended.ts";
import { fatesLines } from "../verify/equivalence/words.ts";
import type { Diff } from "./compare-nodes.ts";
import type { DiffExample, Difference, MergedDiff, Section, Status } from "./merge.ts";

/** The port of an ordinary client. */
const CLIENT_PORT = 40_000;

export const grouped = (n: number): string => n.toLocaleString("en-US");

export const plural = (n: number, one: string, many = `${one}s`): string => `${grouped(n)} ${n === 1 ? one : many}`;

/** `a`, `a and b`, `a, b and c`. */
export function andList(texts: readonly string[]): string {
  const last = texts.at(-1) ?? "";
  return texts.length < 2 ? last : `${texts.slice(0, -1).join(", ")} and ${last}`;
}

/** The first few, and how many more there are. */
export function fewOf(texts: readonly string[], few: number): string {
  if (texts.length <= few + 1) return texts.join(", ");
  return `${texts.slice(0, few).join(", ")} and ${grouped(texts.length - few)} more`;
}

/** What a difference means to whoever sends, as the end of a sentence that begins with the packets. */
export const impactTexts: Readonly<Record<Impact, string>> = {
  breaks: "no longer gets to the Service",
  opens: "gets to the Service now",
  unknown: "not known on one side",
  moves: "gets to other endpoints",
  source: "is seen from another address",
  way: "gets to the same endpoints another way",
  stopped: "is stopped where it was not",
  passes: "is not stopped any more",
  elsewhere: "ends on another host",
  told: "fails in another way",
};

/** What a section is about. */
export function sectionTitle({ about, services }: Section, few: number): string {
  if (about === "services") return fewOf(services, few);
  return about === "all" ? "All Services" : "Packets that ask for no port of a Service";
}

/** `ports dns, metrics (ClusterIP)`; of several Services only the ways in. */
export function portsText({ ports }: Difference, { services }: Section): string {
  if (services.length > 1) return `by ${[...new Set([...ports.values()].flatMap((each) => [...each]))].join(", ")}`;
  const byWays = new Map<string, string[]>();
  for (const [port, ways] of ports) {
    const text = [...ways].join(", ");
    byWays.set(text, [...(byWays.get(text) ?? []), port]);
  }
  const texts = [...byWays].map(
    ([ways, names]) => `port${names.length === 1 ? "" : "s"} ${names.join(", ")} (${ways})`,
  );
  return texts.join(", ");
}

/** Where a difference shows, unless only one node was looked at. */
export function nodesText(nodes: ReadonlySet<string>, { setting }: Diff): string {
  if (setting.nodes.length === 1) return "";
  return nodes.size === setting.nodes.length ? "on every node" : `on ${fewOf([...nodes], 3)}`;
}

/** Who sends what, and where it shows. */
export function scopeText(difference: Difference, section: Section, diff: Diff): string {
  const { from, kinds, nodes } = difference;
  const who = `from ${andList([...from].sort())}`;
  return [portsText(difference, section), who, [...kinds].join(", "), nodesText(nodes, diff)]
    .filter((text) => text !== "")
    .join("; ");
}

/** The packet; of one that the node sends itself routing chooses the source. */
export function exampleText({ example, inInterface, comparison }: DiffExample): string {
  const text = packetText(example);
  if (inInterface !== undefined || !isUnset(example.src)) return text;
  const port = example.sport === CLIENT_PORT || !hasPorts(example.protocol) ? "" : ` port ${example.sport}`;
  return text.replace(/ \S+ -> /, ` ${comparison.node}${port} -> `);
}

/** The node that an example comes to, where that is not plain. */
export function atText({ inInterface, comparison }: DiffExample, { setting }: Diff): string {
  return setting.nodes.length === 1 || inInterface === undefined ? "" : `, at ${comparison.node}`;
}

/** What becomes of an example on both sides: the names of the sides before their lines. */
export function fateTexts({ fates, comparison }: DiffExample): readonly string[] {
  const { sides } = comparison.found;
  const width = Math.max(...sides.map((name) => name.length));
  return ([0, 1] as const).flatMap((i) =>
    fatesLines(fates[i]).map((line, at) => `${(at === 0 ? sides[i] : "").padEnd(width)}  ${line}`),
  );
}

/** What explains a difference. */
export function titleOf({ intended }: Difference, { setting }: Diff): string {
  if (intended !== undefined) return intended.title;
  return setting.ofObjects ? "the objects differ" : "nothing known explains it";
}

/** What a difference means, marked where somebody has to find out why. */
export function impactText({ impact, status }: Difference, { setting }: Diff): string {
  return `${status === "finding" && !setting.ofObjects ? "FINDING: " : ""}${impactTexts[impact]}`;
}

/** The title behind what it means; objects that differ are why they were compared. */
export function behindImpact(difference: Difference, diff: Diff): string {
  return diff.setting.ofObjects ? "" : `: ${titleOf(difference, diff)}`;
}

/** `2 findings, 9 known differences, 1 accepted`. */
export function tallyText({ sections, quiet }: MergedDiff, { setting }: Diff): string {
  const all = [...sections, ...quiet];
  const findings = all.reduce((sum, { services, differences }) => {
    const own = differences.filter(({ status }) => status === "finding").length;
    return sum + own * Math.max(1, services.length);
  }, 0);
  const entries = (status: Status): number =>
    new Set(
      all.flatMap(({ differences }) =>
        differences.flatMap((each) => (each.status === status ? [each.allowed ?? each.intended] : [])),
      ),
    ).size;
  const accepted = entries("accepted");
  return [
    plural(findings, setting.ofObjects ? "change" : "finding"),
    ...(setting.ofObjects ? [] : [plural(entries("known"), "known difference")]),
    ...(accepted === 0 ? [] : [`${accepted} accepted`]),
  ].join(", ");
}

/** What was compared, in words. */
export function settingText({ setting: { sides, ofObjects }, comparisons }: Diff): string {
  const [left, right] = sides;
  const nodes = [...new Set(comparisons.map(({ node }) => node))];
  const families = [...new Set(comparisons.map(({ found }) => found.family))];
  const where = nodes.length === 1 ? `node ${nodes[0]}` : plural(nodes.length, "node");
  const same = left.setting === right.setting || ofObjects;
  const of = same ? left.setting : andList([...new Set([left.setting, right.setting])]);
  return [of, where, andList(families)].filter((text) => text !== "").join(", ");
}

/** Sums over all comparisons. */
export function countsOf({ comparisons }: Diff): { readonly classes: number; readonly differing: number } {
  return comparisons.reduce(
    (sum, { found }) => ({ classes: sum.classes + found.classes, differing: sum.differing + found.differing }),
    { classes: 0, differing: 0 },
  );
}

/** Why not all packets were looked at, each reason once. */
export const notExhaustive = ({ comparisons }: Diff): readonly string[] => [
  ...new Set(comparisons.flatMap(({ found }) => [...found.notExhaustive])),
];

/** Nodes where a side's rules are missing: the tools refuse them, as diagnostics have told, and nothing is there in their place. */
export function withoutRules({ setting, comparisons }: Diff): readonly string[] {
  return setting.sides.flatMap(({ name, place }) => {
    const nodes = comparisons.flatMap(({ node, found: { family } }) => {
      const nat = place.network.node(node)?.host.rules[family].tables.get("nat");
      return nat?.chains.get("KUBE-SERVICES")?.rules.length === 0 ? [`${node} (${family})`] : [];
    });
    return nodes.length === 0
      ? []
      : [
          `${name}: no Service works on ${nodes.join(", ")}, as the rules would be refused there; most differences come from that`,
        ];
  });
}

/** Entries of the list that explain something, in the order of the list. */
export function reasonsIn({ sections, quiet }: MergedDiff, { setting }: Diff): readonly IntendedDifference[] {
  const used = new Set(
    [...sections, ...quiet].flatMap(({ differences }) => differences.map(({ intended }) => intended)),
  );
  return setting.intended.filter((entry) => used.has(entry));
}
