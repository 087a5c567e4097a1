import { type ObjectMeta, objectMeta, time } from "./meta.ts";
import { anything, boolean, int32, int64, listOf, mapOf, object, quantity, type Schema, string } from "./schema.ts";

/** A port that a container declares; Services refer to it by its name. */
export interface ContainerPort {
  readonly name?: string;
  readonly containerPort?: number;
  readonly protocol?: string;
  readonly hostPort?: number;
  readonly hostIP?: string;
}

/** A container as far as endpoints need it (cluster-model §3.3). */
export interface Container {
  readonly name?: string;
  readonly restartPolicy?: string;
  readonly ports?: readonly ContainerPort[];
}

/** A v1 Pod as far as it matters here. */
export interface Pod {
  readonly apiVersion: string;
  readonly kind: "Pod";
  readonly metadata: ObjectMeta;
  readonly spec?: {
    readonly nodeName?: string;
    readonly hostNetwork?: boolean;
    readonly hostname?: string;
    readonly subdomain?: string;
    readonly containers?: readonly Container[];
    readonly initContainers?: readonly Container[];
  };
  readonly status?: {
    readonly phase?: string;
    readonly podIP?: string;
    readonly podIPs?: readonly { readonly ip?: string }[];
    readonly hostIP?: string;
    readonly conditions?: readonly { readonly type?: string; readonly status?: string }[];
  };
}

const condition: Schema = object({
  lastProbeTime: time,
  lastTransitionTime: time,
  message: string,
  observedGeneration: int64,
  reason: string,
  status: string,
  type: string,
});

const containerPort: Schema = object({
  containerPort: int32,
  hostIP: string,
  hostPort: int32,
  name: string,
  protocol: string,
});

const container: Schema = object({
  args: listOf(string),
  command: listOf(string),
  env: listOf(anything),
  envFrom: listOf(anything),
  image: string,
  imagePullPolicy: string,
  lifecycle: anything,
  livenessProbe: anything,
  name: string,
  ports: listOf(containerPort),
  readinessProbe: anything,
  resizePolicy: listOf(anything),
  resources: anything,
  restartPolicy: string,
  restartPolicyRules: listOf(anything),
  securityContext: anything,
  startupProbe: anything,
  stdin: boolean,
  stdinOnce: boolean,
  terminationMessagePath: string,
  terminationMessagePolicy: string,
  tty: boolean,
  volumeDevices: listOf(anything),
  volumeMounts: listOf(anything),
  workingDir: string,
});

/** The members of k8s.io/api core/v1 `Pod`, in depth where something here reads them. */
export const pod: Schema = object({
  apiVersion: string,
  kind: string,
  metadata: objectMeta,
  spec: object({
    activeDeadlineSeconds: int64,
    affinity: anything,
    automountServiceAccountToken: boolean,
    containers: listOf(container),
    dnsConfig: anything,
    dnsPolicy: string,
    enableServiceLinks: boolean,
    ephemeralContainers: listOf(anything),
    evictionResponders: listOf(anything),
    hostAliases: listOf(anything),
    hostIPC: boolean,
    hostNetwork: boolean,
    hostPID: boolean,
    hostUsers: boolean,
    hostname: string,
    hostnameOverride: string,
    imagePullSecrets: listOf(anything),
    initContainers: listOf(container),
    nodeName: string,
    nodeSelector: mapOf(string),
    os: anything,
    overhead: mapOf(quantity),
    preemptionPolicy: string,
    priority: int32,
    priorityClassName: string,
    readinessGates: listOf(anything),
    resourceClaims: listOf(anything),
    resources: anything,
    restartPolicy: string,
    runtimeClassName: string,
    schedulerName: string,
    schedulingGates: listOf(anything),
    schedulingGroup: anything,
    securityContext: anything,
    serviceAccount: string,
    serviceAccountName: string,
    setHostnameAsFQDN: boolean,
    shareProcessNamespace: boolean,
    subdomain: string,
    terminationGracePeriodSeconds: int64,
    tolerations: listOf(anything),
    topologySpreadConstraints: listOf(anything),
    volumes: listOf(anything),
  }),
  status: object({
    allocatedResources: mapOf(quantity),
    conditions: listOf(condition),
    containerStatuses: listOf(anything),
    ephemeralContainerStatuses: listOf(anything),
    extendedResourceClaimStatus: anything,
    hostIP: string,
    hostIPs: listOf(object({ ip: string })),
    initContainerStatuses: listOf(anything),
    message: string,
    nodeAllocatableResourceClaimStatuses: listOf(anything),
    nominatedNodeName: string,
    observedGeneration: int64,
    phase: string,
    podIP: string,
    podIPs: listOf(object({ ip: string })),
    qosClass: string,
    reason: string,
    resize: string,
    resourceClaimStatuses: listOf(anything),
    resources: anything,
    startTime: time,
    volumeHealth: listOf(anything),
  }),
});
