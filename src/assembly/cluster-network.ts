import type { Cluster } from "../cluster/cluster.ts";
import type { RuleRef } from "../kernel/event.ts";
import type { KubeProxyConfiguration } from "../manifest/kubeproxy.ts";
import type { Located } from "../manifest/object.ts";
import { type IPFamily, ipFamilies } from "../net/family.ts";
import type { SHA256Hex } from "../net/sha256.ts";
import { makeNetwork, type Network, type NetworkOptions, type NodeExtras } from "../network/network.ts";
import { nodeInterfaces } from "../network/node-host.ts";
import { usualHostFacts } from "../proxy/host-facts.ts";
import { type HostFacts, type NodeView, nodeView } from "../proxy/node.ts";
import { type ProxyState, proxyState } from "../proxy/state.ts";
import { readOnce } from "../rules/iptables/read-once.ts";
import { emptyRuleset, type Ruleset } from "../rules/iptables/ruleset.ts";
import type { Report } from "../text/diagnostic.ts";
import type { RulePlace } from "../view/rule-reasons.ts";
import {
  type AnyReason,
  type EmulatedMode,
  ipvsExtras,
  nodeReasons,
  nodeRules,
  type RulesContext,
} from "./node-rules.ts";
import { remembered } from "./remembered.ts";

export interface ClusterNetworkOptions extends Omit<NetworkOptions, "rules" | "extras"> {
  /** The configuration as it was written, for the places of settings; absent for kube-proxy's defaults. */
  readonly written?: Located<KubeProxyConfiguration> | undefined;
  readonly sha256?: SHA256Hex;
  /** iptables unless it is said. */
  readonly mode?: EmulatedMode;
}

/** A cluster as a network of hosts, each with the rules that kube-proxy writes there. */
export interface ClusterNetwork {
  readonly cluster: Cluster;
  readonly network: Network;
  /** What kube-proxy decides on a node; `undefined` when there is no such Node. */
  readonly proxy: (node: string, family: IPFamily) => ProxyState | undefined;
  /** Why a rule is on a node; `undefined` for rules that kube-proxy did not write. */
  readonly reason: (node: string, rule: RuleRef) => AnyReason | undefined;
}

/**
 * Joins the stages: objects → what kube-proxy decides on each node → its rules, loaded into hosts that `makeNetwork`
 * describes. Nothing is decided or compiled before a packet comes to a node; what that assumes is reported then.
 */
export function clusterNetwork(cluster: Cluster, options: ClusterNetworkOptions, report: Report): ClusterNetwork {
  const { written, sha256, mode = "iptables", ...rest } = options;
  const { config, release, hostFile, backend = "nft" } = options;
  const looksAtInterfaces = mode === "ipvs" || config.nodePortAddresses.length > 0;
  /** What kube-proxy sees of a node is what packets see: the overlay's and the Pods' interfaces have addresses, too. */
  const factsOf = (name: string, node: NodeView): HostFacts => {
    const file = hostFile?.(name) ?? {};
    const told = usualHostFacts(file, node, config, report);
    if (!looksAtInterfaces) return told;
    return { ...told, interfaces: nodeInterfaces(cluster, name, { ...rest, hostFile: file }) };
  };
  const proxy = remembered((name, family): ProxyState | undefined => {
    const object = cluster.nodes.find(({ value }) => value.metadata.name === name);
    if (object === undefined) return undefined;
    const node = nodeView(object.value);
    return proxyState(cluster, { release, family, node, host: factsOf(name, node), config });
  });
  const context: RulesContext = { mode, backend, sha256, read: readOnce() };
  // what is compiled is not kept: of most nodes only the loaded rules are needed
  const finders = remembered((name, family): ((place: RulePlace) => AnyReason | undefined) => {
    const state = proxy(name, family);
    return state === undefined ? () => undefined : nodeReasons(state, context, written);
  });
  const rulesOf = (name: string, family: IPFamily): Ruleset => {
    const state = proxy(name, family);
    return state === undefined ? emptyRuleset : nodeRules(state, context, report);
  };
  const rules = (name: string): Readonly<Record<IPFamily, Ruleset>> => {
    const [IPv4, IPv6] = ipFamilies.map((family) => rulesOf(name, family)) as [Ruleset, Ruleset];
    return { IPv4, IPv6 };
  };
  const extras = (name: string): NodeExtras => ipvsExtras(ipFamilies.flatMap((family) => proxy(name, family) ?? []));
  return {
    cluster,
    network: makeNetwork(cluster, { ...rest, backend, rules, ...(mode === "ipvs" ? { extras } : {}) }, report),
    proxy,
    reason: (node, rule) => finders(node, rule.family)(rule),
  };
}
