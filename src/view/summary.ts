import type { Cluster } from "../cluster/cluster.ts";
import { ruleKinds } from "../compile/iptables/provenance.ts";
import type { TableTree } from "../compile/iptables/table.ts";
import type { Service } from "../manifest/service.ts";
import { formatRelease } from "../proxy/release.ts";
import type { PortDecision, ProxyState } from "../proxy/state.ts";
import { formatRule } from "../rules/iptables/format.ts";
import type { RuleLine } from "../rules/iptables/syntax.ts";
import type { FamilyResult } from "./family-result.ts";
import { type FrontendLine, frontendLines } from "./frontends.ts";

/** Marks a heading or a faint text for a terminal; plain functions leave the text alone. */
export interface Paint {
  readonly strong: (text: string) => string;
  readonly faint: (text: string) => string;
}

export const plain: Paint = { strong: (text) => text, faint: (text) => text };

/** The decisions of both families about one service port, under one heading. */
interface PortEntry {
  readonly decision: PortDecision;
  readonly lines: FrontendLine[];
}

/** What is different in another mode's summary. */
export interface SummaryParts {
  readonly mode: string;
  /** The frontends of a service port and what becomes of connections to them. */
  readonly frontends: (decision: PortDecision, state: ProxyState) => readonly FrontendLine[];
  /** Which sources of connections to cluster IPs are replaced. */
  readonly sources: (state: ProxyState) => string;
  /** An example in the mode's own language; may be empty. */
  readonly example: readonly string[];
  /** A line for each family. */
  readonly totals: readonly string[];
}

/** Service ports in the order of the first family, those of the second alone behind them. */
function portEntries(states: readonly ProxyState[], frontends: SummaryParts["frontends"]): PortEntry[] {
  const entries = new Map<string, PortEntry>();
  for (const state of states) {
    for (const decision of state.ports) {
      const key = `${decision.port.nameString}/${decision.port.protocol}`;
      const entry = entries.get(key) ?? { decision, lines: [] };
      entry.lines.push(...frontends(decision, state));
      entries.set(key, entry);
    }
  }
  return [...entries.values()];
}

function frontendTable(states: readonly ProxyState[], { frontends }: SummaryParts, paint: Paint): string[] {
  return portEntries(states, frontends).flatMap(({ decision: { port }, lines }) => {
    const type = port.service.value.spec?.type ?? "ClusterIP";
    const frontends = lines.flatMap(({ address, what, fate }) => [`  ${address.padEnd(24)} ${what}`, `      ${fate}`]);
    return ["", `${paint.strong(port.nameString)}  ${type}, ${port.protocol}`, ...frontends];
  });
}

function reasonPassedOver({ spec, metadata }: Service): string {
  if (spec?.type === "ExternalName") return "ExternalName: a DNS alias";
  if (spec?.clusterIP === "None") return "headless: DNS only";
  if (metadata.labels?.["service.kubernetes.io/service-proxy-name"] !== undefined) return "left to another proxy";
  if (!spec?.clusterIP) return "no cluster IP";
  if ((spec.ports ?? []).length === 0) return "no ports";
  if (metadata.labels?.["service.kubernetes.io/headless"] !== undefined) return "labelled headless";
  return "no cluster IP of this family";
}

/** Every Service that has no rules, with the reason. */
function passedOver(cluster: Cluster, served: ReadonlySet<string>): string[] {
  return cluster.services.flatMap(({ value }) => {
    const name = `${value.metadata.namespace}/${value.metadata.name}`;
    return served.has(name) ? [] : [`${name} (${reasonPassedOver(value)})`];
  });
}

/** Which sources of connections to cluster IPs are replaced, which no frontend's line can say. */
export function clusterIPSources({ masqueradeAll, localDetector }: ProxyState): string {
  const start = "Connections to cluster IPs";
  if (masqueradeAll) return `${start}: source replaced by the node's, whoever calls.`;
  switch (localDetector?.kind) {
    case undefined:
      return `${start}: source kept, whoever calls.`;
    case "cidr":
      return `${start}: source kept if it is in ${localDetector.cidr}, else replaced by the node's.`;
    case "interface":
      return `${start}: source kept if they come in by ${localDetector.name}, else replaced by the node's.`;
    case "interfacePrefix":
      return `${start}: source kept if they come in by ${localDetector.prefix}*, else replaced by the node's.`;
  }
}

/** A rule without its comment, which the line below explains better. */
function bareRule(rule: RuleLine): string {
  const options = rule.options.filter(
    ({ flag, args }) => flag !== "--comment" && !(flag === "-m" && args[0] === "comment"),
  );
  return formatRule({ ...rule, options });
}

function jumpTarget(rule: RuleLine): string {
  const target = rule.options.find(({ flag }) => flag === "-j")?.args[0];
  return typeof target === "string" ? target : "";
}

/** The rules that a packet to the cluster IP of the decision looks at: its dispatch, its chain, its first endpoint. */
function rulesOf(decision: PortDecision, nat: TableTree): { readonly rule: RuleLine; readonly reason: string }[] {
  const numbered = nat.rules.map((rule, i) => ({ rule, origin: nat.origin(i) }));
  const dispatch = numbered.find(({ origin }) => origin?.kind === "cluster-ip" && origin.decision === decision);
  if (dispatch === undefined) return [];
  const policy = numbered.filter(({ rule }) => rule.chain === jumpTarget(dispatch.rule));
  const first = policy.find(({ origin }) => origin?.kind === "balance");
  const endpoint = numbered.filter(({ rule }) => first !== undefined && rule.chain === jumpTarget(first.rule));
  return [dispatch, ...policy, ...endpoint].map(({ rule, origin }) => ({
    rule,
    reason: origin === undefined ? "" : ruleKinds[origin.kind].reason,
  }));
}

function example({ state, compiled }: FamilyResult, paint: Paint): string[] {
  const nat = compiled.tables.find(({ name }) => name === "nat");
  const decision =
    state.ports.find(({ port, usable }) => port.name !== "kube-dns" && usable.cluster.length > 1) ?? state.ports[0];
  const rules = decision === undefined || nat === undefined ? [] : rulesOf(decision, nat);
  if (decision === undefined || rules.length === 0) return [];
  const { port } = decision;
  const lines = rules.flatMap(({ rule, reason }) => [`  ${bareRule(rule)}`, `      ${paint.faint(reason)}`]);
  const title = `The rules for a packet to ${port.clusterIP}:${port.port}, the cluster IP of ${port.nameString}`;
  return ["", paint.strong(title), ...lines];
}

function totals({ state, compiled }: FamilyResult): string {
  const count = (name: string): number => compiled.tables.find((table) => table.name === name)?.rules.length ?? 0;
  const chains = compiled.tables.reduce((sum, table) => sum + table.chains.length, 0);
  return `${state.family}: ${count("nat")} nat rules, ${count("filter")} filter rules, ${chains} chains`;
}

/** A page for someone who sees the result for the first time, with the parts of a mode. Lines end with LF. */
export function summaryPage(
  cluster: Cluster,
  states: readonly ProxyState[],
  parts: SummaryParts,
  paint: Paint = plain,
): string {
  const first = states[0];
  if (first === undefined) return "";
  const { nodeName, release } = first;
  const served = new Set(states.flatMap(({ ports }) => ports.map(({ port }) => `${port.namespace}/${port.name}`)));
  const others = passedOver(cluster, served);
  const title = `What kube-proxy writes on node ${nodeName}: ${parts.mode} mode, Kubernetes ${formatRelease(release)}`;
  return [
    paint.strong(title),
    `${served.size} of ${cluster.services.length} Services get rules. Fates are those of new connections from outside the cluster.`,
    ...states.map((state) => `${state.family}: ${parts.sources(state)}`),
    ...frontendTable(states, parts, paint),
    ...(others.length === 0 ? [] : ["", `${paint.strong("No rules for")}  ${others.join(", ")}`]),
    ...parts.example,
    "",
    ...parts.totals,
    "",
  ].join("\n");
}

/**
 * The page of iptables mode: each Service port with its addresses and what becomes of a connection, the rules of one of
 * them in words, and the totals.
 */
export function summary(cluster: Cluster, results: readonly FamilyResult[], paint: Paint = plain): string {
  const first = results[0];
  const parts: SummaryParts = {
    mode: "iptables",
    frontends: frontendLines,
    sources: clusterIPSources,
    example: first === undefined ? [] : example(first, paint),
    totals: results.map(totals),
  };
  return summaryPage(
    cluster,
    results.map(({ state }) => state),
    parts,
    paint,
  );
}
