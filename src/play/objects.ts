import type { EndpointSlice } from "../manifest/endpointslice.ts";
import type { Located } from "../manifest/object.ts";
import type { Pod } from "../manifest/pod.ts";
import type { Manifests } from "../manifest/read-manifests.ts";
import type { Service } from "../manifest/service.ts";
import { canonicalIP } from "../net/ip.ts";

/** The kinds of objects that a play can change. */
export type Bucket = "services" | "endpointSlices" | "nodes" | "pods";

export const buckets: readonly Bucket[] = ["services", "endpointSlices", "nodes", "pods"];

/** How kubectl names them, and whether they have a namespace. */
export const bucketNames: Readonly<Record<Bucket, { readonly word: string; readonly namespaced: boolean }>> = {
  services: { word: "service", namespaced: true },
  endpointSlices: { word: "endpointslice.discovery.k8s.io", namespaced: true },
  nodes: { word: "node", namespaced: false },
  pods: { word: "pod", namespaced: true },
};

type Named = Located<{ readonly metadata: { readonly namespace?: string; readonly name?: string } }>;

/** `NAMESPACE/NAME`, or `NAME` for kinds without a namespace. */
export function objectKey({ value: { metadata } }: Named, bucket: Bucket, namespace: string): string {
  const name = metadata.name ?? "";
  return bucketNames[bucket].namespaced ? `${metadata.namespace || namespace}/${name}` : name;
}

/** What became of one object that was applied, in kubectl's words. */
export interface Applied {
  readonly bucket: Bucket;
  readonly key: string;
  readonly what: "created" | "configured" | "unchanged";
}

type Spec = NonNullable<Service["spec"]>;
type Ports = NonNullable<Spec["ports"]>;

const hasAddress = (spec: Spec): boolean => spec.type !== "ExternalName" && spec.clusterIP !== "None";

/** Node ports of a new list of ports where none is written: those that the same port had. */
function keepNodePorts(before: Ports, after: Ports): Ports {
  const known = new Map(before.map(({ port, protocol = "TCP", nodePort }) => [`${protocol} ${port}`, nodePort]));
  return after.map((each) => {
    const nodePort = each.nodePort ?? known.get(`${each.protocol ?? "TCP"} ${each.port}`);
    return nodePort === undefined ? each : { ...each, nodePort };
  });
}

/** An update keeps what the API server once allocated and the update does not name (`patchAllocatedValues`), and the status. */
function keepAllocated(before: Service, after: Service): Service {
  const [old, now] = [before.spec ?? {}, after.spec ?? {}];
  const status = after.status ?? (now.type === "LoadBalancer" ? before.status : undefined);
  let spec = now;
  if (hasAddress(old) && hasAddress(now)) {
    const { clusterIP, clusterIPs, ipFamilies, ipFamilyPolicy, healthCheckNodePort } = old;
    const given = { clusterIP, clusterIPs, ipFamilies, ipFamilyPolicy };
    const kept = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
    if (now.clusterIP === undefined && now.clusterIPs === undefined) spec = { ...kept, ...spec };
    const exposed = (each: Spec): boolean => each.type === "NodePort" || each.type === "LoadBalancer";
    if (exposed(old) && exposed(now)) spec = { ...spec, ports: keepNodePorts(old.ports ?? [], now.ports ?? []) };
    if (
      spec.healthCheckNodePort === undefined &&
      healthCheckNodePort !== undefined &&
      now.externalTrafficPolicy === "Local"
    )
      spec = { ...spec, healthCheckNodePort };
  }
  return { ...after, spec, ...(status === undefined ? {} : { status }) };
}

function applyTo(
  before: Manifests,
  given: Manifests,
  bucket: Bucket,
  namespace: string,
): { readonly list: readonly Named[]; readonly applied: readonly Applied[] } {
  const byKey = new Map<string, Named>(
    (before[bucket] as readonly Named[]).map((each) => [objectKey(each, bucket, namespace), each]),
  );
  const applied = (given[bucket] as readonly Named[]).map((each): Applied => {
    const key = objectKey(each, bucket, namespace);
    const old = byKey.get(key);
    const value =
      old !== undefined && bucket === "services"
        ? keepAllocated(old.value as Service, each.value as Service)
        : each.value;
    byKey.set(key, { ...each, value });
    const same = old !== undefined && JSON.stringify(old.value) === JSON.stringify(value);
    return { bucket, key, what: old === undefined ? "created" : same ? "unchanged" : "configured" };
  });
  return { list: [...byKey.values()], applied };
}

/** Puts objects beside the others, or in the place of those of the same kind and name. */
export function applyObjects(
  before: Manifests,
  given: Manifests,
  namespace: string,
): { readonly after: Manifests; readonly applied: readonly Applied[] } {
  const results = buckets.map((bucket) => ({ bucket, ...applyTo(before, given, bucket, namespace) }));
  const lists = Object.fromEntries(results.map(({ bucket, list }) => [bucket, list]));
  return { after: { ...before, ...lists }, applied: results.flatMap(({ applied }) => applied) };
}

/** Takes objects away by their keys. */
export function withoutObjects(
  before: Manifests,
  bucket: Bucket,
  keys: ReadonlySet<string>,
  namespace: string,
): Manifests {
  const list = (before[bucket] as readonly Named[]).filter((each) => !keys.has(objectKey(each, bucket, namespace)));
  return { ...before, [bucket]: list };
}

/** Takes a Pod's endpoints out of all slices of its namespace, as their controller does when the Pod is gone; and how many these were. */
export function withoutEndpointsOf(
  before: Manifests,
  { metadata, status }: Pod,
  namespace: string,
): { readonly after: Manifests; readonly count: number } {
  const own = metadata.namespace || namespace;
  const texts = status?.podIPs?.map(({ ip = "" }) => ip) ?? [status?.podIP ?? ""];
  const addresses = new Set(texts.flatMap((text) => canonicalIP(text) ?? []));
  let count = 0;
  const endpointSlices = before.endpointSlices.map((slice) => {
    if ((slice.value.metadata.namespace || namespace) !== own) return slice;
    const kept = (slice.value.endpoints ?? []).filter(({ targetRef, addresses: [text = ""] = [] }) => {
      const named = targetRef?.kind === "Pod" && targetRef.name === metadata.name;
      return !named && !addresses.has(canonicalIP(text) ?? "");
    });
    const gone = (slice.value.endpoints ?? []).length - kept.length;
    count += gone;
    return gone === 0 ? slice : { ...slice, value: { ...slice.value, endpoints: kept } };
  });
  return { after: { ...before, endpointSlices }, count };
}

/** Does a slice belong to a Service (`NAMESPACE/NAME`)? */
export function isSliceOf({ value }: Located<EndpointSlice>, service: string, namespace: string): boolean {
  const { metadata } = value;
  return `${metadata.namespace || namespace}/${metadata.labels?.["kubernetes.io/service-name"] ?? ""}` === service;
}
