import { allArrive, isHealthCheckPort, isPortUnreachable, isSilent, isTranslated, owns } from "./facts.ts";
import type { IntendedDifference } from "./intended.ts";

/** Entries of the list about Services' addresses at ports that the Services have not. */
export const serviceAddressDifferences: readonly IntendedDifference[] = [
  {
    id: "service-address-without-port",
    general: true,
    title: "a Service's address at a port that the Service has not",
    reason:
      "where Services' addresses are bound to kube-ipvs0, what no virtual server takes is for the node itself, which refuses it; where they are in rules alone, no rule names such packets, and they are routed like any others",
    source: "KUBE-IPVS-FILTER (pkg/proxy/ipvs/proxier.go)",
    advice:
      "probes of Service addresses at other ports are refused at once where they were routed away, or the other way round",
    explains: ({ packet, own, other, server }) =>
      server === undefined &&
      owns(own, packet.dst) &&
      !owns(other, packet.dst) &&
      isPortUnreachable(own) &&
      !isTranslated(other) &&
      !isSilent(other),
  },
  {
    id: "health-check-port-on-service-address",
    general: true,
    title: "the number of a health check port, at a Service's address",
    reason:
      "where Services' addresses are bound to kube-ipvs0, the rules that refuse other ports there leave health check ports out, so that the node itself answers on each such address; where the addresses are in rules alone, no rule names such packets",
    source: "KUBE-HEALTH-CHECK-NODE-PORT in KUBE-IPVS-FILTER (pkg/proxy/ipvs/proxier.go)",
    advice: "whoever reaches a Service's address reaches the health check server behind it, too",
    explains: (facts) =>
      facts.server === undefined &&
      owns(facts.own, facts.packet.dst) &&
      !owns(facts.other, facts.packet.dst) &&
      isHealthCheckPort(facts) &&
      allArrive(facts.own) &&
      !isTranslated(facts.own) &&
      !isTranslated(facts.other) &&
      !isSilent(facts.other),
  },
];
