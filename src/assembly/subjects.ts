import type { Cluster } from "../cluster/cluster.ts";
import { protocols } from "../kernel/packet.ts";
import { addressText } from "../kernel/packet-text.ts";
import { canonicalIP, isLoopback, parseIP } from "../net/ip.ts";
import type { SubjectOf } from "../verify/equivalence/subject.ts";
import { frontendsOf, portText, serviceKey } from "./frontends.ts";

const SERVICE_NAME = "kubernetes.io/service-name";

const PROTOCOLS: ReadonlyMap<number, string> = new Map([
  [protocols.tcp, "TCP"],
  [protocols.udp, "UDP"],
  [protocols.sctp, "SCTP"],
]);

/** Addresses of endpoints on a node, by Service. */
function endpointsOn(cluster: Cluster, node: string): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  for (const { value } of cluster.endpointSlices) {
    const key = `${value.metadata.namespace ?? ""}/${value.metadata.labels?.[SERVICE_NAME] ?? ""}`;
    const addresses = found.get(key) ?? new Set<string>();
    found.set(key, addresses);
    for (const { nodeName, addresses: texts = [] } of value.endpoints ?? [])
      if (nodeName === node) for (const text of texts) addresses.add(canonicalIP(text) ?? text);
  }
  return found;
}

/** Node ports are looked up at it: no Service has it. */
const LOCALHOST = "127.0.0.1";

const none: ReadonlySet<string> = new Set();

function isLoopbackText(text: string): boolean {
  const ip = parseIP(text);
  return ip !== undefined && isLoopback(ip);
}

/** Finds what packets at a node ask for; `isNode` tells the node's own addresses, which node ports may answer on, as on loopback. */
export function subjectsAt(cluster: Cluster, node: string, isNode: (address: string) => boolean): SubjectOf {
  const frontends = frontendsOf(cluster, (text) => isNode(text) || isLoopbackText(text));
  const local = endpointsOn(cluster, node);
  return ({ dst, dport, protocol }) => {
    const name = PROTOCOLS.get(protocol);
    const found = name === undefined ? undefined : frontends.find(addressText(dst), dport, name);
    if (found === undefined) return undefined;
    const { service, portIndex, by } = found;
    const { internalTrafficPolicy, externalTrafficPolicy, loadBalancerSourceRanges = [] } = service.spec ?? {};
    return {
      service: serviceKey(service),
      port: portText(service, portIndex),
      by,
      localOnly: (by === "ClusterIP" ? internalTrafficPolicy : externalTrafficPolicy) === "Local",
      hasNodePortNumber: frontends.find(LOCALHOST, dport, name ?? "")?.by === "node port",
      hasSourceRanges: by === "load balancer IP" && loadBalancerSourceRanges.length > 0,
      localEndpoints: local.get(serviceKey(service)) ?? none,
    };
  };
}
