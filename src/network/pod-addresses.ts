import type { Cluster } from "../cluster/cluster.ts";
import type { Endpoint } from "../manifest/endpointslice.ts";
import type { Located } from "../manifest/object.ts";
import type { Pod } from "../manifest/pod.ts";
import { compareText } from "../net/compare.ts";
import { formatIP, type IPAddress, parseIP } from "../net/ip.ts";

/** A Pod with a network namespace of its own, on the node in question. */
export interface LocalPod {
  /** `namespace/name`, or the address of an endpoint that names no Pod. */
  readonly key: string;
  readonly addresses: readonly IPAddress[];
}

function podAddresses({ status }: Pod): IPAddress[] {
  const texts = status?.podIPs?.map(({ ip = "" }) => ip) ?? (status?.podIP === undefined ? [] : [status.podIP]);
  return texts.flatMap((text) => parseIP(text) ?? []);
}

const isOver = ({ status }: Pod): boolean => status?.phase === "Succeeded" || status?.phase === "Failed";

/** Every address of any Node: an endpoint there is a Pod on the host's network. */
function hostAddresses(cluster: Cluster): Set<string> {
  const addresses = cluster.nodes.flatMap(({ value }) => value.status?.addresses ?? []);
  return new Set(addresses.flatMap(({ address = "" }) => texts(parseIP(address))));
}

const texts = (ip: IPAddress | undefined): readonly string[] => (ip === undefined ? [] : [formatIP(ip)]);

function* endpointsOf(cluster: Cluster): Generator<Endpoint> {
  for (const { value } of cluster.endpointSlices) {
    if (value.addressType === "FQDN") continue;
    yield* value.endpoints ?? [];
  }
}

function keyOf(endpoint: Endpoint, address: IPAddress): string {
  const { targetRef } = endpoint;
  if (targetRef?.kind !== "Pod" || targetRef.name === undefined) return formatIP(address);
  return `${targetRef.namespace ?? ""}/${targetRef.name}`;
}

/** Pods of a node by name, then endpoints on it that are none of them; those on the host's network left out. */
export function localPods(cluster: Cluster, nodeName: string, pods: readonly Located<Pod>[]): readonly LocalPod[] {
  const ofHost = hostAddresses(cluster);
  const found: Map<string, IPAddress[]> = new Map();
  const known = new Set(ofHost);
  const add = (key: string, ip: IPAddress): void => {
    const text = formatIP(ip);
    if (known.has(text)) return;
    known.add(text);
    found.set(key, [...(found.get(key) ?? []), ip]);
  };
  for (const { value } of pods) {
    if (value.spec?.hostNetwork === true || isOver(value)) continue;
    const key = `${value.metadata.namespace ?? ""}/${value.metadata.name ?? ""}`;
    for (const ip of podAddresses(value)) {
      if (value.spec?.nodeName === nodeName) add(key, ip);
      else known.add(formatIP(ip));
    }
  }
  for (const endpoint of endpointsOf(cluster)) {
    if (endpoint.nodeName !== nodeName) continue;
    for (const text of endpoint.addresses ?? []) {
      const ip = parseIP(text);
      if (ip !== undefined) add(keyOf(endpoint, ip), ip);
    }
  }
  return [...found].map(([key, addresses]) => ({ key, addresses })).sort((a, b) => compareText(a.key, b.key));
}

/** Addresses of endpoints that name another node, each once, in the order of their texts; Nodes' own left out. */
export function remoteEndpoints(cluster: Cluster, nodeName: string): readonly IPAddress[] {
  const ofHost = hostAddresses(cluster);
  const found: Map<string, IPAddress> = new Map();
  for (const { nodeName: on, addresses = [] } of endpointsOf(cluster)) {
    if (on === undefined || on === "" || on === nodeName) continue;
    for (const text of addresses) {
      const ip = parseIP(text);
      if (ip !== undefined && !ofHost.has(formatIP(ip))) found.set(formatIP(ip), ip);
    }
  }
  return [...found].sort(([a], [b]) => compareText(a, b)).map(([, ip]) => ip);
}

/**
 * The node of each Pod address, by text: what Pods say, else endpoints; where several claim one, the first. Nodes' own
 * addresses left out.
 */
export function podNodes(cluster: Cluster, pods: readonly Located<Pod>[]): ReadonlyMap<string, string> {
  const ofHost = hostAddresses(cluster);
  const found: Map<string, string> = new Map();
  const add = (ip: IPAddress | undefined, nodeName: string | undefined): void => {
    if (ip === undefined || nodeName === undefined || nodeName === "") return;
    const text = formatIP(ip);
    if (!ofHost.has(text) && !found.has(text)) found.set(text, nodeName);
  };
  for (const { value } of pods) {
    if (value.spec?.hostNetwork === true || isOver(value)) continue;
    for (const ip of podAddresses(value)) add(ip, value.spec?.nodeName);
  }
  for (const { addresses = [], nodeName } of endpointsOf(cluster))
    for (const text of addresses) add(parseIP(text), nodeName);
  return found;
}
