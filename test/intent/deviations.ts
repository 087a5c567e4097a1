import { clauses } from "../../src/intent/clauses.ts";
import { endpointKey } from "../../src/intent/endpoint-set.ts";
import { addressKey, isInternal } from "../../src/intent/packet.ts";
import { type ServicePort, servicePort } from "../../src/intent/service-port.ts";
import { type Address, sameAddress } from "../../src/kernel/packet.ts";
import { ipOf } from "../../src/network/addresses.ts";
import type { Fault } from "./journey-law.ts";
import type { Mode, Place } from "./place.ts";

/** A way in which kube-proxy itself, in some modes, does not do what Kubernetes promises. */
export interface Deviation {
  readonly name: string;
  readonly modes: readonly Mode[];
  /** First and last release that has it; all from 1.25 on where it is absent. */
  readonly releases?: readonly [from: number, to: number];
  /** Which packets it is about. */
  readonly when: string;
  /** What becomes of them, and why. */
  readonly reason: string;
  /** Where that is to be seen or was discussed. */
  readonly source: string;
  readonly covers: (fault: Fault, place: Place) => boolean;
}

const BOTH: readonly Mode[] = ["iptables", "ipvs"];

const by = ({ promise }: Fault, ...wanted: readonly (typeof clauses)[keyof typeof clauses][]): boolean =>
  wanted.some((clause) => promise.clauses.includes(clause));

/** The Service's port that a fault is about, in the packet's family. */
function portOf({ promise, call }: Fault, { cluster, facts }: Place): ServicePort | undefined {
  const { service, port } = promise;
  if (service === undefined || port === undefined) return undefined;
  const { namespace, name } = service.value.metadata;
  const slices = cluster.endpointSlices
    .map(({ value }) => value)
    .filter(
      ({ metadata }) => metadata.namespace === namespace && metadata.labels?.["kubernetes.io/service-name"] === name,
    );
  return servicePort(service, port, call.asked.destination.family, slices, facts.release);
}

/** No endpoint of the port is certain to be on the node that counts. */
function hasNoneThere(fault: Fault, place: Place): boolean {
  return portOf(fault, place)?.on(fault.promise.at).certain === false;
}

/** The rule's chain that ended the way. */
function endChain({ branch }: Fault): string | undefined {
  const { end } = branch.journey.there;
  if (end.kind === "rejected") return end.rule.chain;
  return end.kind === "dropped" && end.cause.kind === "rule" ? end.cause.rule.chain : undefined;
}

/** nodePortAddresses has entries, and none of the packet's family. */
function listsOtherFamily({ call }: Fault, { intent, facts }: Place): boolean {
  const { everywhere, primary, networks } = intent.places;
  if (everywhere || primary || facts.nodePortAddresses.length === 0) return false;
  return networks.every(({ address }) => address.family !== call.asked.destination.family);
}

/** Nodes' addresses that some Service has as an external IP or a load balancer's. */
function claimedNodeAddresses({ intent }: Place): ReadonlySet<string> {
  return new Set(
    [...intent.owners.keys()].filter((key) =>
      [...(intent.byAddress.get(key)?.values() ?? [])].flat().some(({ standing }) => standing.kind !== "none"),
    ),
  );
}

/** Addresses of the nodes that a way crosses or leads to: the overlay is carried between them. */
function carriers({ branch }: Fault, { network }: Place): readonly Address[] {
  const { there, reply } = branch.journey;
  const ways = reply === undefined ? [there] : [there, reply.way];
  const names = ways.flatMap(({ legs, packet }) => {
    const owner = network.ownerOf(packet.dst);
    return [...legs.map(({ node }) => node), ...("node" in owner ? [owner.node] : [])];
  });
  const hosts = [...new Set(names)].flatMap((name) => network.node(name)?.host ?? []);
  return hosts.flatMap(({ interfaces }) =>
    interfaces.filter(({ up }) => up).flatMap(({ addresses }) => addresses.map(({ address }) => address)),
  );
}

function meetsClaimed(fault: Fault, place: Place): boolean {
  const { call, branch } = fault;
  const claimed = claimedNodeAddresses(place);
  const { there, reply } = branch.journey;
  const all = [
    call.packet.src,
    call.packet.dst,
    there.packet.src,
    ...(reply === undefined ? [] : [reply.packet.dst, reply.way.packet.dst]),
    ...carriers(fault, place),
  ];
  return all.map(ipOf).some((ip) => claimed.has(addressKey(ip)));
}

/** What is known of kube-proxy from 1.25 on; the law holds that nothing else happens, and that all of it does. */
export const deviations: readonly Deviation[] = [
  {
    name: "node-port filters pass over nodePortAddresses",
    modes: ["iptables"],
    when: "a node port without usable endpoints, on an address of a node that nodePortAddresses or localhostNodePorts leaves out",
    reason: "the filter rules that refuse or drop such ports ask for the port and --dst-type LOCAL alone",
    source: "kubernetes issue 97360; pkg/proxy/iptables/proxier.go, rules in KUBE-EXTERNAL-SERVICES for node ports",
    covers: (fault) =>
      by(fault, clauses.nodePortAddresses, clauses.localhostNodePorts) && endChain(fault) === "KUBE-EXTERNAL-SERVICES",
  },
  {
    name: "nodePortAddresses of one family leave the other open",
    modes: BOTH,
    when: "a node port on an address of a family of which nodePortAddresses has no entry",
    reason: "each family's proxy reads the entries of its own family, and an empty list means all addresses",
    source: "kubernetes issue 122899; pkg/proxy/util NewNodePortAddresses",
    covers: (fault, place) =>
      by(fault, clauses.nodePortAddresses, clauses.localhostNodePorts) && listsOtherFamily(fault, place),
  },
  {
    name: "source ranges of one family leave the other open",
    modes: BOTH,
    when: "a load balancer address of a family of which loadBalancerSourceRanges has no entry",
    reason: "each family's proxy reads the ranges of its own family, and an empty list restricts nobody",
    source: "kubernetes pkg/proxy/serviceport.go newBaseServiceInfo; issue 109575 on what the field means",
    covers: (fault, place) => {
      const ranges = portOf(fault, place)?.ranges;
      const { family } = fault.call.asked.destination;
      return (
        by(fault, clauses.sourceRanges) &&
        ranges?.kind === "only" &&
        ranges.ranges.every(({ address }) => address.family !== family)
      );
    },
  },
  {
    name: "answers pass by the node whose node port was called",
    modes: ["iptables"],
    when: "a client inside the cluster that calls another node's port of a Service with externalTrafficPolicy Local",
    reason:
      "that node knows the client as a Pod and picks an endpoint anywhere without masquerading: the endpoint answers the client directly",
    source: "kubernetes issue 74383",
    covers: (fault) =>
      by(fault, clauses.nodePortInside) &&
      isInternal(fault.call.asked) &&
      fault.call.asked.node !== fault.promise.at &&
      fault.branch.journey.there.legs.length > 2,
  },
  {
    name: "a node's own calls to external addresses are not refused",
    modes: ["iptables"],
    when: "a process of a node that calls an external IP or a load balancer address of a Service without endpoints",
    reason: "KUBE-EXTERNAL-SERVICES is asked from INPUT and FORWARD only: the packet leaves the node as it is",
    source: "kubernetes pkg/proxy/iptables/proxier.go iptablesJumpChains",
    covers: ({ call, promise: { outcome }, seen }) =>
      call.asked.from === "node" &&
      seen.kind === "passed" &&
      (outcome.kind === "nobody" || (outcome.kind === "endpoints" && outcome.otherwise.includes("refused"))),
  },
  {
    name: "ipvs: Local without local endpoints means Cluster",
    modes: ["ipvs"],
    when: "externalTrafficPolicy Local, a client outside, and no endpoint on the node",
    reason:
      "a virtual server for which no local endpoint is left gets those of the whole cluster, and the source is kept",
    source: "kubernetes issues 93456 and 71596; pkg/proxy/ipvs/proxier.go syncEndpoint",
    covers: (fault, place) =>
      fault.call.asked.from === "outside" && by(fault, clauses.externalLocal) && hasNoneThere(fault, place),
  },
  {
    name: "ipvs: Local holds for clients inside, too",
    modes: ["ipvs"],
    when: "externalTrafficPolicy Local, and a client inside that calls an external IP or a load balancer address",
    reason:
      "a virtual server does not tell clients apart: the node's own endpoints get it, those that terminate where none is ready",
    source: "kubernetes issue 93456",
    covers: (fault, place) => {
      const { seen, promise } = fault;
      if (seen.kind !== "arrived" || !by(fault, clauses.externalInside)) return false;
      return portOf(fault, place)?.on(promise.at).set.keys.has(endpointKey(seen.ip, seen.port)) === true;
    },
  },
  {
    name: "ipvs: internal Local without local endpoints means Cluster",
    modes: ["ipvs"],
    when: "internalTrafficPolicy Local, no endpoint on the node, and a Service with a node port or an external address",
    reason: "as above: the cluster's endpoints are at hand as the external side needs them",
    source: "kubernetes pkg/proxy/ipvs/proxier.go syncEndpoint, pkg/proxy/topology.go CategorizeEndpoints",
    covers: (fault, place) => by(fault, clauses.internalLocal) && hasNoneThere(fault, place),
  },
  {
    name: "ipvs: a node's address that is an external address is everybody's",
    modes: ["ipvs"],
    when: "packets from, to or by way of a node's address that some Service has among its externalIPs or load balancer addresses",
    reason:
      "every other node binds the address to kube-ipvs0 and takes it for its own: it cannot reach that node there any more, nor its Pods over an overlay that is carried there",
    source: "kubernetes issues 127410 and 104679",
    covers: (fault, place) => meetsClaimed(fault, place),
  },
  {
    name: "ipvs: a node calls an external address from that address",
    modes: ["ipvs"],
    when: "a process of a node that calls an external IP or a load balancer address of a Service with externalTrafficPolicy Local",
    reason:
      "the address is bound, so that routing makes it the source, and nothing masquerades it: an endpoint elsewhere answers itself",
    source:
      "kubernetes issue 93456; pkg/proxy/ipvs/proxier.go, sets KUBE-EXTERNAL-IP-LOCAL and KUBE-LOAD-BALANCER-LOCAL",
    covers: (fault) =>
      fault.call.asked.from === "node" &&
      by(fault, clauses.externalInside) &&
      sameAddress(fault.branch.journey.there.packet.src, fault.call.packet.dst),
  },
  {
    name: "ipvs: external IPs under Local are refused",
    modes: ["ipvs"],
    releases: [26, 27],
    when: "an external IP that is bound, of a Service with externalTrafficPolicy Local",
    reason:
      "KUBE-IPVS-FILTER refuses what is none of the addresses and ports in its sets, and does not look into KUBE-EXTERNAL-IP-LOCAL",
    source: "kubespray issue 10572",
    covers: (fault) => by(fault, clauses.externalIPs) && endChain(fault) === "KUBE-IPVS-FILTER",
  },
  {
    name: "ipvs: node ports are masqueraded by their number alone",
    modes: ["ipvs"],
    when: "the number of a node port, on an address of a node that nodePortAddresses leaves out",
    reason:
      "the sets of node ports hold numbers and no addresses: the packet is the node's own business, and comes masqueraded",
    source: "kubernetes pkg/proxy/ipvs/ipset.go, KUBE-NODE-PORT-TCP and -UDP are bitmap:port",
    covers: (fault) => by(fault, clauses.nodePortAddresses) && fault.seen.kind === "node",
  },
];

/** The names of what covers a fault; none where it is news. */
export function explanations(mode: Mode, fault: Fault, place: Place): readonly string[] {
  return deviations.filter(({ modes, covers }) => modes.includes(mode) && covers(fault, place)).map(({ name }) => name);
}
