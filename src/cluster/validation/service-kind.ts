import type { ServiceSpec } from "../../manifest/service.ts";

/** `isHeadlessService`: the one cluster IP is `None` (after `syncClusterIPs`). */
export function isHeadless(spec: ServiceSpec): boolean {
  return spec.clusterIPs?.length === 1 && spec.clusterIPs[0] === "None";
}

/** `ExternallyAccessible`: the Services for which an external traffic policy means something. */
export function isExternallyAccessible(spec: ServiceSpec): boolean {
  if (spec.type === "LoadBalancer" || spec.type === "NodePort") return true;
  return spec.type === "ClusterIP" && (spec.externalIPs ?? []).length > 0;
}

/** `NeedsHealthCheck`: the Services that get a health check node port. */
export function needsHealthCheck(spec: ServiceSpec): boolean {
  return spec.type === "LoadBalancer" && spec.externalTrafficPolicy === "Local";
}
