import { grouped, plural } from "../diff/words.ts";
import type { KubernetesPromise, Outcome } from "../intent/promise.ts";
import { packetText } from "../kernel/packet-text.ts";
import { isUnset } from "../kernel/routing/address.ts";
import { textOf } from "../network/addresses.ts";
import { wrap } from "../trace/wrap.ts";
import { fatesLines } from "../verify/equivalence/words.ts";
import { type Deviation, deviations } from "../verify/promises/deviations.ts";
import type { BreachGroup, PromiseReport } from "../verify/promises/report.ts";

/** A node under one proxy mode and release, held to promises. */
export interface HeldSide {
  /** `iptables`, or with its release where several are looked at. */
  readonly side: string;
  /** The list of known deviations was reviewed for the release. */
  readonly isReviewed: boolean;
  readonly found: PromiseReport;
}

const WIDTH = 120;
const PROMISED = "promised";

export const newsOf = ({ groups }: PromiseReport): readonly BreachGroup[] =>
  groups.filter(({ deviation }) => deviation === undefined);

const SENDERS = { pod: "Pods here", node: "the node itself", peer: "nodes and Pods elsewhere", outside: "outside" };

function endpointsText({ allowed, otherwise }: Outcome & { readonly kind: "endpoints" }): string {
  const ends = allowed.endpoints.map(({ ip, port }) =>
    ip.family === "IPv4" ? `${textOf(ip.value)}:${port}` : `[${textOf(ip.words)}]:${port}`,
  );
  return [...ends, ...otherwise].join(" or ");
}

/** A promise in words. */
function promiseText({ outcome, source }: KubernetesPromise): string {
  switch (outcome.kind) {
    case "none":
      return "as if there were no Services";
    case "endpoints":
      return `${endpointsText(outcome)}${source === "free" ? "" : ` (source ${source})`}`;
    case "nobody":
      return outcome.how.join(" or ");
    case "health-check":
      return `the node's health check server${outcome.status === undefined ? "" : `, which answers ${outcome.status}`}`;
    case "unpromised":
      return "nothing";
  }
}

function exampleText({ example, from }: BreachGroup): string {
  const text = packetText(example);
  return from.includes("node") && isUnset(example.src)
    ? text.replace(/ (?:0\.0\.0\.0|\[?::\]?)(:\d+)? -> /, " the node itself$1 -> ")
    : text;
}

function subjectText({ port, by, deviation }: BreachGroup): string {
  if (port !== undefined) return `${port}${by.length === 0 ? "" : ` (${by.join(", ")})`}`;
  return deviation?.general === true ? "all Services" : "packets that ask for no port of a Service";
}

function exampleLines(group: BreachGroup, side: string, indent: string): readonly string[] {
  const { promise, clause, fates } = group;
  const width = Math.max(side.length, PROMISED.length);
  const column = indent.length + width + 4;
  const line = (word: string, text: string): readonly string[] =>
    wrap(`${indent}  ${word.padEnd(width)}  `, column, text, WIDTH);
  return [
    `${indent}${exampleText(group)}`,
    ...line(PROMISED, promiseText(promise)),
    ...fatesLines(fates).flatMap((text, i) => line(i === 0 ? side : "", text)),
    ...(clause === undefined ? [] : line("because", `${clause.field}: ${clause.says} (${clause.source})`)),
  ];
}

function groupLines(group: BreachGroup, side: string): readonly string[] {
  const { deviation, breaches, from, kinds, classes } = group;
  return [
    deviation === undefined ? `  FINDING: ${breaches.join(", ")}; nothing known explains it` : `  ${deviation.title}`,
    `    from ${from.map((each) => SENDERS[each]).join(", ")}; ${kinds.join(", ")}; ${plural(classes, "class", "classes")}`,
    ...exampleLines(group, side, "    "),
  ];
}

function bySubject(groups: readonly BreachGroup[]): ReadonlyMap<string, readonly BreachGroup[]> {
  const found = new Map<string, BreachGroup[]>();
  for (const group of groups) {
    const name = subjectText(group);
    found.set(name, [...(found.get(name) ?? []), group]);
  }
  return found;
}

function headText({ side, isReviewed, found }: HeldSide): string {
  const { node, family, classes, unsaid, unknown, excused, notExhaustive } = found;
  const news = plural(newsOf(found).length, "finding");
  const known = plural(excused.size, "known deviation");
  const said = `${plural(classes, "class", "classes")} of packets, ${grouped(classes - unsaid)} with a promise`;
  return [
    `${node}, ${family}: ${side} against what Kubernetes promises`,
    `  ${said}: ${news}, ${known}`,
    ...(isReviewed
      ? []
      : ["  the list of known deviations begins with 1.25: findings of this release may be known, too"]),
    ...(unknown === 0 ? [] : [`  ${plural(unknown, "way")} with an unknown end`]),
    ...[...notExhaustive].map((why) => `  not exhaustive: ${why}`),
  ].join("\n");
}

/** The entries that explained something, with the classes of all reports. */
function excusedBy(all: readonly HeldSide[]): readonly (readonly [Deviation, number])[] {
  return deviations.flatMap((entry) => {
    const classes = all.reduce((sum, { found }) => sum + (found.excused.get(entry.id) ?? 0), 0);
    return classes === 0 ? [] : [[entry, classes] as const];
  });
}

/** For the terminal. */
export function* promisesText(all: readonly HeldSide[]): Generator<string> {
  for (const each of all) {
    yield `${headText(each)}\n`;
    for (const [name, groups] of bySubject(each.found.groups)) {
      yield `\n${name}\n`;
      for (const group of groups) yield `${groupLines(group, each.side).join("\n")}\n`;
    }
    yield "\n";
  }
  const known = excusedBy(all);
  if (known.length === 0) return;
  yield "KNOWN DEVIATIONS\n";
  for (const [{ id, title, reason, source, advice }, classes] of known) {
    const told = [
      ["why", reason],
      ["source", source],
      ["advice", advice],
    ] as const;
    const lines = told.flatMap(([word, text]) => wrap(`  ${word.padEnd(8)}`, 8, text, WIDTH));
    yield `\n${id}: ${title} (${plural(classes, "class", "classes")})\n${lines.join("\n")}\n`;
  }
}

/** A report to keep. */
export function* promisesMarkdown(all: readonly HeldSide[]): Generator<string> {
  yield "# What is not as Kubernetes promises\n";
  for (const each of all) {
    const { side, found } = each;
    const [, ...facts] = headText(each).split("\n");
    yield `\n## ${found.node}, ${found.family}, ${side}\n\n${facts.map((line) => line.trim()).join("; ")}\n`;
    for (const [name, groups] of bySubject(found.groups)) {
      yield `\n### ${name}\n`;
      for (const group of groups) {
        const [title, senders = "", ...lines] = groupLines(group, side);
        const advice = group.deviation === undefined ? "" : `: ${group.deviation.advice}`;
        const text = lines.map((line) => line.slice(4)).join("\n");
        yield `\n${title?.trim()}${advice}. ${senders.trim()}.\n\n\`\`\`\n${text}\n\`\`\`\n`;
      }
    }
  }
  yield "\n## Known deviations\n";
  for (const [{ title, reason, source }, classes] of excusedBy(all))
    yield `\n- **${title}** (${plural(classes, "class", "classes")}): ${reason}. ${source}.\n`;
}

/** For programs: sizes as texts, as they do not fit into numbers. */
export function promisesJSON(all: readonly HeldSide[]): string {
  const nodes = all.map(({ side, isReviewed, found }) => ({
    node: found.node,
    family: found.family,
    side,
    classes: found.classes,
    packets: `${found.packets}`,
    withPromise: found.classes - found.unsaid,
    unknownEnds: found.unknown,
    findings: newsOf(found).length,
    listReviewed: isReviewed,
    known: Object.fromEntries(found.excused),
    notExhaustive: [...found.notExhaustive],
    breaches: found.groups.map((group) => ({
      port: group.port ?? null,
      by: group.by,
      deviation: group.deviation?.id ?? null,
      advice: group.deviation?.advice ?? null,
      breaches: group.breaches,
      from: group.from,
      kinds: group.kinds,
      classes: group.classes,
      packets: `${group.packets}`,
      example: packetText(group.example),
      promised: promiseText(group.promise),
      clause: group.clause ?? null,
      fates: [...group.fates.values()],
    })),
  }));
  return `${JSON.stringify({ version: 1, nodes }, undefined, 2)}\n`;
}
