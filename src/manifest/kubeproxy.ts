import { anything, boolean, int32, listOf, mapOf, number, object, type Schema, string, textOf } from "./schema.ts";
/**
 * A KubeProxyConfiguration (kubeproxy.config.k8s.io/v1alpha1) as written in a file: nothing is defaulted here.
 * Durations are Go duration texts (`30s`, `1h0m0s`).
 */
export interface KubeProxyConfiguration {
  readonly apiVersion?: string;
  readonly kind?: "KubeProxyConfiguration";
  readonly mode?: string;
  readonly hostnameOverride?: string;
  readonly bindAddress?: string;
  readonly bindAddressHardFail?: boolean;
  readonly healthzBindAddress?: string;
  readonly metricsBindAddress?: string;
  readonly clusterCIDR?: string;
  readonly detectLocalMode?: string;
  readonly detectLocal?: { readonly bridgeInterface?: string; readonly interfaceNamePrefix?: string };
  readonly nodePortAddresses?: readonly string[];
  readonly featureGates?: Readonly<Record<string, boolean>>;
  readonly configSyncPeriod?: string;
  readonly iptables?: {
    readonly masqueradeBit?: number;
    readonly masqueradeAll?: boolean;
    readonly localhostNodePorts?: boolean;
    readonly syncPeriod?: string;
    readonly minSyncPeriod?: string;
  };
  readonly ipvs?: {
    readonly syncPeriod?: string;
    readonly minSyncPeriod?: string;
    readonly scheduler?: string;
    readonly excludeCIDRs?: readonly string[];
    readonly strictARP?: boolean;
    readonly tcpTimeout?: string;
    readonly tcpFinTimeout?: string;
    readonly udpTimeout?: string;
  };
  readonly nftables?: {
    readonly masqueradeBit?: number;
    readonly masqueradeAll?: boolean;
    readonly syncPeriod?: string;
    readonly minSyncPeriod?: string;
  };
  readonly conntrack?: {
    readonly maxPerCore?: number;
    readonly min?: number;
    readonly tcpEstablishedTimeout?: string;
    readonly tcpCloseWaitTimeout?: string;
    readonly tcpBeLiberal?: boolean;
    readonly udpTimeout?: string;
    readonly udpStreamTimeout?: string;
  };
  readonly oomScoreAdj?: number;
  readonly enableProfiling?: boolean;
  readonly showHiddenMetricsForVersion?: string;
}

/** Go's `time.ParseDuration`: numbers with units, or 0. */
const DURATION = /^[-+]?(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+$|^[-+]?0$/;
const PART = /([0-9]*\.?[0-9]*)(ns|us|µs|μs|ms|s|m|h)/g;
const NANOSECONDS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 6e10,
  h: 3.6e12,
};

function isDuration(text: string): boolean {
  if (!DURATION.test(text)) return false;
  let sum = 0;
  for (const [, count, unit] of text.matchAll(PART)) sum += Number(count) * (NANOSECONDS[unit ?? ""] ?? 0);
  return sum < 2 ** 63;
}

const optionalDuration: Schema = textOf(isDuration, "a duration such as 30s or 1h0m0s");

/** `metav1.Duration` by value: its reader refuses null; behind a pointer null is nothing. */
const duration: Schema = { ...optionalDuration, refusesNull: true };

/**
 * The members of kubeproxy.config.k8s.io/v1alpha1 up to 1.37, and those that earlier releases had: `udpIdleTimeout`
 * (until 1.27), `resourceContainer` and `conntrack.max` (until 1.16), which today's kube-proxy passes over.
 */
export const kubeProxyConfiguration: Schema = object({
  apiVersion: string,
  bindAddress: string,
  bindAddressHardFail: boolean,
  clientConnection: object({
    acceptContentTypes: string,
    burst: int32,
    contentType: string,
    kubeconfig: string,
    qps: number,
  }),
  clusterCIDR: string,
  configSyncPeriod: duration,
  conntrack: object({
    maxPerCore: int32,
    min: int32,
    tcpBeLiberal: boolean,
    tcpCloseWaitTimeout: optionalDuration,
    tcpEstablishedTimeout: optionalDuration,
    udpStreamTimeout: duration,
    udpTimeout: duration,
    max: int32,
  }),
  detectLocal: object({
    bridgeInterface: string,
    interfaceNamePrefix: string,
  }),
  detectLocalMode: string,
  enableProfiling: boolean,
  featureGates: mapOf(boolean),
  healthzBindAddress: string,
  hostnameOverride: string,
  iptables: object({
    localhostNodePorts: boolean,
    masqueradeAll: boolean,
    masqueradeBit: int32,
    minSyncPeriod: duration,
    syncPeriod: duration,
  }),
  ipvs: object({
    excludeCIDRs: listOf(string),
    minSyncPeriod: duration,
    scheduler: string,
    strictARP: boolean,
    syncPeriod: duration,
    tcpFinTimeout: duration,
    tcpTimeout: duration,
    udpTimeout: duration,
  }),
  kind: string,
  logging: anything,
  metricsBindAddress: string,
  mode: string,
  nftables: object({
    masqueradeAll: boolean,
    masqueradeBit: int32,
    minSyncPeriod: duration,
    syncPeriod: duration,
  }),
  nodePortAddresses: listOf(string),
  oomScoreAdj: int32,
  portRange: string,
  showHiddenMetricsForVersion: string,
  windowsRunAsService: boolean,
  winkernel: object({
    enableDSR: boolean,
    forwardHealthCheckVip: boolean,
    networkName: string,
    rootHnsEndpointName: string,
    sourceVip: string,
  }),
  resourceContainer: string,
  udpIdleTimeout: duration,
});
