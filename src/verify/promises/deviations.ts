import { clauses } from "../../intent/clauses.ts";
import { endpointKey } from "../../intent/endpoint-set.ts";
import { isInternal } from "../../intent/packet.ts";
import { sameAddress } from "../../kernel/packet.ts";
import {
  type BreachFacts,
  by,
  hasNoneThere,
  listsOtherFamily,
  meetsClaimed,
  restrictsOtherFamily,
  serverOf,
} from "./breach-facts.ts";

/** A way in which kube-proxy itself does not do what Kubernetes promises, and is known not to. */
export interface Deviation {
  readonly id: string;
  /** Which packets it is about. */
  readonly title: string;
  /** What becomes of them, and why. */
  readonly reason: string;
  /** Where that is to be seen or was discussed. */
  readonly source: string;
  readonly advice: string;
  /** First and last release that has it; all from 1.25 on where it is absent. */
  readonly releases?: readonly [from: number, to: number];
  /** It holds for all Services alike, and is told once. */
  readonly general?: true;
  readonly explains: (facts: BreachFacts) => boolean;
}

const FTP_DATA_PORT = 20;

/** What is known of kube-proxy from 1.25 on, reviewed one by one. Each entry asks for what causes the breach, never for a mode. */
export const deviations: readonly Deviation[] = [
  {
    id: "source-port-20",
    general: true,
    title: "connections from source port 20 (FTP data)",
    reason: "ip_vs takes them for FTP data connections and does not schedule them: they get to the node itself",
    source: "ip_vs_schedule (net/netfilter/ipvs/ip_vs_core.c)",
    advice: "clients that bind port 20 do not get through to virtual servers; ordinary clients never do so",
    explains: (facts) =>
      facts.packet.sport === FTP_DATA_PORT &&
      serverOf(facts) !== undefined &&
      // masquerading may draw another source port, so that it is scheduled later on its way
      (facts.seen.kind !== "arrived" || facts.breaches.every((each) => each === "no answer")),
  },
  {
    id: "node-port-filters-everywhere",
    title:
      "a node port without usable endpoints, on an address that nodePortAddresses or localhostNodePorts leaves out",
    reason: "the filter rules that refuse or drop such ports ask for the port and --dst-type LOCAL alone",
    source: "kubernetes issue 97360; pkg/proxy/iptables/proxier.go, rules in KUBE-EXTERNAL-SERVICES for node ports",
    advice: "nothing to do, unless a process of the node listens at the port of a Service",
    explains: (facts) =>
      by(facts, clauses.nodePortAddresses, clauses.localhostNodePorts) && facts.endedBy === "KUBE-EXTERNAL-SERVICES",
  },
  {
    id: "node-port-addresses-of-one-family",
    title: "a node port on an address of a family of which nodePortAddresses has no entry",
    reason: "each family's proxy reads the entries of its own family, and an empty list means all addresses",
    source: "kubernetes issue 122899; pkg/proxy/util NewNodePortAddresses",
    advice: "give nodePortAddresses an entry of each family",
    explains: (facts) => by(facts, clauses.nodePortAddresses, clauses.localhostNodePorts) && listsOtherFamily(facts),
  },
  {
    id: "source-ranges-of-one-family",
    title: "a load balancer address of a family of which loadBalancerSourceRanges has no entry",
    reason: "each family's proxy reads the ranges of its own family, and an empty list restricts nobody",
    source: "kubernetes pkg/proxy/serviceport.go newBaseServiceInfo; issue 109575 on what the field means",
    advice: "give loadBalancerSourceRanges an entry of each family that the Service has",
    explains: (facts) => by(facts, clauses.sourceRanges) && restrictsOtherFamily(facts),
  },
  {
    id: "answers-pass-by-the-node",
    title: "a client inside the cluster that calls another node's port of a Service with externalTrafficPolicy Local",
    reason:
      "that node knows the client as a Pod and picks an endpoint anywhere without masquerading: the endpoint answers the client directly",
    source: "kubernetes issue 74383",
    advice: "let clients inside call the ClusterIP",
    explains: (facts) =>
      by(facts, clauses.nodePortInside) &&
      isInternal(facts.asked) &&
      facts.breaches.includes("no answer") &&
      facts.asked.node !== facts.promise.at &&
      facts.crossed,
  },
  {
    id: "own-calls-are-not-refused",
    title: "a process of a node that calls an external IP or a load balancer address of a Service without endpoints",
    reason: "KUBE-EXTERNAL-SERVICES is asked from INPUT and FORWARD only: the packet leaves the node as it is",
    source: "kubernetes pkg/proxy/iptables/proxier.go iptablesJumpChains",
    advice: "what is outside at that address gets the node's packets: let processes on nodes call the ClusterIP",
    explains: (facts) => {
      const { asked, promise, seen } = facts;
      const { outcome } = promise;
      return (
        asked.from === "node" &&
        seen.kind === "passed" &&
        serverOf(facts) === undefined &&
        (outcome.kind === "nobody" || (outcome.kind === "endpoints" && outcome.otherwise.includes("refused")))
      );
    },
  },
  {
    id: "virtual-server-passes-over-external-local",
    title: "externalTrafficPolicy Local, a client outside, and no endpoint on the node",
    reason:
      "a virtual server for which no local endpoint is left gets those of the whole cluster, and the source is kept",
    source: "kubernetes issues 93456 and 71596; pkg/proxy/ipvs/proxier.go syncEndpoint",
    advice: "load balancers have to look at the health check port; answers of endpoints elsewhere do not come back",
    explains: (facts) =>
      serverOf(facts) !== undefined &&
      facts.asked.from === "outside" &&
      by(facts, clauses.externalLocal) &&
      hasNoneThere(facts),
  },
  {
    id: "virtual-server-holds-insiders-to-local",
    title: "externalTrafficPolicy Local, and a client inside that calls an external IP or a load balancer address",
    reason:
      "a virtual server does not tell clients apart: the node's own endpoints get it, those that terminate where none is ready",
    source: "kubernetes issue 93456",
    advice: "let clients inside call the ClusterIP",
    explains: (facts) => {
      const { seen, promise, port } = facts;
      if (seen.kind !== "arrived" || serverOf(facts) === undefined || !by(facts, clauses.externalInside)) return false;
      return port?.on(promise.at).set.keys.has(endpointKey(seen.ip, seen.port)) === true;
    },
  },
  {
    id: "other-nodes-are-outsiders",
    title:
      "packets of other nodes' clients, to an external IP or a load balancer address of a Service with externalTrafficPolicy Local",
    reason:
      "rules know the node itself and the Pods that detectLocalMode tells as insiders; another node's address is to them one outside, which the policy holds for",
    source:
      "kubernetes pkg/proxy/iptables/proxier.go, KUBE-EXT chains: --src-type LOCAL and the local-traffic detector",
    advice: "nothing to do: packets of Pods and nodes meet the rules of their own node first",
    explains: (facts) => {
      const { asked, seen, promise, port } = facts;
      if (asked.from !== "peer" || serverOf(facts) !== undefined || !by(facts, clauses.externalInside)) return false;
      if (seen.kind !== "arrived") return hasNoneThere(facts);
      return port?.on(promise.at).set.keys.has(endpointKey(seen.ip, seen.port)) === true;
    },
  },
  {
    id: "virtual-server-passes-over-internal-local",
    title:
      "internalTrafficPolicy Local, no endpoint on the node, and a Service with a node port or an external address",
    reason: "the cluster's endpoints are at hand as the external side needs them, and the virtual server gets them",
    source: "kubernetes pkg/proxy/ipvs/proxier.go syncEndpoint, pkg/proxy/topology.go CategorizeEndpoints",
    advice: "a Service whose traffic must stay on the node has to be of type ClusterIP, without external addresses",
    explains: (facts) => serverOf(facts) !== undefined && by(facts, clauses.internalLocal) && hasNoneThere(facts),
  },
  {
    id: "node-address-as-external-address",
    title:
      "packets from, to or by way of a node's address that some Service has among its externalIPs or load balancer addresses",
    reason:
      "every other node binds the address to kube-ipvs0 and takes it for its own: it cannot reach that node there any more, nor its Pods over an overlay that is carried there",
    source: "kubernetes issues 127410 and 104679",
    advice: "take nodes' addresses out of externalIPs and load balancers' status",
    explains: meetsClaimed,
  },
  {
    id: "node-calls-from-the-external-address",
    title:
      "a process of a node that calls an external IP or a load balancer address of a Service with externalTrafficPolicy Local",
    reason:
      "the address is bound, so that routing makes it the source, and nothing masquerades it: an endpoint elsewhere answers itself",
    source:
      "kubernetes issue 93456; pkg/proxy/ipvs/proxier.go, sets KUBE-EXTERNAL-IP-LOCAL and KUBE-LOAD-BALANCER-LOCAL",
    advice: "let processes on nodes call the ClusterIP",
    explains: (facts) =>
      facts.asked.from === "node" &&
      by(facts, clauses.externalInside) &&
      !sameAddress(facts.last.dst, facts.packet.dst) &&
      sameAddress(facts.last.src, facts.packet.dst),
  },
  {
    id: "external-ips-under-local-are-refused",
    releases: [26, 27],
    title: "an external IP that is bound, of a Service with externalTrafficPolicy Local",
    reason:
      "KUBE-IPVS-FILTER refuses what is none of the addresses and ports in its sets, and does not look into KUBE-EXTERNAL-IP-LOCAL",
    source: "kubespray issue 10572",
    advice: "use 1.28 or later",
    explains: (facts) => by(facts, clauses.externalIPs) && facts.endedBy === "KUBE-IPVS-FILTER",
  },
  {
    id: "node-ports-masqueraded-by-number",
    title: "the number of a node port, on an address of a node that nodePortAddresses leaves out",
    reason:
      "the sets of node ports hold numbers and no addresses: the packet is the node's own business, and comes masqueraded",
    source: "kubernetes pkg/proxy/ipvs/ipset.go, KUBE-NODE-PORT-TCP and -UDP are bitmap:port",
    advice: "a process of the node that listens there sees the node itself as its client",
    explains: (facts) =>
      by(facts, clauses.nodePortAddresses) &&
      facts.seen.kind === "node" &&
      facts.host.sets.has(`KUBE-NODE-PORT-${facts.asked.protocol}`),
  },
];

/** The entries that explain a breach; none where it is news. */
export function explanationsOf(facts: BreachFacts, list: readonly Deviation[] = deviations): readonly Deviation[] {
  const { minor } = facts.intent.release;
  return list.filter(({ releases: [from, to] = [0, Number.POSITIVE_INFINITY], explains }) => {
    return minor >= from && minor <= to && explains(facts);
  });
}
