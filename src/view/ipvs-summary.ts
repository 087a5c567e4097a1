import type { Cluster } from "../cluster/cluster.ts";
import { ipvsTraitsOf } from "../compile/ipvs/traits.ts";
import type { Endpoint } from "../proxy/endpoints.ts";
import type { PortDecision, ProxyState } from "../proxy/state.ts";
import { formatIPVSListing } from "../rules/ipvs/format.ts";
import type { IPVSFamilyResult } from "./family-result.ts";
import { affinityInWords, type FrontendLine, healthLine, withPort } from "./frontends.ts";
import { clusterIPSources, type Paint, plain, type SummaryParts, summaryPage } from "./summary.ts";

const REFUSED = "refused by IPVS (ICMP port unreachable): no endpoints";

/** Where connections go, and how they are shared. */
function endpointsInWords(endpoints: readonly Endpoint[], onThisNode: boolean, { ipvs }: ProxyState): string {
  const where = onThisNode ? " on this node" : "";
  if (endpoints.length === 1) return `to the only endpoint${where}, ${endpoints[0]?.text}`;
  if (ipvs.scheduler === "rr") return `to ${endpoints.length} endpoints${where} in turn (rr)`;
  return `to one of ${endpoints.length} endpoints${where}, which the scheduler ${ipvs.scheduler} chooses`;
}

/** What becomes of a connection to a virtual server; `local`: it prefers endpoints of this node. */
function fateOf(decision: PortDecision, local: boolean, state: ProxyState): string {
  const { usable } = decision;
  const falls = local && usable.local.length === 0;
  if (falls && !ipvsTraitsOf(state.release).localFallsBack) return `${REFUSED} on this node`;
  const endpoints = local && !falls ? usable.local : usable.cluster;
  if (endpoints.length === 0) return REFUSED;
  const draining = (local && !falls ? usable.localFallback : usable.clusterFallback)
    ? " (terminating: none is ready)"
    : "";
  const where = endpointsInWords(endpoints, local && !falls, state);
  const policy = falls ? "; policy Local, but none is on this node" : "";
  return where + draining + affinityInWords(decision) + policy;
}

function externalFate(decision: PortDecision, state: ProxyState): string {
  const local = decision.port.externalPolicyLocal;
  const fate = fateOf(decision, local, state);
  if (fate.startsWith("refused")) return fate;
  return `${fate}; ${local ? "source kept" : "source replaced by the node's"}`;
}

function loadBalancerFate(decision: PortDecision, state: ProxyState): string {
  const ranges = decision.port.sourceRanges.map(({ text }) => text).join(", ");
  const fate = externalFate(decision, state);
  return ranges === "" ? fate : `from ${ranges}: ${fate}; from elsewhere: dropped`;
}

function nodePortLine(decision: PortDecision, state: ProxyState): readonly FrontendLine[] {
  const { nodePort } = decision.port;
  if (nodePort === 0) return [];
  const addresses = state.ipvs.nodePortAddresses;
  const fate =
    addresses.length === 0
      ? "not served: no address of the node is in nodePortAddresses"
      : externalFate(decision, state);
  const where = addresses.length === 0 ? "" : `, ${addresses.join(", ")}`;
  return [{ address: `:${nodePort}`, what: `node port${where}`, fate }];
}

function frontends(decision: PortDecision, state: ProxyState): readonly FrontendLine[] {
  const { port } = decision;
  const line = (address: string, what: string, fate: string): FrontendLine => ({
    address: withPort(address, port.port),
    what,
    fate,
  });
  return [
    line(port.clusterIP, "cluster IP", fateOf(decision, port.internalPolicyLocal, state)),
    ...port.externalIPs.map(({ text }) => line(text, "external IP", externalFate(decision, state))),
    ...port.loadBalancerVIPs.map(({ text }) => line(text, "load balancer", loadBalancerFate(decision, state))),
    ...nodePortLine(decision, state),
    ...healthLine(decision, state),
  ];
}

function sources(state: ProxyState): string {
  if (state.masqueradeAll || state.localDetector !== undefined) return clusterIPSources(state);
  return "Connections to cluster IPs: source kept, but replaced where the node itself calls.";
}

/** Three title lines come before the servers. */
const TITLE_LINES = 3;

function example({ compiled }: IPVSFamilyResult, paint: Paint): readonly string[] {
  const { virtualServers } = compiled.table;
  const shown = virtualServers.find(({ realServers }) => realServers.length > 1) ?? virtualServers[0];
  if (shown === undefined) return [];
  const lines = formatIPVSListing({ virtualServers: [shown] })
    .trimEnd()
    .split("\n")
    .slice(TITLE_LINES);
  return [
    "",
    paint.strong("One of the virtual servers, as ipvsadm -Ln shows it"),
    ...lines.map((line) => `  ${line.trimEnd()}`),
  ];
}

function totals({ state, compiled }: IPVSFamilyResult): string {
  const { servers, sets, addresses, tables } = compiled;
  const reals = servers.reduce((sum, { server }) => sum + server.realServers.length, 0);
  const entries = sets.reduce((sum, set) => sum + set.entries.length, 0);
  const rules = tables.map((table) => `${table.rules.length} ${table.name} rules`).join(", ");
  return `${state.family}: ${servers.length} virtual servers with ${reals} real servers, ${sets.length} sets with ${entries} entries, ${addresses.length} addresses on kube-ipvs0, ${rules}`;
}

/** The page of ipvs mode: each Service port with its addresses and what becomes of a connection, and the totals. */
export function ipvsSummary(cluster: Cluster, results: readonly IPVSFamilyResult[], paint: Paint = plain): string {
  const first = results[0];
  const parts: SummaryParts = {
    mode: "ipvs",
    frontends,
    sources,
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
