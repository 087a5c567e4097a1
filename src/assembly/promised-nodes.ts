import type { Cluster } from "../cluster/cluster.ts";
import { intentOf } from "../intent/intent.ts";
import type { IPFamily } from "../net/family.ts";
import type { Network } from "../network/network.ts";
import type { HeldNode } from "../verify/promises/hold.ts";
import { type ClusterNetworkOptions, clusterNetwork } from "./cluster-network.ts";
import { operatorFacts } from "./operator-facts.ts";

/** The network of a cluster that has no Service: what promises leave to nodes. Addresses belong to whom they belong with Services. */
export function withoutServices(cluster: Cluster, options: ClusterNetworkOptions, { ownerOf }: Network): Network {
  const { network } = clusterNetwork({ ...cluster, services: [] }, options, () => {});
  return { ...network, ownerOf };
}

/** Makes the nodes of a cluster ready to be held to what Kubernetes promises; `undefined` when there is no such Node. */
export function promisedNodes(
  cluster: Cluster,
  network: Network,
  options: ClusterNetworkOptions,
): (node: string, family: IPFamily) => HeldNode | undefined {
  const without = withoutServices(cluster, options, network);
  const facts = operatorFacts(cluster, without, options);
  const intent = intentOf(cluster, facts);
  return (node, family) => {
    const [own, bare] = [network.node(node)?.host, without.node(node)?.host];
    if (own === undefined || bare === undefined) return undefined;
    return { node, family, host: own, without: bare, network, intent, facts };
  };
}
