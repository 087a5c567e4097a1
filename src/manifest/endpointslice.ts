import { type ObjectMeta, objectMeta, objectReference } from "./meta.ts";
import { boolean, int32, listOf, mapOf, object, rewritten, type Schema, string } from "./schema.ts";

export interface EndpointPort {
  readonly name?: string;
  readonly protocol?: string;
  readonly port?: number;
  readonly appProtocol?: string;
}

export interface EndpointConditions {
  readonly ready?: boolean;
  readonly serving?: boolean;
  readonly terminating?: boolean;
}

/** One entry of `endpoints`. */
export interface Endpoint {
  readonly addresses?: readonly string[];
  readonly conditions?: EndpointConditions;
  readonly hostname?: string;
  readonly nodeName?: string;
  readonly zone?: string;
  readonly targetRef?: {
    readonly kind?: string;
    readonly namespace?: string;
    readonly name?: string;
    readonly uid?: string;
  };
  readonly hints?: {
    readonly forZones?: readonly { readonly name?: string }[];
    readonly forNodes?: readonly { readonly name?: string }[];
  };
}

/** A discovery.k8s.io/v1 EndpointSlice (v1beta1's `topology` is folded into nodeName and zone when read). */
export interface EndpointSlice {
  readonly apiVersion: string;
  readonly kind: "EndpointSlice";
  readonly metadata: ObjectMeta;
  readonly addressType?: string;
  readonly endpoints?: readonly Endpoint[];
  readonly ports?: readonly EndpointPort[];
}

const common = {
  addresses: listOf(string),
  conditions: object({ ready: boolean, serving: boolean, terminating: boolean }),
  hints: object({ forNodes: listOf(object({ name: string })), forZones: listOf(object({ name: string })) }),
  hostname: string,
  nodeName: string,
  targetRef: objectReference,
};

function sliceOf(endpoint: Schema): Schema {
  return object({
    apiVersion: string,
    kind: string,
    metadata: objectMeta,
    addressType: string,
    endpoints: listOf(endpoint),
    ports: listOf(object({ appProtocol: string, name: string, port: int32, protocol: string })),
  });
}

/** The members of discovery.k8s.io/v1 `EndpointSlice`. */
export const endpointSlice: Schema = sliceOf(object({ ...common, deprecatedTopology: mapOf(string), zone: string }));

/**
 * discovery.k8s.io/v1beta1 (served until 1.24): `topology` held the zone, and before 1.20 the node's name as well. The
 * zone becomes `zone` as in the API server's conversion; the hostname label becomes `nodeName` where there is none.
 */
export const endpointSliceV1beta1: Schema = sliceOf(
  rewritten(object({ ...common, topology: mapOf(string) }), (endpoint) => {
    const topology = endpoint.topology as Readonly<Record<string, string>> | undefined;
    if (topology === undefined) return;
    const zone = topology["topology.kubernetes.io/zone"];
    const node = topology["kubernetes.io/hostname"];
    if (zone !== undefined) endpoint.zone = zone;
    if (node !== undefined && endpoint.nodeName === undefined) endpoint.nodeName = node;
    delete endpoint.topology;
  }),
);
