/** A promise that not every release makes. */
export interface ReleasePromise {
  /** First release that makes it without a gate being set. */
  readonly since: number;
  readonly source: string;
}

/** The names of the table. */
export type ReleasePromiseName =
  | "internalTrafficPolicy"
  | "terminatingFallback"
  | "bothPolicies"
  | "internalClientsGetCluster"
  | "ipMode"
  | "externalPolicyOfClusterIP"
  | "localhostNodePorts"
  | "zoneHints"
  | "nodeHints";

/** Promises that came with a release. Alpha features promise nothing: `since` is the first release that has it on by default. */
export const releasePromises: Readonly<Record<ReleasePromiseName, ReleasePromise>> = {
  internalTrafficPolicy: {
    since: 22,
    source: "KEP-2086: ServiceInternalTrafficPolicy is on by default since 1.22, stable in 1.26",
  },
  terminatingFallback: {
    since: 26,
    source: "KEP-1669: ProxyTerminatingEndpoints is on by default since 1.26, stable in 1.28",
  },
  bothPolicies: {
    since: 26,
    source: "user documentation of internalTrafficPolicy: until 1.25 it is not used beside externalTrafficPolicy Local",
  },
  internalClientsGetCluster: {
    since: 25,
    source: "ServiceSpec.externalTrafficPolicy: the sentence on clients inside the cluster is not in the API of 1.21",
  },
  externalPolicyOfClusterIP: {
    since: 29,
    source: "API validation: before, externalTrafficPolicy is for types NodePort and LoadBalancer alone",
  },
  localhostNodePorts: {
    since: 26,
    source:
      "KubeProxyIPTablesConfiguration.localhostNodePorts is new in 1.26; before, nothing is said of loopback addresses",
  },
  ipMode: { since: 30, source: "KEP-1860: LoadBalancerIPMode is on by default since 1.30, stable in 1.32" },
  zoneHints: { since: 24, source: "KEP-2433: TopologyAwareHints is on by default since 1.24" },
  nodeHints: { since: 34, source: "KEP-3015: PreferSameTrafficDistribution is on by default since 1.34" },
};

/** Does a release make a promise? Nothing else in this folder compares numbers of releases. */
export function isPromisedBy({ minor }: { readonly minor: number }, name: ReleasePromiseName): boolean {
  return minor >= releasePromises[name].since;
}
