import type { RuleKind, RuleOrigin } from "../compile/iptables/provenance.ts";
import type { Endpoint } from "../proxy/endpoints.ts";
import type { PortDecision } from "../proxy/state.ts";

/** What else is known where a rule ended a packet's way. */
export interface AdviceContext {
  /** The node whose rule it is. */
  readonly node: string;
  /** The packet's source as text. */
  readonly source: string;
}

function nodesOf(endpoints: readonly Endpoint[]): readonly string[] {
  const names = endpoints.map(({ slice, index }) => slice.value.endpoints?.[index]?.nodeName ?? "");
  return [...new Set(names.filter((name) => name !== ""))].sort();
}

const isUsable = ({ ready, serving, terminating }: Endpoint): boolean => ready || (serving && terminating);

/** Where the endpoints are that the node does not have. */
function elsewhere({ known }: PortDecision): string {
  const nodes = nodesOf(known.filter(isUsable));
  return nodes.length === 0 ? "its endpoints name no node" : `usable endpoints are on ${nodes.join(", ")}`;
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

/** Why a Service port has no endpoint that counts. */
export function noEndpoints({ known, port }: PortDecision): string {
  const service = `${port.namespace}/${port.name}`;
  if (known.length === 0)
    return `change: Service ${service} needs ready Pods: no EndpointSlice of it has an endpoint for this port (does its selector fit any Pod, and the targetPort a container's port?)`;
  const ending = known.filter(({ terminating }) => terminating).length;
  const unready = known.length - ending;
  const parts = [
    unready > 0 ? `${unready} not ready` : "",
    ending > 0 ? `${ending} terminating and no longer serving` : "",
  ].filter((text) => text !== "");
  return `change: Service ${service} needs a ready Pod: of its ${plural(known.length, "endpoint")} ${parts.join(", ")} (look at the Pods' readiness)`;
}

const NO_ENDPOINTS = "by design: kube-proxy refuses connections to a Service port that has no usable endpoint";

function externalLocal(decision: PortDecision, { node }: AdviceContext): readonly string[] {
  const { healthCheckNodePort } = decision.port;
  const health =
    healthCheckNodePort > 0
      ? `; a load balancer finds that out by asking port ${healthCheckNodePort} for the health, which answers 503 on ${node}`
      : "";
  return [
    `by design: externalTrafficPolicy Local keeps the client's address, and so never sends to another node's endpoint; ${node} has none that is usable`,
    `change: send to a node that has one (${elsewhere(decision)}${health}), run a Pod on ${node}, or set spec.externalTrafficPolicy: Cluster (the Pods then see a node's address)`,
  ];
}

function sourceRanges({ port }: PortDecision, { source }: AdviceContext): readonly string[] {
  const ranges = port.sourceRanges.map(({ text }) => text).join(", ");
  return [
    `by design: spec.loadBalancerSourceRanges lets in ${ranges} only, and ${source} is in none of them`,
    `change: add a range that holds ${source}, or call the Service by its ClusterIP from inside the cluster`,
  ];
}

type Adviser = (decision: PortDecision, context: AdviceContext) => readonly string[];

const rejects: Adviser = (decision) => [NO_ENDPOINTS, noEndpoints(decision)];

const ofService: Partial<Record<RuleKind, Adviser>> = {
  "cluster-ip-reject": rejects,
  "external-ip-reject": rejects,
  "load-balancer-ip-reject": rejects,
  "node-port-reject": rejects,
  "cluster-ip-drop": (decision, { node }) => [
    `by design: internalTrafficPolicy Local never sends to another node's endpoint; ${node} has none that is usable`,
    `change: set spec.internalTrafficPolicy: Cluster, or run a Pod of the Service on ${node} (${elsewhere(decision)})`,
  ],
  "external-ip-drop": externalLocal,
  "load-balancer-ip-drop": externalLocal,
  "node-port-drop": externalLocal,
  "no-local-endpoint-drop": externalLocal,
  "load-balancer-firewall-drop": sourceRanges,
  "firewall-drop": sourceRanges,
};

const ofProxy: Partial<Record<RuleKind, readonly string[]>> = {
  "invalid-drop": [
    "by design: conntrack knows no connection that this packet belongs to, or it lies outside of its window; translating it back is not possible, and the other side would answer a stranger with a reset",
    "change: find out why: replies that take another way than the packets, an entry that timed out or was never made, or a window that conntrack lost sight of; conntrack.tcpBeLiberal: true in kube-proxy's configuration takes such packets for valid",
  ],
  "localnet-drop": [
    "by design: kube-proxy opened 127.0.0.0/8 to routing for node ports on localhost, and keeps out what other hosts send there",
    "change: call the node's own address; iptables.localhostNodePorts: false closes 127.0.0.0/8 again",
  ],
};

/** Is what a rule did meant, and what would change it? Nothing for rules that only pass a packet on. */
export function ruleAdvice(origin: RuleOrigin<string>, context: AdviceContext): readonly string[] {
  const { decision } = origin;
  const kind = origin.kind as RuleKind;
  if (decision !== undefined) return ofService[kind]?.(decision, context) ?? [];
  return ofProxy[kind] ?? [];
}
