import { type IntOrString, type ObjectMeta, objectMeta } from "./meta.ts";
import { anything, boolean, int32, intOrString, listOf, mapOf, object, type Schema, string } from "./schema.ts";

/** One entry of `spec.ports`. */
export interface ServicePortSpec {
  readonly name?: string;
  readonly protocol?: string;
  readonly appProtocol?: string;
  readonly port?: number;
  readonly targetPort?: IntOrString;
  readonly nodePort?: number;
}

/** One entry of `status.loadBalancer.ingress`. */
export interface LoadBalancerIngress {
  readonly ip?: string;
  readonly hostname?: string;
  readonly ipMode?: string;
}

export interface ServiceSpec {
  readonly type?: string;
  readonly selector?: Readonly<Record<string, string>>;
  readonly ports?: readonly ServicePortSpec[];
  readonly clusterIP?: string;
  readonly clusterIPs?: readonly string[];
  readonly ipFamilies?: readonly string[];
  readonly ipFamilyPolicy?: string;
  readonly externalIPs?: readonly string[];
  readonly sessionAffinity?: string;
  readonly sessionAffinityConfig?: { readonly clientIP?: { readonly timeoutSeconds?: number } };
  readonly externalTrafficPolicy?: string;
  readonly internalTrafficPolicy?: string;
  readonly healthCheckNodePort?: number;
  readonly allocateLoadBalancerNodePorts?: boolean;
  readonly loadBalancerIP?: string;
  readonly loadBalancerClass?: string;
  readonly loadBalancerSourceRanges?: readonly string[];
  readonly externalName?: string;
  readonly publishNotReadyAddresses?: boolean;
  readonly trafficDistribution?: string;
  readonly topologyKeys?: readonly string[];
}

/** A v1 Service. */
export interface Service {
  readonly apiVersion: string;
  readonly kind: "Service";
  readonly metadata: ObjectMeta;
  readonly spec?: ServiceSpec;
  readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly LoadBalancerIngress[] } };
}

const ingress: Schema = object({
  hostname: string,
  ip: string,
  ipMode: string,
  ports: listOf(object({ error: string, port: int32, protocol: string })),
});

const port: Schema = object({
  appProtocol: string,
  name: string,
  nodePort: int32,
  port: int32,
  protocol: string,
  targetPort: intOrString,
});

/** The members of k8s.io/api core/v1 `Service`; `topologyKeys` and `ipFamily` are alpha fields of 1.16 to 1.21. */
export const service: Schema = object({
  apiVersion: string,
  kind: string,
  metadata: objectMeta,
  spec: object({
    allocateLoadBalancerNodePorts: boolean,
    clusterIP: string,
    clusterIPs: listOf(string),
    externalIPs: listOf(string),
    externalName: string,
    externalTrafficPolicy: string,
    healthCheckNodePort: int32,
    internalTrafficPolicy: string,
    ipFamilies: listOf(string),
    ipFamilyPolicy: string,
    loadBalancerClass: string,
    loadBalancerIP: string,
    loadBalancerSourceRanges: listOf(string),
    ports: listOf(port),
    publishNotReadyAddresses: boolean,
    selector: mapOf(string),
    sessionAffinity: string,
    sessionAffinityConfig: object({ clientIP: object({ timeoutSeconds: int32 }) }),
    trafficDistribution: string,
    type: string,
    topologyKeys: listOf(string),
    ipFamily: string,
  }),
  status: object({
    conditions: listOf(anything),
    loadBalancer: object({ ingress: listOf(ingress) }),
  }),
});
