import type { Endpoints } from "../manifest/endpoints.ts";
import type { EndpointPort, EndpointSlice } from "../manifest/endpointslice.ts";
import type { LoadBalancerIngress, Service, ServicePortSpec, ServiceSpec } from "../manifest/service.ts";
import { isExternallyAccessible } from "./validation/service-kind.ts";

/** `DefaultClientIPServiceAffinitySeconds`: three hours. */
const AFFINITY_SECONDS = 10800;

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Applies `change` to each member; the very same list when no member changes. */
function mapChanged<T>(list: readonly T[], change: (member: T) => T): readonly T[] {
  let changed: T[] | undefined;
  for (const [i, member] of list.entries()) {
    const next = change(member);
    if (next !== member) {
      changed ??= list.slice();
      changed[i] = next;
    }
  }
  return changed ?? list;
}

function defaultServicePort(port: ServicePortSpec): ServicePortSpec {
  const noProtocol = port.protocol === undefined || port.protocol === "";
  const noTarget = port.targetPort === undefined || port.targetPort === 0 || port.targetPort === "";
  // an absent port is 0 upstream, and the target follows it
  const targetPort = noTarget ? (port.port ?? 0) : port.targetPort;
  if (!noProtocol && targetPort === port.targetPort) return port;
  return { ...port, ...(noProtocol && { protocol: "TCP" }), ...(targetPort !== undefined && { targetPort }) };
}

/** Session affinity: `None` drops the config, `ClientIP` fills its timeout. */
function defaultAffinity(spec: Writable<ServiceSpec>): void {
  if (spec.sessionAffinity === undefined || spec.sessionAffinity === "") spec.sessionAffinity = "None";
  if (spec.sessionAffinity === "None") delete spec.sessionAffinityConfig;
  if (spec.sessionAffinity !== "ClientIP") return;
  if (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds === undefined) {
    spec.sessionAffinityConfig = { clientIP: { timeoutSeconds: AFFINITY_SECONDS } };
  }
}

function defaultPolicies(spec: Writable<ServiceSpec>): void {
  const noExternal = spec.externalTrafficPolicy === undefined || spec.externalTrafficPolicy === "";
  if (noExternal && isExternallyAccessible(spec)) spec.externalTrafficPolicy = "Cluster";
  const proxied = spec.type === "NodePort" || spec.type === "LoadBalancer" || spec.type === "ClusterIP";
  if (proxied && spec.internalTrafficPolicy === undefined) spec.internalTrafficPolicy = "Cluster";
}

function defaultIngress(ingress: LoadBalancerIngress): LoadBalancerIngress {
  const missing = ingress.ip !== undefined && ingress.ip !== "" && ingress.ipMode === undefined;
  return missing ? { ...ingress, ipMode: "VIP" } : ingress;
}

function sameMembers(a: object, b: object): boolean {
  const left = Object.entries(a);
  const right = b as Readonly<Record<string, unknown>>;
  return left.length === Object.keys(b).length && left.every(([key, value]) => value === right[key]);
}

/**
 * The static defaults of a v1 Service (`SetDefaults_Service`, cluster-model §1.2, v1.37): what does not depend on
 * the cluster. Nothing is allocated. Returns the same object when nothing is missing.
 */
export function defaultService(service: Service): Service {
  const written = service.spec ?? {};
  const spec: Writable<ServiceSpec> = { ...written };
  defaultAffinity(spec);
  if (spec.type === undefined || spec.type === "") spec.type = "ClusterIP";
  if (spec.ports !== undefined) spec.ports = mapChanged(spec.ports, defaultServicePort);
  defaultPolicies(spec);
  let status = service.status;
  if (spec.type === "LoadBalancer") {
    spec.allocateLoadBalancerNodePorts ??= true;
    const before = status?.loadBalancer?.ingress;
    if (status !== undefined && before !== undefined) {
      const ingress = mapChanged(before, defaultIngress);
      if (ingress !== before) status = { ...status, loadBalancer: { ...status.loadBalancer, ingress } };
    }
  }
  const sameSpec = service.spec !== undefined && sameMembers(spec, written);
  if (sameSpec && status === service.status) return service;
  return { ...service, spec: sameSpec ? written : spec, ...(status !== undefined && { status }) };
}

/**
 * Makes `clusterIPs` of a lone `clusterIP`, as the API server does before it looks at either
 * (`normalizeClusterIPs` on create). The other direction is left to validation, which refuses it.
 */
export function syncClusterIPs(service: Service): Service {
  const { clusterIP = "", clusterIPs = [] } = service.spec ?? {};
  if (clusterIP === "" || clusterIPs.length > 0) return service;
  return { ...service, spec: { ...service.spec, clusterIPs: [clusterIP] } };
}

function defaultEndpointPort(port: EndpointPort): EndpointPort {
  if (port.name !== undefined && port.protocol !== undefined) return port;
  return { ...port, name: port.name ?? "", protocol: port.protocol ?? "TCP" };
}

/** The defaults of a discovery v1 EndpointSlice: port name "" and protocol TCP where absent (`""` is kept). */
export function defaultEndpointSlice(slice: EndpointSlice): EndpointSlice {
  if (slice.ports === undefined) return slice;
  const ports = mapChanged(slice.ports, defaultEndpointPort);
  return ports === slice.ports ? slice : { ...slice, ports };
}

/** The defaults of a v1 Endpoints object: protocol TCP where absent or empty. */
export function defaultEndpoints(endpoints: Endpoints): Endpoints {
  if (endpoints.subsets === undefined) return endpoints;
  const subsets = mapChanged(endpoints.subsets, (subset) => {
    if (subset.ports === undefined) return subset;
    const ports = mapChanged(subset.ports, (port) =>
      port.protocol === undefined || port.protocol === "" ? { ...port, protocol: "TCP" } : port,
    );
    return ports === subset.ports ? subset : { ...subset, ports };
  });
  return subsets === endpoints.subsets ? endpoints : { ...endpoints, subsets };
}
