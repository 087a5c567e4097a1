import { protocols, tcpFlag } from "../../kernel/packet.ts";
import { addressText } from "../../kernel/packet-text.ts";
import type { Side } from "../classes/space.ts";
import type { Compared } from "./compare.ts";
import {
  allArrive,
  arrived,
  comesBackUnmasked,
  countOfAddresses,
  endpointsOf,
  type Facts,
  factsFor,
  isExternal,
  isLocal,
  isLocalEndpoint,
  isRealServer,
  isRefused,
  isSilent,
  isTranslated,
  onlyLocal,
  ownAddressesOnly,
  owns,
  sameEndpoints,
} from "./facts.ts";
import { nodePortDifferences } from "./intended-node-ports.ts";
import { serviceAddressDifferences } from "./intended-service-addresses.ts";
import type { Subject } from "./subject.ts";

/** A difference that is known, and meant or at least accepted by those who make kube-proxy. */
export interface IntendedDifference {
  readonly id: string;
  readonly title: string;
  readonly reason: string;
  /** Where it is decided, or told. */
  readonly source: string;
  /** For an operator who changes from one side to the other. */
  readonly advice: string;
  /** It holds for all Services alike, and is told once. */
  readonly general?: true;
  /** Nobody has to do anything about it. */
  readonly harmless?: true;
  /** Does it explain what differs? Asked from both sides. */
  readonly explains: (facts: Facts) => boolean;
}

const FTP_DATA_PORT = 20;

/** The list, reviewed one by one. Each entry asks for what causes its difference, never for a mode. */
export const intendedDifferences: readonly IntendedDifference[] = [
  ...serviceAddressDifferences,
  {
    id: "source-port-20",
    general: true,
    title: "connections from source port 20 (FTP data)",
    reason: "ip_vs takes them for FTP data connections and does not schedule them: they get to the node itself",
    source: "ip_vs_schedule (net/netfilter/ipvs/ip_vs_core.c)",
    advice: "clients that bind port 20 do not get through to virtual servers; ordinary clients never do so",
    explains: ({ packet, server }) => packet.sport === FTP_DATA_PORT && server !== undefined,
  },
  {
    id: "tcp-without-syn",
    general: true,
    title: "TCP packets without SYN of no known connection",
    reason:
      "ip_vs schedules only packets with SYN, so the node itself answers with a reset; conntrack picks up such connections, and rules translate them as if they were new",
    source: "net.ipv4.vs.sloppy_tcp is 0, net.netfilter.nf_conntrack_tcp_loose is 1",
    advice:
      "connections that outlive a node's table (a restart, a change of mode) are reset at once by ip_vs; clients have to connect anew",
    explains: ({ packet, server, own }) =>
      packet.protocol === protocols.tcp &&
      (packet.flags & tcpFlag.SYN) === 0 &&
      server !== undefined &&
      !isTranslated(own),
  },
  {
    id: "endpoint-calls-over-another-node",
    harmless: true,
    title: "an endpoint that calls its own Service over a node that it is not on",
    reason:
      "rules masquerade whatever comes from an endpoint to itself, wherever it is; the set KUBE-LOOP-BACK holds endpoints of the node alone",
    source: "KUBE-LOOP-BACK (pkg/proxy/ipvs/proxier.go)",
    advice: "nothing to do: a Pod's packets meet the rules of its own node first",
    explains: (facts) =>
      isRealServer(facts) &&
      !isLocalEndpoint(facts) &&
      allArrive(facts.own) &&
      sameEndpoints(facts.own, facts.other) &&
      arrived(facts.own).every(({ from }) => from === undefined),
  },
  ...nodePortDifferences,
  {
    id: "local-policy-for-insiders",
    title: "Pods and nodes that call an external address or node port with externalTrafficPolicy Local",
    reason:
      "rules send what comes from inside the cluster to all endpoints, as to the ClusterIP; a virtual server has the endpoints of the node alone, for everybody",
    source: "KUBE-EXT chains (pkg/proxy/iptables/proxier.go); onlyNodeLocalEndpoints (pkg/proxy/ipvs/proxier.go)",
    advice:
      "insiders that call such an address get only the endpoints of the node that their packets meet: let them call the ClusterIP",
    explains: (facts) =>
      facts.server !== undefined &&
      isExternal(facts.subject) &&
      facts.subject?.localOnly === true &&
      onlyLocal(facts) &&
      !comesBackUnmasked(facts) &&
      isTranslated(facts.other) &&
      !sameEndpoints(facts.own, facts.other),
  },
  {
    id: "local-policy-without-local-endpoints",
    title: "a traffic policy Local, and no endpoint on the node",
    reason:
      "rules drop such packets; a virtual server that has no endpoint on the node gets those of other nodes, where the Service can be reached from outside",
    source: "syncEndpoint with onlyNodeLocalEndpoints (pkg/proxy/ipvs/proxier.go)",
    advice:
      "load balancers have to look at the health check port, as replies of endpoints elsewhere do not come back over this node; internalTrafficPolicy Local does not keep clients of the ClusterIP on their node",
    explains: ({ subject, server, own, other }) =>
      server !== undefined &&
      subject?.localOnly === true &&
      isSilent(other) &&
      isTranslated(own) &&
      endpointsOf(own).every((text) => !isLocal(subject, text)),
  },
  {
    id: "cluster-ip-local-without-endpoints",
    title: "internalTrafficPolicy Local, no endpoint on the node",
    reason: "rules drop such packets silently; a virtual server without real servers answers port unreachable",
    source: "KEP-2086; ip_vs_leave (net/netfilter/ipvs/ip_vs_core.c)",
    advice: "clients learn at once what was a time-out, or the other way round",
    explains: ({ subject, server, own, other }) =>
      subject?.by === "ClusterIP" &&
      subject.localOnly &&
      server?.realServers.length === 0 &&
      isRefused(own) &&
      isSilent(other),
  },
  {
    id: "no-endpoints-from-the-node",
    title: "the node itself calls an external address of a Service without endpoints",
    reason:
      "rules for external addresses without endpoints stand in INPUT and FORWARD, not in OUTPUT: the packet leaves the node; a virtual server refuses it",
    source: "KUBE-EXTERNAL-SERVICES (pkg/proxy/iptables/proxier.go)",
    advice: "what is outside at that address gets the node's packets in iptables mode only",
    explains: ({ isSent, subject, server, own, other }) =>
      isSent &&
      isExternal(subject) &&
      server?.realServers.length === 0 &&
      isRefused(own) &&
      allArrive(other) &&
      !isTranslated(other),
  },
  {
    id: "node-seen-by-another-own-address",
    title: "which of its own addresses the node is seen by",
    reason:
      "the node's own packets are masqueraded on one side and not on the other, or the address was chosen for another destination",
    source: "source selection of the kernel; KUBE-MARK-MASQ",
    advice: "endpoints that look at the address of a node have to expect each of its addresses",
    explains: (facts) => facts.isSent && ownAddressesOnly(facts),
  },
  {
    id: "node-seen-by-the-service-address",
    title: "the node itself calls an address of a Service with externalTrafficPolicy Local",
    reason:
      "the address is the node's own where it is bound to kube-ipvs0, so packets to it have it as their source; without masquerading the endpoint elsewhere answers to it, and that answer is taken in by its own node",
    source:
      "kube-ipvs0; KUBE-LOAD-BALANCER-LOCAL, KUBE-EXTERNAL-IP-LOCAL and KUBE-NODE-PORT-LOCAL-* are not masqueraded (pkg/proxy/ipvs/proxier.go)",
    advice: "processes on nodes should call the ClusterIP: such calls may time out",
    explains: ({ isSent, subject, packet, own, other }) =>
      isSent &&
      isExternal(subject) &&
      subject?.localOnly === true &&
      owns(own, packet.dst) &&
      !owns(other, packet.dst) &&
      isTranslated(own) &&
      arrived(own).some(({ from }) => from === addressText(packet.dst)),
  },
  {
    id: "node-without-an-address",
    title: "a node that has no address of the family but those of Services",
    reason:
      "where Services' addresses are bound to kube-ipvs0 such a node has addresses all the same: it sends, answers and masquerades with one of them",
    source: "kube-ipvs0 (pkg/proxy/ipvs/proxier.go)",
    advice: "give the node an address of the family, or the Services none",
    explains: ({ own, other, packet }) =>
      countOfAddresses(other.host, packet) === 0 && countOfAddresses(own.host, packet) > 0,
  },
  {
    id: "source-ranges-without-endpoints",
    title: "loadBalancerSourceRanges of a Service without endpoints",
    reason:
      "rules refuse packets to a port without endpoints before they look at ranges; with virtual servers the ranges are asked first, and drop",
    source: "KUBE-PROXY-FIREWALL (pkg/proxy/ipvs/proxier.go)",
    advice: "clients outside of the ranges time out where they were refused, or the other way round",
    explains: ({ subject, server, own, other }) =>
      subject?.hasSourceRanges === true && server?.realServers.length === 0 && isSilent(own) && isRefused(other),
  },
  {
    id: "source-ranges-from-the-node",
    title: "loadBalancerSourceRanges, seen from the node itself",
    reason:
      "the node's own packets to an address that is bound to kube-ipvs0 carry that address as their source: they pass where kube-proxy's own node address (bindAddress, or the Node's) lies in the ranges, before 1.29 wherever it lies; rules see the address that routing chose",
    source:
      "KUBE-LOAD-BALANCER-SOURCE-IP, KUBE-IPVS-OUT-FILTER (pkg/proxy/ipvs/proxier.go, kubernetes/kubernetes#119791)",
    advice:
      "source ranges keep processes on nodes out on one side only: let them call the ClusterIP, and let either all addresses of the nodes lie in the ranges or none",
    explains: ({ isSent, server, subject, own, other }) =>
      server !== undefined && isSent && subject?.hasSourceRanges === true && isTranslated(own) && isSilent(other),
  },
];

/** The first entry of the list that explains a difference, from either side; `undefined`: nothing does, it is a finding. */
export function intendedOf(
  compared: Compared,
  left: Side,
  right: Side,
  subject: Subject | undefined,
  list: readonly IntendedDifference[] = intendedDifferences,
): IntendedDifference | undefined {
  const [a, b] = compared.fates;
  const views = [factsFor(compared, left, right, [a, b], subject), factsFor(compared, right, left, [b, a], subject)];
  return list.find(({ explains }) => views.some(explains));
}
