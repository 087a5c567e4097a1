import { type FeatureGates, type Release, type Trait, type Traits, traitsOf } from "./release.ts";

/** Names of what differs between releases in kube-proxy's decisions. */
export type ProxyTraitName =
  | "bothLabelsHide"
  | "duplicateByIP"
  | "duplicateLocalWins"
  | "endpointAddressAsWritten"
  | "endpointsOfFamilyOnly"
  | "externalLocalForExternalIPs"
  | "firewallNodeIPFromBindAddress"
  | "firewallNodeIPPrimaryOnly"
  | "internalTrafficPolicy"
  | "hintsNeedAnnotation"
  | "hintsNeedAuto"
  | "interfaceLocalDetectors"
  | "ipMode"
  | "ipvsLoopbackNodePorts"
  | "localCIDRAsWritten"
  | "localhostNodePorts"
  | "nodeHints"
  | "nodePortAddressKeywords"
  | "nodePortAddressPrimary"
  | "nodePortsNeedAddress"
  | "policyLists"
  | "serviceAddressesAsWritten"
  | "terminatingEndpoints"
  | "topologyHints"
  | "unnamedPortColon"
  | "zeroCIDRByText"
  | "zeroLengthRangeOpens";

/** The releases that show each trait of the decisions, before any rule is written (iptables-history §2, §6). */
export const proxyTraits: Readonly<Record<ProxyTraitName, Trait>> = {
  bothLabelsHide: {
    to: 35,
    reason: "service-proxy-name and headless labels each hide Services and slices; split by kind since 1.36",
  },
  duplicateByIP: { to: 21, reason: "endpoints of a port are keyed by IP alone, so one port of an IP is lost" },
  duplicateLocalWins: { to: 35, reason: "a later duplicate endpoint replaces the earlier one only when it is local" },
  endpointAddressAsWritten: { to: 30, reason: "DNAT targets and names carry the address as the slice has it" },
  endpointsOfFamilyOnly: { to: 21, reason: "an endpoint whose address is of the other family is passed over" },
  externalLocalForExternalIPs: {
    from: 29,
    reason: "externalTrafficPolicy Local also counts for ClusterIP Services with externalIPs",
  },
  firewallNodeIPFromBindAddress: {
    to: 27,
    reason: "the node IP that source ranges are tested with is the bind address, else the unspecified address",
  },
  internalTrafficPolicy: {
    from: 22,
    gate: "ServiceInternalTrafficPolicy",
    reason: "internalTrafficPolicy is read at all",
  },
  firewallNodeIPPrimaryOnly: {
    from: 28,
    to: 28,
    reason: "source ranges of the other than the primary family are tested with the unspecified address",
  },
  hintsNeedAnnotation: {
    to: 30,
    gate: "ServiceTrafficDistribution",
    gateOff: true,
    reason: "zone hints count only when the Service's topology annotation asks for them",
  },
  hintsNeedAuto: { to: 26, reason: "the topology annotation must be Auto or auto, and has only its older name" },
  interfaceLocalDetectors: { from: 24, reason: "detectLocalMode BridgeInterface and InterfaceNamePrefix exist" },
  ipMode: { from: 30, gate: "LoadBalancerIPMode", reason: "ingress entries with ipMode Proxy are left out" },
  ipvsLoopbackNodePorts: { to: 21, reason: "ipvs mode serves node ports on loopback addresses, too" },
  localCIDRAsWritten: { to: 28, reason: "the CIDR of the local-traffic detector is not masked" },
  localhostNodePorts: { from: 26, reason: "iptables.localhostNodePorts exists" },
  nodeHints: { from: 34, gate: "PreferSameTrafficDistribution", reason: "hints for nodes are used" },
  nodePortAddressKeywords: { from: 37, reason: "nodePortAddresses knows localhost and all, mixed with CIDRs" },
  nodePortAddressPrimary: { from: 31, reason: "nodePortAddresses knows the keyword primary" },
  nodePortsNeedAddress: { to: 26, reason: "node-port rules are left out when no node address matches" },
  policyLists: { from: 24, reason: "endpoints are chosen for Cluster and Local policy apart (CategorizeEndpoints)" },
  serviceAddressesAsWritten: { to: 29, reason: "external IPs, ingress IPs and source ranges keep their spelling" },
  terminatingEndpoints: {
    from: 26,
    gate: "ProxyTerminatingEndpoints",
    reason: "terminating endpoints that still serve are used when none is ready",
  },
  topologyHints: { from: 24, gate: "TopologyAwareHints", reason: "zone hints are used" },
  unnamedPortColon: { to: 18, reason: "an unnamed port leaves a trailing colon in the service port name" },
  zeroCIDRByText: { to: 33, reason: "only the texts 0.0.0.0/0 and ::/0 match all addresses, not any /0" },
  zeroLengthRangeOpens: { from: 34, reason: "a source range of length 0 switches the firewall off" },
};

export type ProxyTraits = Traits<ProxyTraitName>;

/** The traits of kube-proxy's decisions in one release, with its feature gates as they are set. */
export function proxyTraitsOf(release: Release, gates: FeatureGates = {}): ProxyTraits {
  return traitsOf(proxyTraits, release, gates);
}

/** Gates whose other state changes rules in a way that is not modelled, with the state that is and the last release. */
const fixedGates: readonly { readonly gate: string; readonly modelled: boolean; readonly to: number }[] = [
  { gate: "EndpointSliceProxying", modelled: true, to: 21 },
  { gate: "IPv6DualStack", modelled: true, to: 22 },
  { gate: "ServiceTopology", modelled: false, to: 21 },
  { gate: "TopologyAwareHints", modelled: false, to: 23 },
];

/** The gates that are set so that rules would differ in a way that is not modelled for the release. */
export function unmodelledGates(release: Release, gates: FeatureGates): readonly string[] {
  return fixedGates
    .filter(({ gate, modelled, to }) => release.minor <= to && (gates[gate] ?? modelled) !== modelled)
    .map(({ gate }) => gate);
}
