import type { Endpoint } from "../../proxy/endpoints.ts";
import type { ServiceAddress } from "../../proxy/serviceport.ts";
import type { PortDecision } from "../../proxy/state.ts";
import { option } from "../../rules/iptables/syntax.ts";
import type { IptablesContext } from "./context.ts";
import { addAffinityRules, addBalancingRule, type EndpointChain, endpointChain } from "./endpointrules.ts";
import { addHealthCheck } from "./healthcheck.ts";
import { chainHash, chainPrefixes, chains } from "./names.ts";
import type { RuleKind } from "./provenance.ts";
import {
  bareComment,
  comment,
  destinationIsLocal,
  destinationPort,
  ifLocal,
  ifNotLocal,
  jump,
  type Options,
  protocol,
  recentSet,
  source,
  sourceIsLocal,
  toAddress,
} from "./words.ts";

/** Names and lists of one service port in the layout of 1.18 to 1.21 (iptables-history §4.2, layout A). */
interface Plan {
  readonly decision: PortDecision;
  readonly name: string;
  readonly svc: string;
  readonly xlb: string;
  readonly fw: string;
  readonly hasEndpoints: boolean;
  /** Where external traffic goes: KUBE-XLB under policy Local, else KUBE-SVC. */
  readonly externalChain: string;
  /** Adds /32 or /128 to a host address. */
  readonly host: (address: string) => string;
}

function planOf(decision: PortDecision, { sha256 }: IptablesContext): Plan {
  const { port, usable } = decision;
  const hash = chainHash(sha256, port.nameString + port.protocol.toLowerCase());
  const svc = chainPrefixes.clusterPolicy + hash;
  const xlb = chainPrefixes.classicLocal + hash;
  return {
    decision,
    name: port.nameString,
    svc,
    xlb,
    fw: chainPrefixes.firewall + hash,
    hasEndpoints: usable.hasEndpoints,
    externalChain: port.externalPolicyLocal ? xlb : svc,
    // the length follows the address itself; one that did not parse counts as IPv6 upstream (`ToCIDR`)
    host: (address) => (address.includes(":") || address === "<nil>" ? `${address}/128` : `${address}/32`),
  };
}

const toMark = jump(chains.markMasq);

function addReject(
  plan: Plan,
  context: IptablesContext,
  chain: string,
  match: Options,
  kind: RuleKind,
  index?: number,
): void {
  const options = [...comment(`${plan.name} has no endpoints`), ...match, jump("REJECT")];
  context.filter.rule(chain, options, kind, plan.decision, index);
}

function addClusterIP(plan: Plan, context: IptablesContext): void {
  const { decision, name } = plan;
  const { state, nat } = context;
  const to = toAddress(decision.port, plan.host(decision.port.clusterIP));
  if (!plan.hasEndpoints) {
    addReject(plan, context, chains.services, to, "cluster-ip-reject");
    return;
  }
  const start = [...comment(`${name} cluster IP`), ...to];
  if (state.masqueradeAll) {
    nat.rule(chains.services, [...start, toMark], "cluster-ip-masquerade-all", decision);
  } else if (state.localDetector !== undefined) {
    const options = [...start, ifNotLocal(state.localDetector), toMark];
    nat.rule(chains.services, options, "cluster-ip-masquerade", decision);
  }
  nat.rule(chains.services, [...start, jump(plan.svc)], "cluster-ip", decision);
}

function addExternalIP(plan: Plan, address: ServiceAddress, context: IptablesContext): void {
  const { decision, name } = plan;
  const { state, nat } = context;
  const to = toAddress(decision.port, plan.host(address.text));
  if (!plan.hasEndpoints) {
    addReject(plan, context, chains.externalServices, to, "external-ip-reject", address.index);
    return;
  }
  const start = [...comment(`${name} external IP`), ...to];
  if (!decision.port.externalPolicyLocal) {
    const notLocal = state.localDetector === undefined ? [] : [ifNotLocal(state.localDetector)];
    nat.rule(chains.services, [...start, ...notLocal, toMark], "external-ip-masquerade", decision, address.index);
  }
  nat.rule(chains.services, [...start, jump(plan.externalChain)], "external-ip", decision, address.index);
}

function addFirewall(plan: Plan, address: ServiceAddress, { nat }: IptablesContext): void {
  const { decision, fw } = plan;
  const { port } = decision;
  const start = comment(`${plan.name} loadbalancer IP`);
  const accept = jump(plan.externalChain);
  if (!port.externalPolicyLocal) nat.rule(fw, [...start, toMark], "firewall-masquerade", decision);
  if (port.sourceRanges.length === 0) nat.rule(fw, [...start, accept], "firewall-open", decision);
  for (const range of port.sourceRanges) {
    nat.rule(fw, [...start, source(range.text), accept], "firewall-range", decision, range.index);
  }
  if (decision.firewallAllowsNode) {
    const options = [...start, source(plan.host(address.text)), accept];
    nat.rule(fw, options, "firewall-node", decision, address.index);
  }
  nat.rule(fw, [...start, jump(chains.markDrop)], "firewall-drop", decision);
}

function addLoadBalancerIP(plan: Plan, address: ServiceAddress, context: IptablesContext): void {
  const { decision } = plan;
  const to = toAddress(decision.port, plan.host(address.text));
  if (!plan.hasEndpoints) {
    addReject(plan, context, chains.externalServices, to, "load-balancer-ip-reject", address.index);
    return;
  }
  // kube-proxy repeats the chain line and all rules for each address
  context.nat.chain(plan.fw);
  const options = [...comment(`${plan.name} loadbalancer IP`), ...to, jump(plan.fw)];
  context.nat.rule(chains.services, options, "load-balancer-ip", decision, address.index);
  addFirewall(plan, address, context);
}

function addNodePort(plan: Plan, context: IptablesContext): void {
  const { decision, name } = plan;
  const { port } = decision;
  const { state, nat } = context;
  if (port.nodePort === 0 || !state.nodePortRules) return;
  const number = [...protocol(port.protocol), destinationPort(port.nodePort)];
  if (!plan.hasEndpoints) {
    addReject(plan, context, chains.externalServices, [...destinationIsLocal, ...number], "node-port-reject");
    return;
  }
  const start = [...bareComment(name), ...number];
  if (port.externalPolicyLocal) {
    const loopback = source(state.family === "IPv4" ? "127.0.0.0/8" : "::1/128");
    nat.rule(chains.nodePorts, [...start, loopback, toMark], "node-port-loopback-masquerade", decision);
  } else {
    nat.rule(chains.nodePorts, [...start, toMark], "node-port-masquerade", decision);
  }
  nat.rule(chains.nodePorts, [...start, jump(plan.externalChain)], "node-port", decision);
}

function addEndpoints(plan: Plan, endpoints: readonly EndpointChain[], { nat, largeCluster }: IptablesContext): void {
  const { decision } = plan;
  const { port } = decision;
  const start = largeCluster ? [] : bareComment(plan.name);
  for (const { chain } of endpoints) nat.chain(chain);
  if (port.affinitySeconds !== undefined) addAffinityRules(nat, plan.svc, endpoints, () => start, decision);
  endpoints.forEach((entry, i) => {
    const { endpoint, chain } = entry;
    addBalancingRule(nat, plan.svc, entry, start, endpoints.length - i, decision);
    nat.rule(chain, [...start, source(plan.host(endpoint.ip)), toMark], "hairpin", decision, endpoint);
    const remember = port.affinitySeconds !== undefined ? recentSet(chain) : [];
    const rewrite = [...protocol(port.protocol), jump("DNAT"), option("--to-destination", endpoint.text)];
    nat.rule(chain, [...start, ...remember, ...rewrite], "dnat", decision, endpoint);
  });
}

function addLocalChain(plan: Plan, local: readonly EndpointChain[], { state, nat }: IptablesContext): void {
  const { decision, name, xlb, svc } = plan;
  if (state.localDetector !== undefined) {
    const redirect = comment("Redirect pods trying to reach external loadbalancer VIP to clusterIP");
    nat.rule(xlb, [...redirect, ifLocal(state.localDetector), jump(svc)], "external-pod-shortcut", decision);
  }
  const masquerade = comment(`masquerade LOCAL traffic for ${name} LB IP`);
  nat.rule(xlb, [...masquerade, ...sourceIsLocal, toMark], "external-local-masquerade", decision);
  const route = comment(`route LOCAL traffic for ${name} LB IP to service chain`);
  nat.rule(xlb, [...route, ...sourceIsLocal, jump(svc)], "external-local-shortcut", decision);
  if (local.length === 0) {
    const options = [...comment(`${name} has no local endpoints`), jump(chains.markDrop)];
    nat.rule(xlb, options, "no-local-endpoint-drop", decision);
    return;
  }
  if (decision.port.affinitySeconds !== undefined) addAffinityRules(nat, xlb, local, () => bareComment(name), decision);
  local.forEach((entry, i) => {
    addBalancingRule(nat, xlb, entry, comment(`Balancing rule ${i} for ${name}`), local.length - i, decision);
  });
}

/** Writes everything of one service port in the layout of 1.21, in kube-proxy's order. */
export function addClassicServicePort(decision: PortDecision, context: IptablesContext): void {
  const plan = planOf(decision, context);
  const { port, usable } = decision;
  if (plan.hasEndpoints) context.nat.chain(plan.svc);
  if (port.externalPolicyLocal) context.nat.chain(plan.xlb);
  addClusterIP(plan, context);
  for (const address of port.externalIPs) addExternalIP(plan, address, context);
  for (const address of port.loadBalancerVIPs) addLoadBalancerIP(plan, address, context);
  addNodePort(plan, context);
  addHealthCheck(decision, context);
  if (!plan.hasEndpoints) return;
  const identity = plan.name + port.protocol.toLowerCase();
  const chainOf = (endpoint: Endpoint): EndpointChain =>
    endpointChain(endpoint, chainPrefixes.endpoint + chainHash(context.sha256, identity + endpoint.text));
  const endpoints = usable.reachable.map(chainOf);
  addEndpoints(plan, endpoints, context);
  if (port.externalPolicyLocal) {
    addLocalChain(
      plan,
      endpoints.filter(({ endpoint }) => endpoint.local),
      context,
    );
  }
}
