import { configMap } from "./configmap.ts";
import { endpoints } from "./endpoints.ts";
import { endpointSlice, endpointSliceV1beta1 } from "./endpointslice.ts";
import { kubeProxyConfiguration } from "./kubeproxy.ts";
import { namespace } from "./namespace.ts";
import { node } from "./node.ts";
import { pod } from "./pod.ts";
import type { Schema } from "./schema.ts";
import { service } from "./service.ts";

/** The lists that objects are sorted into. */
export type Bucket =
  | "services"
  | "endpointSlices"
  | "endpoints"
  | "nodes"
  | "pods"
  | "namespaces"
  | "configMaps"
  | "kubeProxyConfigurations";

/** How objects of a kind are read. */
export interface Kind {
  readonly bucket: Bucket;
  readonly schema: Schema;
  /**
   * kube-proxy itself only warns about unknown and repeated fields of its configuration, and goes on without them
   * (`cmd/kube-proxy/app/options.go` `loadConfig`).
   */
  readonly lenient: boolean;
}

function kind(bucket: Bucket, schema: Schema, lenient = false): Kind {
  return { bucket, schema, lenient };
}

/** The kinds that are read, by `apiVersion/kind`. */
export const kinds: ReadonlyMap<string, Kind> = new Map([
  ["v1/Service", kind("services", service)],
  ["v1/Endpoints", kind("endpoints", endpoints)],
  ["v1/Node", kind("nodes", node)],
  ["v1/Pod", kind("pods", pod)],
  ["v1/Namespace", kind("namespaces", namespace)],
  ["v1/ConfigMap", kind("configMaps", configMap)],
  ["discovery.k8s.io/v1/EndpointSlice", kind("endpointSlices", endpointSlice)],
  ["discovery.k8s.io/v1beta1/EndpointSlice", kind("endpointSlices", endpointSliceV1beta1)],
  [
    "kubeproxy.config.k8s.io/v1alpha1/KubeProxyConfiguration",
    kind("kubeProxyConfigurations", kubeProxyConfiguration, true),
  ],
]);

/** The API version under which a kind of ours is read, when it stands under another one of Kubernetes' own. */
export function servedAs(apiVersion: string, name: string): string | undefined {
  const group = apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
  if (group.includes(".") && !group.endsWith(".k8s.io")) return undefined;
  for (const key of kinds.keys()) if (key.endsWith(`/${name}`)) return key.slice(0, -name.length - 1);
  return undefined;
}
