import { type ObjectMeta, objectMeta, time } from "./meta.ts";
import { anything, boolean, listOf, mapOf, object, quantity, type Schema, string } from "./schema.ts";

/** A v1 Node as far as it matters here. */
export interface Node {
  readonly apiVersion: string;
  readonly kind: "Node";
  readonly metadata: ObjectMeta;
  readonly spec?: {
    readonly podCIDR?: string;
    readonly podCIDRs?: readonly string[];
    readonly unschedulable?: boolean;
    readonly taints?: readonly { readonly key?: string; readonly value?: string; readonly effect?: string }[];
  };
  readonly status?: {
    readonly addresses?: readonly { readonly type?: string; readonly address?: string }[];
    readonly conditions?: readonly { readonly type?: string; readonly status?: string }[];
    readonly allocatable?: Readonly<Record<string, string>>;
  };
}

const taint: Schema = object({ effect: string, key: string, timeAdded: time, value: string });

const condition: Schema = object({
  lastHeartbeatTime: time,
  lastTransitionTime: time,
  message: string,
  reason: string,
  status: string,
  type: string,
});

/** The members of k8s.io/api core/v1 `Node`, in depth where something here reads them. */
export const node: Schema = object({
  apiVersion: string,
  kind: string,
  metadata: objectMeta,
  spec: object({
    configSource: anything,
    externalID: string,
    podCIDR: string,
    podCIDRs: listOf(string),
    podPreemptionPolicy: anything,
    providerID: string,
    taints: listOf(taint),
    unschedulable: boolean,
  }),
  status: object({
    addresses: listOf(object({ address: string, type: string })),
    allocatable: mapOf(quantity),
    capacity: mapOf(quantity),
    conditions: listOf(condition),
    config: anything,
    daemonEndpoints: anything,
    declaredFeatures: listOf(string),
    features: anything,
    images: listOf(anything),
    nodeInfo: anything,
    phase: string,
    runtimeHandlers: listOf(anything),
    volumesAttached: listOf(anything),
    volumesInUse: listOf(string),
  }),
});
