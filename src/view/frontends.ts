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

/** Does a client come back to its endpoint? */
export function affinityInWords({ port: { affinitySeconds } }: PortDecision): string {
  return affinitySeconds === undefined ? "" : `; a client comes back to it for ${affinitySeconds} s`;
}

/** What becomes of a connection: it arrives somewhere, or is refused. */
interface Fate {
  readonly arrives: boolean;
  readonly text: string;
}

function fateOf(decision: PortDecision, local: boolean): Fate {
  const { usable } = decision;
  if (!usable.hasEndpoints) return { arrives: false, text: "rejected: no endpoints" };
  const endpoints = local ? usable.local : usable.cluster;
  if (endpoints.length === 0) {
    return { arrives: false, text: "dropped: no endpoint on this node, and the traffic policy is Local" };
  }
  const draining = (local ? usable.localFallback : usable.clusterFallback) ? " (terminating: none is ready)" : "";
  return { arrives: true, text: endpointsInWords(endpoints, local) + draining + affinityInWords(decision) };
}

function externalFate(decision: PortDecision): Fate {
  const local = decision.port.externalPolicyLocal;
  const fate = fateOf(decision, local);
  if (!fate.arrives) return fate;
  return { arrives: true, text: `${fate.text}; ${local ? "source kept" : "source replaced by the node's"}` };
}

/** The load balancer's address: source ranges only count while the Service has an endpoint somewhere. */
function loadBalancerFate(decision: PortDecision): string {
  const { text } = externalFate(decision);
  const ranges = decision.port.sourceRanges.map((range) => range.text).join(", ");
  if (ranges === "" || !decision.usable.hasEndpoints) return text;
  return `from ${ranges}: ${text}; from elsewhere: dropped`;
}

/** `ADDRESS:PORT`, an IPv6 address in brackets. */
export function withPort(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The node's addresses that a node port is served on; refusals do not look at nodePortAddresses. */
function nodePortAddress(
  { nodePortAddresses: addresses, nodePortsExcludeLoopback }: ProxyState,
  arrives: boolean,
): string {
  if (!arrives) return "every local address";
  if (addresses !== "all") return addresses.join(", ");
  return nodePortsExcludeLoopback ? "every local address but loopback" : "every local address";
}

function nodePortLine(decision: PortDecision, state: ProxyState): FrontendLine[] {
  const { nodePort } = decision.port;
  if (nodePort === 0 || !state.nodePortRules) return [];
  const fate = externalFate(decision);
  const unserved = fate.arrives && state.nodePortAddresses.length === 0;
  const text = unserved ? "not served: no address of the node is in nodePortAddresses" : fate.text;
  const where = unserved ? "" : `, ${nodePortAddress(state, fate.arrives)}`;
  return [{ address: `:${nodePort}`, what: `node port${where}`, fate: text }];
}

/** The health check of a Service, if it has one. */
export function healthLine({ port }: PortDecision, state: ProxyState): FrontendLine[] {
  const health = state.health.get(`${port.namespace}/${port.name}`);
  if (health === undefined || port.healthCheckNodePort === 0) return [];
  const { localEndpoints: count } = health;
  const answer = count > 0 ? `200, ${count} local endpoint${count === 1 ? "" : "s"}` : "503, no local endpoint";
  return [{ address: `:${health.port}`, what: "health check", fate: `answers ${answer}` }];
}

/** The frontends of a service port in one family, in the order of their rules. */
export function frontendLines(decision: PortDecision, state: ProxyState): readonly FrontendLine[] {
  const { port } = decision;
  const line = (address: string, what: string, fate: string): FrontendLine => ({
    address: withPort(address, port.port),
    what,
    fate,
  });
  return [
    line(port.clusterIP, "cluster IP", fateOf(decision, port.internalPolicyLocal).text),
    ...port.externalIPs.map(({ text }) => line(text, "external IP", externalFate(decision).text)),
    ...port.loadBalancerVIPs.map(({ text }) => line(text, "load balancer", loadBalancerFate(decision))),
    ...nodePortLine(decision, state),
    ...healthLine(decision, state),
  ];
}
