import type { EndpointSlice } from "../manifest/endpointslice.ts";
import type { Node } from "../manifest/node.ts";
import type { Located } from "../manifest/object.ts";
import type { Service } from "../manifest/service.ts";
import { compareText } from "../net/compare.ts";

/** Everything known of a cluster, immutable. Each list is sorted by namespace, then name; names are unique. */
export interface Cluster {
  readonly services: readonly Located<Service>[];
  readonly endpointSlices: readonly Located<EndpointSlice>[];
  readonly nodes: readonly Located<Node>[];
}

interface Named {
  readonly metadata: { readonly namespace?: string; readonly name?: string };
}

/** Orders objects by namespace, then name, by code unit. */
export function compareObjects(a: Located<Named>, b: Located<Named>): number {
  const { metadata: x } = a.value;
  const { metadata: y } = b.value;
  return compareText(x.namespace ?? "", y.namespace ?? "") || compareText(x.name ?? "", y.name ?? "");
}

/** Sorts copies of the lists into a cluster; the order of the input never shows. */
export function sortedCluster(parts: Cluster): Cluster {
  return {
    services: [...parts.services].sort(compareObjects),
    endpointSlices: [...parts.endpointSlices].sort(compareObjects),
    nodes: [...parts.nodes].sort(compareObjects),
  };
}
