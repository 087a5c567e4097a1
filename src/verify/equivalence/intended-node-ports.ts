import {
  arrived,
  hasVirtualServers,
  isLoopback,
  isRefused,
  isSilent,
  isTranslated,
  owns,
  sameEndpoints,
} from "./facts.ts";
import type { IntendedDifference } from "./intended.ts";

/** Entries of the list about node ports. */
export const nodePortDifferences: readonly IntendedDifference[] = [
  {
    id: "node-port-on-loopback",
    title: "node ports on loopback addresses",
    reason:
      "node ports have no virtual servers on loopback addresses; rules take every local address, and route_localnet lets the packets out",
    source: "iptables.localhostNodePorts of the configuration; nodeIPs of pkg/proxy/ipvs/proxier.go",
    advice: "whoever calls localhost:NODEPORT on a node has to call one of the node's addresses",
    explains: ({ packet, own, subject }) =>
      hasVirtualServers(own) && isLoopback(packet) && subject?.by === "node port" && !isTranslated(own),
  },
  {
    id: "node-port-without-endpoints",
    title: "a node port without endpoints, at an address that node ports are not for",
    reason:
      "rules refuse or drop what asks for the port at any of the node's addresses; virtual servers are made for the addresses of node ports alone, so at others a process of the node may listen",
    source: "KUBE-EXTERNAL-SERVICES asks for --dst-type LOCAL (kubernetes/kubernetes#97360)",
    advice: "nothing to do, unless a process of the node listens at the port of a Service",
    explains: ({ subject, server, own, other }) =>
      hasVirtualServers(own) &&
      subject?.by === "node port" &&
      server === undefined &&
      own.fates.every(({ kind }) => kind === "delivered") &&
      !isTranslated(own) &&
      (isRefused(other) || isSilent(other)),
  },
  {
    id: "service-port-like-a-node-port",
    title: "a Service's port that has the number of a node port",
    reason:
      "where Services' addresses are bound to kube-ipvs0 they are the node's own, and the sets of node ports hold numbers without addresses: packets to that number at any such address are masqueraded as those to a node port are; rules ask for the address, too",
    source: "KUBE-NODE-PORT-TCP, KUBE-NODE-PORT-UDP (pkg/proxy/ipvs/proxier.go); bitmap:port holds no address",
    advice:
      "endpoints see the node in place of the client: give the Service's port a number outside of the range of node ports",
    explains: ({ subject, server, own, other, packet }) =>
      subject?.hasNodePortNumber === true &&
      subject.by !== "node port" &&
      server !== undefined &&
      owns(own, packet.dst) &&
      !owns(other, packet.dst) &&
      sameEndpoints(own, other) &&
      arrived(own).every(({ from }) => from !== undefined) &&
      arrived(other).some(({ from }) => from === undefined),
  },
];
