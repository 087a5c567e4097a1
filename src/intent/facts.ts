import type { IPAddress } from "../net/ip.ts";

/**
 * What a promise depends on and no Service says: choices of whoever runs the cluster. Of KubeProxyConfiguration these
 * fields are promises to users: `nodePortAddresses` (where node ports are open), `iptables.localhostNodePorts`, the gate
 * `AllowServiceExternalIPs`, `masqueradeAll` (what a Pod is seen as), and `clusterCIDR` with `detectLocalMode` as far as they say
 * which addresses are Pods'; `bindAddress` where it replaces what `primary` stands for, which has to be written out then. Everything else there is implementation: mode, scheduler, periods, mark bits, conntrack's limits
 * and timeouts, strictARP, the addresses of kube-proxy's own servers.
 */
export interface OperatorFacts {
  /** `minor`: 37 for v1.37. */
  readonly release: { readonly minor: number };
  /** Every address of every node, by the node's name, loopback left out. */
  readonly nodeAddresses: ReadonlyMap<string, readonly IPAddress[]>;
  /** CIDRs and the keywords all, primary and localhost, as in KubeProxyConfiguration; empty stands for all. */
  readonly nodePortAddresses: readonly string[];
  /** Are node ports open on the IPv4 loopback addresses? Of the modes only iptables has this. */
  readonly localhostNodePorts: boolean;
  /** Is everything sent to cluster IPs to come from the node? */
  readonly masqueradeAll: boolean;
  /**
   * Which Pods can be told from clients outside: those in these networks (detectLocalMode ClusterCIDR, NodeCIDR), or all, by the
   * interfaces that their packets come in by. Nobody in a family without a network is.
   */
  readonly knownPods: "all" | readonly string[];
  /** False where the gate AllowServiceExternalIPs is off. */
  readonly externalIPs: boolean;
}

/** What a cluster is taken to be unless somebody says otherwise: a release, and the defaults of its configuration. */
export function usualFacts(
  release: OperatorFacts["release"],
  nodeAddresses: OperatorFacts["nodeAddresses"],
): OperatorFacts {
  return {
    release,
    nodeAddresses,
    nodePortAddresses: [],
    localhostNodePorts: true,
    masqueradeAll: false,
    knownPods: "all",
    externalIPs: true,
  };
}
