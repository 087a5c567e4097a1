import type { Cluster } from "../cluster/cluster.ts";
import type { ResolvedConfig } from "../cluster/kubeproxy-config.ts";
import type { EndpointSlice } from "../manifest/endpointslice.ts";
import type { Located } from "../manifest/object.ts";
import type { IPFamily } from "../net/family.ts";
import type { IPAddress } from "../net/ip.ts";
import { prefixContains } from "../net/prefix.ts";
import { type Endpoint, endpointsOfPort, slicesByService } from "./endpoints.ts";
import { type ServiceHealth, serviceHealth } from "./healthcheck.ts";
import { type IPVSDecisions, ipvsDecisions } from "./ipvs.ts";
import { type LocalDetector, localDetector } from "./localdetector.ts";
import { bindAddressPair, detectNodeIPs, type HostFacts, type NodeIPs, type NodeView, primaryOnly } from "./node.ts";
import { nodePortAddresses, withoutLoopback } from "./nodeports.ts";
import type { Release } from "./release.ts";
import { type ServicePort, servicePortsOf } from "./serviceport.ts";
import { categorizeEndpoints, type UsableEndpoints } from "./topology.ts";
import { type ProxyTraits, proxyTraitsOf } from "./traits.ts";

/** A service port together with its endpoints on this node. */
export interface PortDecision {
  readonly port: ServicePort;
  /** Every endpoint known, usable or not. */
  readonly known: readonly Endpoint[];
  readonly usable: UsableEndpoints;
  /** Some source range contains the node's own IP, so that the VIP itself is let through the firewall. */
  readonly firewallAllowsNode: boolean;
}

/** Everything kube-proxy decides for one node and family, in no rule language (architecture decision 2). */
export interface ProxyState {
  readonly release: Release;
  readonly family: IPFamily;
  readonly nodeName: string;
  readonly nodeIPs: NodeIPs;
  /** In canonical order: namespace, name, port name, protocol. */
  readonly ports: readonly PortDecision[];
  /** Endpoints of all service ports, usable or not: the measure of large-cluster mode. */
  readonly endpointCount: number;
  readonly localDetector: LocalDetector | undefined;
  readonly masqueradeBit: number;
  readonly masqueradeAll: boolean;
  /** Addresses that node ports are accepted on: `all` local ones, or these. */
  readonly nodePortAddresses: "all" | readonly string[];
  /** Loopback addresses are left out of them. */
  readonly nodePortsExcludeLoopback: boolean;
  /** False when a release writes no node-port rules because no address of the node matches. */
  readonly nodePortRules: boolean;
  /** Node ports answer on 127.0.0.0/8: configured, IPv4, and not filtered out by nodePortAddresses. */
  readonly localhostNodePorts: boolean;
  readonly conntrackTCPLiberal: boolean;
  readonly randomFully: boolean;
  readonly nfacct: HostFacts["nfacct"];
  readonly health: ReadonlyMap<string, ServiceHealth>;
  /** What only ipvs mode reads. */
  readonly ipvs: IPVSDecisions;
}

export interface ProxyStateOptions {
  readonly release: Release;
  readonly family: IPFamily;
  readonly node: NodeView;
  readonly host: HostFacts;
  readonly config: ResolvedConfig;
}

interface Context {
  readonly options: ProxyStateOptions;
  readonly traits: ProxyTraits;
  readonly nodeName: string;
  readonly slices: ReadonlyMap<string, readonly Located<EndpointSlice>[]>;
  /** The address that source ranges are tested with. */
  readonly firewallNodeIP: IPAddress;
}

const NO_SLICES: readonly Located<EndpointSlice>[] = [];

function decide(port: ServicePort, context: Context): PortDecision {
  const { options, traits, nodeName, firewallNodeIP } = context;
  const slices = context.slices.get(`${port.namespace}/${port.name}`) ?? NO_SLICES;
  const known = endpointsOfPort(slices, port.portName, port.protocol, nodeName, traits);
  return {
    port,
    known,
    usable: categorizeEndpoints(known, port, { nodeName, zone: options.node.zone }, traits),
    firewallAllowsNode: port.sourceRanges.some(({ prefix }) => prefixContains(prefix, firewallNodeIP)),
  };
}

/** The addresses that source ranges are tested with: the node IPs, of which older releases knew less. */
function firewallNodeIPs(nodeIPs: NodeIPs, bindAddress: string, traits: ProxyTraits): NodeIPs["byFamily"] {
  if (traits.firewallNodeIPFromBindAddress) return bindAddressPair(bindAddress);
  return traits.firewallNodeIPPrimaryOnly ? primaryOnly(nodeIPs) : nodeIPs.byFamily;
}

/** All endpoints of a Service over every port of its slices, for the health counts. */
function endpointsOfService(service: string, context: Context): Endpoint[] {
  const slices = context.slices.get(service) ?? NO_SLICES;
  const identities = new Map<string, readonly [string, string]>();
  for (const slice of slices) {
    for (const { name, protocol = "TCP" } of slice.value.ports ?? []) {
      if (name !== undefined) identities.set(`${name}/${protocol}`, [name, protocol]);
    }
  }
  return [...identities.values()].flatMap(([name, protocol]) =>
    endpointsOfPort(slices, name, protocol, context.nodeName, context.traits),
  );
}

/**
 * Decides everything of iptables-mode §1 for one node and one family. The order of the cluster's lists is part of
 * the answer only for contradicting duplicate endpoints; sort the cluster first (`sortedCluster`).
 */
export function proxyState(cluster: Cluster, options: ProxyStateOptions): ProxyState {
  const { release, family, node, host, config } = options;
  const traits = proxyTraitsOf(release, config.featureGates);
  const nodeIPs = detectNodeIPs(node, config.bindAddress);
  const context: Context = {
    options,
    traits,
    nodeName: node.name,
    slices: slicesByService(cluster.endpointSlices, family, traits),
    firewallNodeIP: firewallNodeIPs(nodeIPs, config.bindAddress, traits)[family],
  };
  const externalIPs = config.featureGates.AllowServiceExternalIPs !== false;
  const ports = cluster.services
    .flatMap((service) => servicePortsOf(service, { family, traits, externalIPs }))
    .map((port) => decide(port, context));
  const nodePorts = nodePortAddresses(config.nodePortAddresses, family, nodeIPs, host.interfaces, traits);
  const localhostNodePorts = traits.localhostNodePorts && config.localhostNodePorts && nodePorts.includesLoopback;
  const excludesLoopback = traits.localhostNodePorts && !localhostNodePorts;
  return {
    release,
    family,
    nodeName: context.nodeName,
    nodeIPs,
    ports,
    endpointCount: ports.reduce((sum, decision) => sum + decision.known.length, 0),
    localDetector: localDetector(config, node, family, traits),
    masqueradeBit: config.masqueradeBit,
    masqueradeAll: config.masqueradeAll,
    nodePortAddresses: excludesLoopback ? withoutLoopback(nodePorts.addresses) : nodePorts.addresses,
    nodePortsExcludeLoopback: excludesLoopback,
    nodePortRules: !(traits.nodePortsNeedAddress && nodePorts.addresses.length === 0),
    localhostNodePorts,
    conntrackTCPLiberal: host.conntrackTCPLiberal || config.conntrack.tcpBeLiberal,
    randomFully: host.randomFully,
    nfacct: host.nfacct,
    health: serviceHealth(
      ports.map(({ port }) => port),
      (service) => endpointsOfService(service, context),
    ),
    ipvs: ipvsDecisions(config, family, host.interfaces, nodePorts, traits),
  };
}
