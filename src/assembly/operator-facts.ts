import type { Cluster } from "../cluster/cluster.ts";
import type { ResolvedConfig } from "../cluster/kubeproxy-config.ts";
import { type OperatorFacts, usualFacts } from "../intent/facts.ts";
import { type IPAddress, isLoopback, parseIP } from "../net/ip.ts";
import type { Network } from "../network/network.ts";
import { nodeInterfaces } from "../network/node-host.ts";
import type { ClusterNetworkOptions } from "./cluster-network.ts";

/** What is read of a network: its Pods and the names of their interfaces. */
type Nodes = Pick<Network, "nodes" | "node">;

/** Which Pods kube-proxy can know: by networks of the configuration, or by interfaces. */
function knownPodsOf(cluster: Cluster, network: Nodes, config: ResolvedConfig): OperatorFacts["knownPods"] {
  switch (config.detectLocalMode) {
    case "ClusterCIDR":
      return config.clusterCIDRs;
    case "NodeCIDR":
      return cluster.nodes.flatMap(({ value }) => value.spec?.podCIDRs ?? []);
    default: {
      const wanted = config.detectLocalMode === "BridgeInterface" ? config.bridgeInterface : config.interfaceNamePrefix;
      const names = network.nodes.flatMap((name) => network.node(name)?.pods ?? []).map((pod) => pod.interface);
      return names.every((name) => name.startsWith(wanted)) ? "all" : [];
    }
  }
}

/** The addresses of every node's interfaces, as the network makes them; what is only listed in a Node's status is on none. */
function nodeAddressesOf(
  cluster: Cluster,
  { hostFile, ...rest }: ClusterNetworkOptions,
): ReadonlyMap<string, readonly IPAddress[]> {
  return new Map(
    cluster.nodes.map(({ value }) => {
      const name = value.metadata.name ?? "";
      const file = hostFile?.(name);
      const interfaces = nodeInterfaces(cluster, name, { ...rest, ...(file === undefined ? {} : { hostFile: file }) });
      const texts = new Set(interfaces.flatMap(({ addresses }) => addresses.map((text) => text.split("/")[0] ?? "")));
      return [name, [...texts].flatMap((text) => parseIP(text) ?? []).filter((ip) => !isLoopback(ip))];
    }),
  );
}

/** What promises depend on besides objects, for a cluster whose nodes run kube-proxy in a way: `network` is made of the same options. */
export function operatorFacts(cluster: Cluster, network: Nodes, options: ClusterNetworkOptions): OperatorFacts {
  const { config, release, mode = "iptables" } = options;
  return {
    ...usualFacts(release, nodeAddressesOf(cluster, options)),
    nodePortAddresses: config.nodePortAddresses,
    localhostNodePorts: mode === "iptables" && config.localhostNodePorts,
    masqueradeAll: config.masqueradeAll,
    knownPods: knownPodsOf(cluster, network, config),
    externalIPs: config.featureGates.AllowServiceExternalIPs !== false,
  };
}
