import type { KubeProxyConfiguration } from "../manifest/kubeproxy.ts";
import type { FieldError } from "./validation/field-error.ts";

/** The proxy modes of Linux. */
export type ProxyMode = "iptables" | "ipvs" | "nftables";

/** How kube-proxy tells traffic of local Pods from other traffic (iptables-mode §3.5). */
export type DetectLocalMode = "ClusterCIDR" | "NodeCIDR" | "BridgeInterface" | "InterfaceNamePrefix";

/** Sysctls kube-proxy sets at start. Timeouts in nanoseconds; 0 leaves the node's own value. */
export interface ConntrackConfig {
  readonly maxPerCore: number;
  readonly min: number;
  readonly tcpEstablishedTimeout: number;
  readonly tcpCloseWaitTimeout: number;
  readonly tcpBeLiberal: boolean;
  readonly udpTimeout: number;
  readonly udpStreamTimeout: number;
}

/** Settings only ipvs mode reads. Timeouts in nanoseconds; 0 leaves the kernel's own value; scheduler "" means `rr`. */
export interface IPVSConfig {
  readonly scheduler: string;
  readonly excludeCIDRs: readonly string[];
  readonly strictARP: boolean;
  readonly tcpTimeout: number;
  readonly tcpFinTimeout: number;
  readonly udpTimeout: number;
}

/**
 * A KubeProxyConfiguration as kube-proxy works with it after start-up: every default applied, and of settings that
 * exist once a mode only the one that counts. All durations are nanoseconds (whole seconds stay exact).
 */
export interface ResolvedConfig {
  /** The release whose rules were applied: 37 for v1.37. */
  readonly minor: number;
  readonly mode: ProxyMode;
  /** True when no mode was written, so that the release's own default was taken. */
  readonly modeDefaulted: boolean;
  /** The node name, trimmed and in lower case; `undefined` means the host name of the operating system. */
  readonly hostnameOverride: string | undefined;
  readonly bindAddress: string;
  readonly bindAddressHardFail: boolean;
  /** IP:port, or "" when the server is off. */
  readonly healthzBindAddress: string;
  readonly metricsBindAddress: string;
  /** Of `nftables` in nftables mode, of `iptables` in the other two; 0 … 31. */
  readonly masqueradeBit: number;
  readonly masqueradeAll: boolean;
  readonly localhostNodePorts: boolean;
  readonly detectLocalMode: DetectLocalMode;
  /** `clusterCIDR` split at its commas, texts as written. */
  readonly clusterCIDRs: readonly string[];
  readonly bridgeInterface: string;
  readonly interfaceNamePrefix: string;
  /** CIDRs and keywords as written and in their order; the mode's own default filled in where a release has one. */
  readonly nodePortAddresses: readonly string[];
  readonly syncPeriod: number;
  readonly minSyncPeriod: number;
  readonly configSyncPeriod: number;
  readonly conntrack: ConntrackConfig;
  readonly ipvs: IPVSConfig;
  /** Effective state of every gate that influences rules, and of every gate written. */
  readonly featureGates: Readonly<Record<string, boolean>>;
  readonly oomScoreAdj: number;
  readonly enableProfiling: boolean;
  readonly showHiddenMetricsForVersion: string;
}

export interface ResolveOptions {
  /** The release: 37 for v1.37. */
  readonly minor: number;
}

/** Something kube-proxy says at start without stopping. */
export interface ConfigMessage {
  readonly severity: "warning" | "note";
  readonly code: string;
  readonly message: string;
  readonly path?: readonly (string | number)[];
}

export interface ResolvedKubeProxyConfig {
  /** Absent exactly when `errors` is not empty: then kube-proxy would not start. */
  readonly config: ResolvedConfig | undefined;
  readonly errors: readonly FieldError[];
  readonly messages: readonly ConfigMessage[];
}

/** What kube-proxy's start-up makes of a written configuration. */
export type ResolveKubeProxyConfig = (
  written: KubeProxyConfiguration,
  options: ResolveOptions,
) => ResolvedKubeProxyConfig;
