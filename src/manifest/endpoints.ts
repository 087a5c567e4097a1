import { type ObjectMeta, objectMeta, objectReference } from "./meta.ts";
import { int32, listOf, object, type Schema, string } from "./schema.ts";

export interface EndpointAddress {
  readonly ip?: string;
  readonly hostname?: string;
  readonly nodeName?: string;
  readonly targetRef?: {
    readonly kind?: string;
    readonly namespace?: string;
    readonly name?: string;
    readonly uid?: string;
  };
}

export interface EndpointSubset {
  readonly addresses?: readonly EndpointAddress[];
  readonly notReadyAddresses?: readonly EndpointAddress[];
  readonly ports?: readonly {
    readonly name?: string;
    readonly port?: number;
    readonly protocol?: string;
    readonly appProtocol?: string;
  }[];
}

/** A v1 Endpoints object (the legacy form of slices). */
export interface Endpoints {
  readonly apiVersion: string;
  readonly kind: "Endpoints";
  readonly metadata: ObjectMeta;
  readonly subsets?: readonly EndpointSubset[];
}

const address: Schema = object({
  hostname: string,
  ip: string,
  nodeName: string,
  targetRef: objectReference,
});

/** The members of k8s.io/api core/v1 `Endpoints`. */
export const endpoints: Schema = object({
  apiVersion: string,
  kind: string,
  metadata: objectMeta,
  subsets: listOf(
    object({
      addresses: listOf(address),
      notReadyAddresses: listOf(address),
      ports: listOf(object({ appProtocol: string, name: string, port: int32, protocol: string })),
    }),
  ),
});
