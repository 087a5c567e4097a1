import type { Endpoint } from "../../proxy/endpoints.ts";
import { type ServiceAddress, usesClusterEndpoints, usesLocalEndpoints } from "../../proxy/serviceport.ts";
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
  destination,
  destinationIsLocal,
  destinationPort,
  ifLocal,
  ifNotLocal,
  jump,
  nfacct,
  type Options,
  protocol,
  recentSet,
  source,
  sourceIsLocal,
  toAddress,
} from "./words.ts";

/** Decisions about one service port that its rules are spelled from (iptables-mode §3.6). */
interface Plan {
  readonly decision: PortDecision;
  readonly name: string;
  readonly chain: { readonly svc: string; readonly svl: string; readonly ext: string; readonly fw: string };
  readonly internalChain: string;
  readonly hasInternal: boolean;
  readonly hasExternal: boolean;
  readonly usesExternal: boolean;
  readonly usesFirewall: boolean;
}

function planOf(decision: PortDecision, context: IptablesContext): Plan {
  const { port, usable } = decision;
  const hash = chainHash(context.sha256, port.nameString + port.protocol.toLowerCase());
  const chain = {
    svc: chainPrefixes.clusterPolicy + hash,
    svl: chainPrefixes.localPolicy + hash,
    ext: chainPrefixes.external + hash,
    fw: chainPrefixes.firewall + hash,
  };
  const hasLocal = usable.local.length > 0;
  return {
    decision,
    name: port.nameString,
    chain,
    internalChain: port.internalPolicyLocal ? chain.svl : chain.svc,
    hasInternal: usable.hasEndpoints && (!port.internalPolicyLocal || hasLocal),
    hasExternal: usable.hasEndpoints && (!port.externalPolicyLocal || hasLocal),
    usesExternal: usable.hasEndpoints && port.externallyAccessible,
    usesFirewall: usable.hasEndpoints && port.loadBalancerVIPs.length > 0 && port.sourceRanges.length > 0,
  };
}

/** What the filter table does with traffic that finds no endpoint: reject when there is none at all, else drop. */
function refusal(plan: Plan): {
  readonly comment: Options;
  readonly target: Options;
  readonly ending: "reject" | "drop";
} {
  return plan.decision.usable.hasEndpoints
    ? { comment: comment(`${plan.name} has no local endpoints`), target: [jump("DROP")], ending: "drop" }
    : { comment: comment(`${plan.name} has no endpoints`), target: [jump("REJECT")], ending: "reject" };
}

function addClusterIP(plan: Plan, { filter, nat }: IptablesContext): void {
  const { decision } = plan;
  const { port } = decision;
  const to = toAddress(port, port.clusterIP);
  if (plan.hasInternal) {
    const options = [...comment(`${plan.name} cluster IP`), ...to, jump(plan.internalChain)];
    nat.rule(chains.services, options, "cluster-ip", decision);
    return;
  }
  const refused = refusal(plan);
  filter.rule(
    chains.services,
    [...refused.comment, ...to, ...refused.target],
    `cluster-ip-${refused.ending}`,
    decision,
  );
}

function addRefusedAddress(
  plan: Plan,
  { filter }: IptablesContext,
  what: "external-ip" | "load-balancer-ip",
  address: ServiceAddress,
): void {
  const { decision } = plan;
  const refused = refusal(plan);
  const options = [...refused.comment, ...toAddress(decision.port, address.text), ...refused.target];
  filter.rule(chains.externalServices, options, `${what}-${refused.ending}`, decision, address.index);
}

function addExternalIPs(plan: Plan, context: IptablesContext): void {
  const { decision } = plan;
  const { port, usable } = decision;
  for (const address of port.externalIPs) {
    if (usable.hasEndpoints) {
      const options = [...comment(`${plan.name} external IP`), ...toAddress(port, address.text), jump(plan.chain.ext)];
      context.nat.rule(chains.services, options, "external-ip", decision, address.index);
    }
    if (!plan.hasExternal) addRefusedAddress(plan, context, "external-ip", address);
  }
}

function addLoadBalancerIPs(plan: Plan, context: IptablesContext): void {
  const { decision, chain } = plan;
  const { port, usable } = decision;
  const target = plan.usesFirewall ? chain.fw : chain.ext;
  for (const address of port.loadBalancerVIPs) {
    const to = toAddress(port, address.text);
    if (usable.hasEndpoints) {
      const options = [...comment(`${plan.name} loadbalancer IP`), ...to, jump(target)];
      context.nat.rule(chains.services, options, "load-balancer-ip", decision, address.index);
    }
    if (plan.usesFirewall) {
      const options = [...comment(`${plan.name} traffic not accepted by ${chain.fw}`), ...to, jump("DROP")];
      context.filter.rule(chains.proxyFirewall, options, "load-balancer-firewall-drop", decision, address.index);
    }
  }
  if (plan.hasExternal) return;
  for (const address of port.loadBalancerVIPs) addRefusedAddress(plan, context, "load-balancer-ip", address);
}

const LOCALHOST_COUNTER = nfacct("localhost_nps_accepted_pkts");

function addNodePort(plan: Plan, { state, traits, filter, nat }: IptablesContext): void {
  const { decision, chain } = plan;
  const { port, usable } = decision;
  if (port.nodePort === 0 || !state.nodePortRules) return;
  const named = [...bareComment(plan.name), ...protocol(port.protocol)];
  const number = destinationPort(port.nodePort);
  if (usable.hasEndpoints) {
    if (traits.nfacct && state.localhostNodePorts && state.nfacct.localhostNodePortsAccepted) {
      const options = [...named, destination("127.0.0.0/8"), number, ...LOCALHOST_COUNTER, jump(chain.ext)];
      nat.rule(chains.nodePorts, options, "node-port-localhost", decision);
    }
    nat.rule(chains.nodePorts, [...named, number, jump(chain.ext)], "node-port", decision);
  }
  if (plan.hasExternal) return;
  const refused = refusal(plan);
  const options = [...refused.comment, ...destinationIsLocal, ...protocol(port.protocol), number, ...refused.target];
  filter.rule(chains.externalServices, options, `node-port-${refused.ending}`, decision);
}

function addInternalMasquerade(plan: Plan, { state, nat }: IptablesContext): void {
  if (!plan.hasInternal) return;
  const { decision } = plan;
  const { port } = decision;
  const detector = state.localDetector;
  if (!state.masqueradeAll && detector === undefined) return;
  const options = [...comment(`${plan.name} cluster IP`), ...toAddress(port, port.clusterIP)];
  let kind: RuleKind = "cluster-ip-masquerade-all";
  if (!state.masqueradeAll && detector !== undefined) {
    options.push(ifNotLocal(detector));
    kind = "cluster-ip-masquerade";
  }
  options.push(jump(chains.markMasq));
  nat.rule(plan.internalChain, options, kind, decision);
}

function addExternalChain(plan: Plan, { state, nat }: IptablesContext): void {
  if (!plan.usesExternal) return;
  const { decision, chain, name } = plan;
  const { ext, svc, svl } = chain;
  nat.chain(ext);
  const toMark = jump(chains.markMasq);
  if (!decision.port.externalPolicyLocal) {
    const options = [...comment(`masquerade traffic for ${name} external destinations`), toMark];
    nat.rule(ext, options, "external-masquerade", decision);
  } else {
    if (state.localDetector !== undefined) {
      const pods = [
        ...comment(`pod traffic for ${name} external destinations`),
        ifLocal(state.localDetector),
        jump(svc),
      ];
      nat.rule(ext, pods, "external-pod-shortcut", decision);
    }
    const masquerade = [
      ...comment(`masquerade LOCAL traffic for ${name} external destinations`),
      ...sourceIsLocal,
      toMark,
    ];
    nat.rule(ext, masquerade, "external-local-masquerade", decision);
    const route = [...comment(`route LOCAL traffic for ${name} external destinations`), ...sourceIsLocal, jump(svc)];
    nat.rule(ext, route, "external-local-shortcut", decision);
  }
  if (plan.hasExternal) {
    nat.rule(ext, [jump(decision.port.externalPolicyLocal ? svl : svc)], "external-policy", decision);
  }
}

function addFirewallChain(plan: Plan, { traits, nat }: IptablesContext): void {
  if (!plan.usesFirewall) return;
  const { decision, chain, name } = plan;
  const { port } = decision;
  const start = comment(`${name} loadbalancer IP`);
  const accept = jump(chain.ext);
  nat.chain(chain.fw);
  for (const range of port.sourceRanges) {
    nat.rule(chain.fw, [...start, source(range.text), accept], "firewall-range", decision, range.index);
  }
  if (decision.firewallAllowsNode) {
    for (const address of port.loadBalancerVIPs) {
      nat.rule(chain.fw, [...start, source(address.text), accept], "firewall-node", decision, address.index);
    }
  }
  if (traits.firewallNote) {
    const note = comment(`other traffic to ${name} will be dropped by ${chains.proxyFirewall}`);
    nat.rule(chain.fw, note, "firewall-note", decision);
  }
}

function addPolicyChain(
  chain: string,
  endpoints: readonly EndpointChain[],
  plan: Plan,
  { nat, largeCluster }: IptablesContext,
): void {
  const { decision, name } = plan;
  const commentOf = (endpoint: Endpoint): Options => (largeCluster ? [] : comment(`${name} -> ${endpoint.text}`));
  nat.chain(chain);
  if (decision.port.affinitySeconds !== undefined) addAffinityRules(nat, chain, endpoints, commentOf, decision);
  endpoints.forEach((entry, i) => {
    addBalancingRule(nat, chain, entry, commentOf(entry.endpoint), endpoints.length - i, decision);
  });
}

function addEndpointChains(
  endpoints: readonly EndpointChain[],
  plan: Plan,
  { nat, largeCluster }: IptablesContext,
): void {
  const { decision, name } = plan;
  const { port } = decision;
  const start = largeCluster ? [] : bareComment(name);
  const withProtocol = protocol(port.protocol);
  const toMark = jump(chains.markMasq);
  const dnat = jump("DNAT");
  for (const { endpoint, chain } of endpoints) {
    nat.chain(chain);
    nat.rule(chain, [...start, source(endpoint.ip), toMark], "hairpin", decision, endpoint);
    const remember = port.affinitySeconds !== undefined ? recentSet(chain) : [];
    const options = [...start, ...remember, ...withProtocol, dnat, option("--to-destination", endpoint.text)];
    nat.rule(chain, options, "dnat", decision, endpoint);
  }
}

/** Writes everything of one service port in the layout of 1.25 and later, in kube-proxy's order (iptables-mode §3.6). */
export function addModernServicePort(decision: PortDecision, context: IptablesContext): void {
  const plan = planOf(decision, context);
  const { port, usable } = decision;
  addClusterIP(plan, context);
  addExternalIPs(plan, context);
  addLoadBalancerIPs(plan, context);
  addNodePort(plan, context);
  addHealthCheck(decision, context);
  addInternalMasquerade(plan, context);
  addExternalChain(plan, context);
  addFirewallChain(plan, context);
  const identity = plan.name + port.protocol.toLowerCase();
  const byText = new Map<string, EndpointChain>();
  const chainOf = (endpoint: Endpoint): EndpointChain => {
    let entry = byText.get(endpoint.text);
    if (entry === undefined) {
      const hash = chainHash(context.sha256, identity + endpoint.text);
      entry = endpointChain(endpoint, chainPrefixes.endpoint + hash);
      byText.set(endpoint.text, entry);
    }
    return entry;
  };
  if (usesClusterEndpoints(port) && usable.cluster.length > 0) {
    addPolicyChain(plan.chain.svc, usable.cluster.map(chainOf), plan, context);
  }
  if (usesLocalEndpoints(port) && usable.local.length > 0) {
    addPolicyChain(plan.chain.svl, usable.local.map(chainOf), plan, context);
  }
  addEndpointChains(usable.reachable.map(chainOf), plan, context);
}
