import type { Endpoint } from "../proxy/endpoints.ts";
import type { PortDecision, ProxyState } from "../proxy/state.ts";

/** One address and port by which a service port is reached, and in words what becomes of a new connection. */
export interface FrontendLine {
  readonly address: string;
  readonly what: string;
  readonly fate: string;
}

function endpointsInWords(endpoints: readonly Endpoint[], onThisNode: boolean): string {
  const first = endpoints[0]?.text ?? "";
  const where = onThisNode ? " on this node" : "";
  if (endpoints.length === 1) return `to the only endpoint${where}, ${first}`;
  return `to one of ${endpoints.length} endpoints${where}, 1/${endpoints.length} each`;
}

function affinityInWords(decision: PortDecision): string {
  const seconds = decision.port.affinitySeconds;
  return seconds === 0 ? "" : `; a client comes back to it for ${seconds} s`;
}

function fate(decision: PortDecision, local: boolean): string {
  const { usable } = decision;
  if (!usable.hasEndpoints) return "rejected: no endpoints";
  const endpoints = local ? usable.local : usable.cluster;
  if (endpoints.length === 0) return "dropped: no endpoint on this node, and the traffic policy is Local";
  const draining = (local ? usable.localFallback : usable.clusterFallback) ? " (terminating: none is ready)" : "";
  return endpointsInWords(endpoints, local) + draining + affinityInWords(decision);
}

function externalFate(decision: PortDecision): string {
  const text = fate(decision, decision.port.externalPolicyLocal);
  if (!text.startsWith("to ")) return text;
  return `${text}; ${decision.port.externalPolicyLocal ? "source kept" : "source replaced by the node's"}`;
}

function withPort(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

function nodePortAddress({ nodePortAddresses: addresses }: ProxyState): string {
  if (addresses === "all") return "any node address";
  return addresses.length === 0 ? "no node address" : addresses.join(", ");
}

/** The frontends of a service port in one family, in the order of their rules. */
export function frontendLines(decision: PortDecision, state: ProxyState): readonly FrontendLine[] {
  const { port } = decision;
  const lines: FrontendLine[] = [];
  const internal = fate(decision, port.internalPolicyLocal);
  lines.push({ address: withPort(port.clusterIP, port.port), what: "cluster IP", fate: internal });
  for (const { text } of port.externalIPs) {
    lines.push({ address: withPort(text, port.port), what: "external IP", fate: externalFate(decision) });
  }
  const ranges = port.sourceRanges.map((range) => range.text).join(", ");
  const only = ranges === "" ? "" : `only from ${ranges}: `;
  for (const { text } of port.loadBalancerVIPs) {
    lines.push({ address: withPort(text, port.port), what: "load balancer", fate: only + externalFate(decision) });
  }
  if (port.nodePort !== 0 && state.nodePortRules) {
    const what = `node port, ${nodePortAddress(state)}`;
    lines.push({ address: `:${port.nodePort}`, what, fate: externalFate(decision) });
  }
  const health = state.health.get(`${port.namespace}/${port.name}`);
  if (health !== undefined && port.healthCheckNodePort !== 0) {
    const answer =
      health.localEndpoints > 0 ? `200, ${health.localEndpoints} local endpoints` : "503, no local endpoint";
    lines.push({ address: `:${health.port}`, what: "health check", fate: `answers ${answer}` });
  }
  return lines;
}
