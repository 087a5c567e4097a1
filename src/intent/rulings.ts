import { type Clause, clauses } from "./clauses.ts";
import type { Frontend } from "./frontends.ts";
import { anyEndpoint, eitherOf, localEndpoint, orDropped, type Ruling, unsaid } from "./outcomes.ts";
import { isInternal, type PacketAtNode } from "./packet.ts";
import type { Whereabouts } from "./preference.ts";
import { isPromisedBy } from "./releases.ts";
import type { ServicePort } from "./service-port.ts";
import { isKnownPod, type SourceFacts } from "./source-address.ts";
import { restriction } from "./source-ranges.ts";

/** A packet to a frontend, and what a ruling needs to know beside them. */
export interface Asked {
  readonly packet: PacketAtNode;
  readonly port: ServicePort;
  /** Where the packet meets the Service: the node that it comes to, or the one whose address it is sent to. */
  readonly at: Whereabouts;
  readonly release: { readonly minor: number };
  readonly sources: SourceFacts;
}

/**
 * `ServiceSpec.clusterIPs`: inside the cluster the address leads to the endpoints, to those that `internalTrafficPolicy` allows. The
 * node of the client handles its traffic: of what comes from elsewhere nothing is said.
 */
function clusterIPRuling({ packet, port, at, release }: Asked): Ruling {
  if (packet.from === "outside" || packet.from === "peer") return unsaid(clauses.insideOnly);
  const anywhere = anyEndpoint(port, at, clauses.internalCluster);
  if (!port.internalLocal) return anywhere;
  const local = localEndpoint(port, at.node, ["dropped", "refused"], clauses.internalLocal);
  const unused = port.externalLocal && !isPromisedBy(release, "bothPolicies");
  return unused ? eitherOf(anywhere, local, clauses.internalLocal) : local;
}

/** `ServiceSpec.externalTrafficPolicy` for a client outside. */
function outsideRuling({ port, at }: Asked): Ruling {
  return port.externalLocal
    ? localEndpoint(port, at.node, ["dropped"], clauses.externalLocal)
    : anyEndpoint(port, at, clauses.externalCluster);
}

/**
 * `ServiceSpec.externalTrafficPolicy`: traffic to an external IP or a load balancer address from inside the cluster always gets
 * Cluster semantics, as far as the release says so and the operator lets kube-proxy know Pods as such.
 */
function externalRuling(asked: Asked): Ruling {
  const { packet, port, at, release, sources } = asked;
  if (!isInternal(packet)) return outsideRuling(asked);
  if (!port.externalLocal) return anyEndpoint(port, at, clauses.externalCluster);
  const anywhere = anyEndpoint(port, at, clauses.externalInside);
  const either = (by: Clause): Ruling => eitherOf(anywhere, outsideRuling(asked), by);
  if (!isPromisedBy(release, "internalClientsGetCluster")) return either(clauses.externalLocal);
  return packet.from === "pod" && !isKnownPod(packet, sources) ? either(clauses.unknownPod) : anywhere;
}

/** `ServiceSpec.loadBalancerSourceRanges` restricts what comes to load balancer addresses, and nothing else. */
function loadBalancerRuling(asked: Asked): Ruling {
  const open = externalRuling(asked);
  switch (restriction(asked.port.ranges, asked.packet)) {
    case "open":
      return open;
    case "unsaid":
      return orDropped(open, clauses.sourceRangesInside);
    case "closed":
      return closed(open);
  }
}

/** A Service that has nobody to restrict may refuse what it would drop. */
function closed(open: Ruling): Ruling {
  const refuses =
    open.outcome.kind === "nobody" || (open.outcome.kind === "endpoints" && open.outcome.otherwise.length > 0);
  return {
    outcome: { kind: "nobody", how: refuses ? ["dropped", "refused"] : ["dropped"] },
    clauses: [clauses.sourceRanges],
  };
}

/** `ServicePort.nodePort`: as an external address; clients inside may be held to the policy of the node that they call, or not. */
function nodePortRuling(asked: Asked): Ruling {
  const { packet, port, at } = asked;
  if (!isInternal(packet) || !port.externalLocal) return outsideRuling(asked);
  return eitherOf(anyEndpoint(port, at, clauses.externalInside), outsideRuling(asked), clauses.nodePortInside);
}

/** What becomes of a packet to a frontend that the Service is promised to have. */
export function rulingOf({ kind }: Frontend, asked: Asked): Ruling {
  switch (kind) {
    case "ClusterIP":
      return clusterIPRuling(asked);
    case "ExternalIP":
      return externalRuling(asked);
    case "LoadBalancer":
      return loadBalancerRuling(asked);
    case "NodePort":
      return nodePortRuling(asked);
  }
}
