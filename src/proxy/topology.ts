import { compareText } from "../net/compare.ts";
import type { Endpoint } from "./endpoints.ts";
import { type ServicePort, usesClusterEndpoints, usesLocalEndpoints } from "./serviceport.ts";
import type { ProxyTraits } from "./traits.ts";

/** The usable endpoints of a service port on a node (iptables-mode §1.6, upstream `CategorizeEndpoints`). */
export interface UsableEndpoints {
  /** For traffic with policy Cluster, after topology hints. */
  readonly cluster: readonly Endpoint[];
  /** For traffic with policy Local. */
  readonly local: readonly Endpoint[];
  /** Every endpoint that some rule of this node leads to, sorted by text. */
  readonly reachable: readonly Endpoint[];
  /** Is there a usable endpoint on any node? */
  readonly hasEndpoints: boolean;
  /** Which hints decided `cluster`. */
  readonly topology: TopologyMode;
  /** The list fell back to terminating endpoints, as no ready one was left. */
  readonly clusterFallback: boolean;
  readonly localFallback: boolean;
}

export type TopologyMode = "none" | "PreferSameNode" | "PreferSameZone";

/** Where the node stands, as far as hints know. */
export interface TopologyPlace {
  readonly nodeName: string;
  readonly zone: string;
}

/** Only ready endpoints vote; all must carry a hint and one of them must name this node or zone (§1.7). */
function topologyMode(endpoints: readonly Endpoint[], place: TopologyPlace): TopologyMode {
  let nodeHinted = true;
  let zoneHinted = true;
  let nodeHit = false;
  let zoneHit = false;
  let ready = false;
  for (const endpoint of endpoints) {
    if (!endpoint.ready) continue;
    ready = true;
    nodeHinted &&= endpoint.nodeHints.length > 0;
    zoneHinted &&= endpoint.zoneHints.length > 0;
    nodeHit ||= endpoint.nodeHints.includes(place.nodeName);
    zoneHit ||= endpoint.zoneHints.includes(place.zone);
  }
  if (!ready) return "none";
  if (nodeHinted && nodeHit) return "PreferSameNode";
  return zoneHinted && zoneHit ? "PreferSameZone" : "none";
}

function isAvailable(endpoint: Endpoint, mode: TopologyMode, place: TopologyPlace): boolean {
  if (mode === "none") return true;
  return mode === "PreferSameNode"
    ? endpoint.nodeHints.includes(place.nodeName)
    : endpoint.zoneHints.includes(place.zone);
}

function union(cluster: readonly Endpoint[], local: readonly Endpoint[]): readonly Endpoint[] {
  const byText = new Map<string, Endpoint>();
  for (const endpoint of cluster) byText.set(endpoint.text, endpoint);
  for (const endpoint of local) byText.set(endpoint.text, endpoint);
  return [...byText.values()].sort((a, b) => compareText(a.text, b.text));
}

/** The endpoints that pass; the list itself when all do, which spares large clusters a copy of each list. */
function those(endpoints: readonly Endpoint[], passes: (endpoint: Endpoint) => boolean): readonly Endpoint[] {
  return endpoints.every(passes) ? endpoints : endpoints.filter(passes);
}

const NOTHING: UsableEndpoints = {
  cluster: [],
  local: [],
  reachable: [],
  hasEndpoints: false,
  topology: "none",
  clusterFallback: false,
  localFallback: false,
};

/** Releases without lists by policy: every ready endpoint counts, local or not. */
function readyEndpoints(endpoints: readonly Endpoint[], port: ServicePort): UsableEndpoints {
  // under internal policy Local everything but external Local traffic is cut to this node's (upstream FilterEndpoints)
  const onlyLocal = port.internalPolicyLocal && !port.externalPolicyLocal;
  const ready = those(endpoints, (endpoint) => endpoint.ready && (endpoint.local || !onlyLocal));
  return {
    ...NOTHING,
    cluster: ready,
    local: ready.filter((endpoint) => endpoint.local),
    reachable: ready,
    hasEndpoints: ready.length > 0,
  };
}

/** Chooses among the sorted endpoints of a service port; every list keeps their order. */
export function categorizeEndpoints(
  endpoints: readonly Endpoint[],
  port: ServicePort,
  place: TopologyPlace,
  traits: ProxyTraits,
): UsableEndpoints {
  if (!traits.policyLists) return readyEndpoints(endpoints, port);
  if (endpoints.length === 0) return NOTHING;
  const isDraining = (endpoint: Endpoint): boolean =>
    traits.terminatingEndpoints && endpoint.serving && endpoint.terminating;
  let topology: TopologyMode = "none";
  let cluster: readonly Endpoint[] = [];
  let clusterFallback = false;
  if (usesClusterEndpoints(port)) {
    topology = traits.topologyHints && port.usesHints ? topologyMode(endpoints, place) : "none";
    cluster = those(endpoints, (endpoint) => endpoint.ready && isAvailable(endpoint, topology, place));
    if (cluster.length === 0) {
      cluster = endpoints.filter(isDraining);
      clusterFallback = cluster.length > 0;
    }
  }
  if (!usesLocalEndpoints(port)) {
    return { ...NOTHING, cluster, reachable: cluster, hasEndpoints: cluster.length > 0, topology, clusterFallback };
  }
  const hasEndpoints = endpoints.some((endpoint) => endpoint.ready || isDraining(endpoint));
  let local: readonly Endpoint[] = endpoints.filter((endpoint) => endpoint.local && endpoint.ready);
  let localFallback = false;
  if (local.length === 0) {
    local = endpoints.filter((endpoint) => endpoint.local && isDraining(endpoint));
    localFallback = local.length > 0;
  }
  const clusterIsSuperset = usesClusterEndpoints(port) && topology === "none" && !localFallback;
  const reachable = !usesClusterEndpoints(port) ? local : clusterIsSuperset ? cluster : union(cluster, local);
  return { cluster, local, reachable, hasEndpoints, topology, clusterFallback, localFallback };
}
