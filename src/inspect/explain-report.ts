import type { Rule } from "../rules/iptables/model.ts";
import { formatProtocol } from "../rules/iptables/protocols.ts";
import { formatAddress, formatMasked, formatPortRange } from "../rules/iptables/values.ts";
import { visible } from "../text/visible.ts";
import { hashedKind } from "./chain-names.ts";
import {
  chainPurpose,
  type ExplainedRule,
  type ExplainGroup,
  type Explanation,
  explainRule,
  type GroupChain,
  shareWords,
} from "./explain.ts";
import { explainedConnections } from "./explain-connections.ts";
import type { Evidence, Origin } from "./explain-origin.ts";
import { explainedServers } from "./explain-servers.ts";
import type { Vocabulary } from "./explain-words.ts";
import type { ConnectionsDump, ServersDump } from "./read-servers.ts";

/** A line that begins with a word in bold. */
interface Title {
  readonly title: string;
  readonly rest: string;
}

/** How the text is printed: `strong` takes the words that matter. */
export interface ExplainTextOptions {
  readonly strong: (text: string) => string;
}

const release = (minor: number): string => `1.${minor}`;

function rangeText({ from, to }: Pick<Evidence, "from" | "to">): string {
  if (from !== undefined && to !== undefined) return from === to ? release(from) : `${release(from)} to ${release(to)}`;
  return from === undefined ? (to === undefined ? "" : `up to ${release(to)}`) : `${release(from)} or later`;
}

/** The newest release whose text is known: later ones may look the same. */
const NEWEST = 37;

function releasesText({ releases, contradictory, mode }: Origin): string {
  if (mode === "none") return "";
  if (contradictory) return ", of more than one release: rules of an older one are left over";
  if (releases === undefined) return ", release unknown: nothing in the rules tells it";
  const { from, to } = releases;
  return `, release ${to === NEWEST ? `${release(from)} or later` : rangeText(releases)}`;
}

function originLines(origin: Origin): string[] {
  const title = origin.mode === "none" ? "no kube-proxy in these rules" : `kube-proxy in ${origin.mode} mode`;
  return [
    `${title}${releasesText(origin)}`,
    `  ${"mode".padEnd(15)} ${origin.why}`,
    ...origin.evidence.map((each) => `  ${rangeText(each).padEnd(15)} ${each.fact}`),
  ];
}

function headLines({ dump, origin, vocabulary }: Explanation): (string | Title)[] {
  let rules = 0;
  let chains = 0;
  for (const table of dump.tables.values()) {
    chains += table.chains.size;
    for (const chain of table.chains.values()) rules += chain.rules.length;
  }
  const backend = dump.backend === undefined ? "" : `, ${dump.backend} back end`;
  const marks = [
    [vocabulary.masqueradeMark, "to be masqueraded when it leaves"],
    [vocabulary.dropMark, "to be dropped"],
  ] as const;
  return [
    { title: "DUMP", rest: `${dump.source.name}   ${dump.family}${backend}   ${rules} rules in ${chains} chains` },
    ...originLines(origin),
    ...marks.flatMap(([bit, meaning]) =>
      bit === undefined ? [] : [`  ${`mark ${formatMasked({ value: bit, mask: bit })}`.padEnd(15)} ${meaning}`],
    ),
  ];
}

/** `cluster IP 10.96.0.10:53/udp` of a rule that sends packets on to a Service. */
function frontendOf({ destination, protocol, matches }: Rule, role: string): string | undefined {
  if (protocol === undefined || protocol.negated) return undefined;
  const name = formatProtocol(protocol.value);
  for (const match of matches) {
    if (match.kind !== "tcp" && match.kind !== "udp" && match.kind !== "sctp") continue;
    if (match.destination === undefined || match.destination.negated) return undefined;
    const port = formatPortRange(match.destination.value);
    if (destination === undefined) return `${role} ${port}/${name}`;
    const address = formatAddress(destination.value.address);
    return `${role} ${address.includes(":") ? `[${address}]` : address}:${port}/${name}`;
  }
  return undefined;
}

const FRONTEND_CHAINS: ReadonlySet<string> = new Set(["KUBE-SERVICES", "KUBE-EXTERNAL-SERVICES", "KUBE-NODEPORTS"]);

function frontendsOf(group: ExplainGroup, vocabulary: Vocabulary): string[] {
  const found = new Set<string>();
  for (const { chain, positions } of group.chains) {
    if (!FRONTEND_CHAINS.has(chain.name)) continue;
    for (const position of positions) {
      const rule = chain.rules[position];
      const role = explainRule(chain, position, vocabulary)?.role;
      const text =
        rule === undefined || role === undefined || role === "masquerade" ? undefined : frontendOf(rule, role);
      if (text !== undefined) found.add(text);
    }
  }
  return [...found];
}

/** How a Service's name is known, where that is not the usual way. */
function doubtOf(group: ExplainGroup, { names }: Vocabulary): string {
  for (const { chain } of group.chains) {
    if (hashedKind(chain.name) === undefined) continue;
    const told = names.service(chain.name)?.told;
    if (told === "hash")
      return "no comment names it: its chain has the name that this Service port's has in every cluster";
    if (told === "comment-only")
      return `a comment names it, but ${chain.name} is not the hash of that name: the chain may be another's, or of a release before 1.19`;
  }
  return "";
}

const TITLES: Readonly<Record<ExplainGroup["kind"], string>> = {
  kubernetes: "KUBERNETES",
  service: "SERVICE",
  "unknown-service": "UNKNOWN SERVICE",
  program: "OTHER PROGRAM",
  nobody: "NOBODY'S",
};

function titleLines(group: ExplainGroup, vocabulary: Vocabulary): (string | Title)[] {
  const title = TITLES[group.kind];
  switch (group.kind) {
    case "service": {
      const frontends = frontendsOf(group, vocabulary);
      const doubt = doubtOf(group, vocabulary);
      const head = { title, rest: `${group.name}${frontends.length === 0 ? "" : `   ${frontends.join(", ")}`}` };
      return doubt === "" ? [head] : [head, `  (${doubt})`];
    }
    case "unknown-service":
      return [
        { title, rest: group.name },
        "  (the chain's name is a hash of namespace, name, port name and protocol, and no comment names them)",
      ];
    case "nobody":
      return [{ title, rest: "rules whose writer neither chain nor comment tells" }];
    default:
      return [{ title, rest: group.name }];
  }
}

function ruleLine(rule: ExplainedRule): string {
  const role = rule.role === undefined ? "" : `${rule.role}: `;
  const share = shareWords(rule);
  return `    ${String(rule.number).padStart(4)}  ${role}${rule.condition}: ${rule.action}${share === "" ? "" : `  [${share}]`}`;
}

function chainLines({ table, chain, positions }: GroupChain, vocabulary: Vocabulary): string[] {
  const purpose = chainPurpose(table, chain, vocabulary);
  const head = `  ${table} ${chain.name}${purpose === undefined ? "" : `: ${purpose}`}`;
  if (positions.length === 0) return [`${head} (no rules)`];
  return [head, ...positions.flatMap((position) => explainRule(chain, position, vocabulary) ?? []).map(ruleLine)];
}

/** A dump in words as people read it, a group at a time. */
export function* explainText(explanation: Explanation, options: ExplainTextOptions): Generator<string> {
  const { groups, vocabulary } = explanation;
  yield block(headLines(explanation), options);
  for (const group of groups) {
    const lines = group.chains.flatMap((chain) => chainLines(chain, vocabulary));
    yield block(["", ...titleLines(group, vocabulary), ...lines], options);
  }
}

/** Names and comments come from the dump: they must not steer the terminal. Only the titles are ours to paint. */
function block(lines: readonly (string | Title)[], { strong }: ExplainTextOptions): string {
  return lines
    .map((line) => (typeof line === "string" ? visible(line) : `${strong(line.title)}  ${visible(line.rest)}`))
    .map((line) => `${line}\n`)
    .join("");
}

/** Version of the JSON form; it grows when a field changes its meaning or goes. */
const VERSION = 1;

function groupJSON(group: ExplainGroup, vocabulary: Vocabulary): object {
  const chains = group.chains.map(({ table, chain, positions }) => {
    const purpose = chainPurpose(table, chain, vocabulary);
    return {
      table,
      chain: chain.name,
      ...(purpose === undefined ? {} : { purpose }),
      rules: positions.map((position) => explainRule(chain, position, vocabulary)),
    };
  });
  if (group.kind !== "service") return { kind: group.kind, name: group.name, chains };
  const doubt = doubtOf(group, vocabulary);
  const told = doubt === "" ? {} : { doubt };
  return { kind: group.kind, name: group.name, frontends: frontendsOf(group, vocabulary), ...told, chains };
}

/** Dumps in words for programs: the pieces of one JSON text, a group at a time; texts of ipvsadm under `ipvs` and `ipvsConnections`, where there are some. */
export function* explainJSON(
  explanations: Iterable<Explanation>,
  servers: readonly ServersDump[] = [],
  connections: readonly ConnectionsDump[] = [],
): Generator<string> {
  yield `{"version": ${VERSION}, "dumps": [`;
  let first = true;
  for (const { dump, origin, vocabulary, groups } of explanations) {
    const { masqueradeMark, dropMark } = vocabulary;
    const head = {
      file: dump.source.name,
      family: dump.family,
      backend: dump.backend,
      origin,
      marks: { masquerade: masqueradeMark, drop: dropMark },
    };
    yield `${first ? "" : ","}\n${JSON.stringify(head).slice(0, -1)}, "groups": [`;
    first = false;
    for (const [i, group] of groups.entries())
      yield `${i === 0 ? "" : ","}\n${JSON.stringify(groupJSON(group, vocabulary))}`;
    yield "\n]}";
  }
  yield "\n]";
  if (servers.length > 0) yield `,\n"ipvs": ${JSON.stringify(servers.map(explainedServers))}`;
  if (connections.length > 0) yield `,\n"ipvsConnections": ${JSON.stringify(connections.map(explainedConnections))}`;
  yield "}\n";
}
