import type { KubeProxyConfiguration } from "../manifest/kubeproxy.ts";
import { type DefaultedConfig, type DurationFields, defaultConfig } from "./kubeproxy/default-config.ts";
import { resolveFeatureGates, type UncheckedGate } from "./kubeproxy/feature-gates.ts";
import { configTraits } from "./kubeproxy/traits.ts";
import { validateConfig } from "./kubeproxy/validate-config.ts";
import { type FieldError, invalid } from "./validation/field-error.ts";
import { goTrimSpace } from "./validation/go-text.ts";

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

/** The proxy modes of Linux, as a check that a text is one. */
function isProxyMode(text: string): text is ProxyMode {
  return text === "iptables" || text === "ipvs" || text === "nftables";
}

export interface ResolveOptions {
  /** The release: 37 for v1.37. Other releases differ in what is accepted; texts are v1.37's. */
  readonly minor: number;
}

/** Something kube-proxy says at start without stopping, or that is not known here. */
export interface ConfigMessage {
  readonly severity: "warning" | "note";
  readonly code: string;
  readonly message: string;
  readonly path: readonly (string | number)[];
}

export interface ResolvedKubeProxyConfig {
  /** Absent exactly when `errors` is not empty: then kube-proxy would not start. */
  readonly config: ResolvedConfig | undefined;
  readonly errors: readonly FieldError[];
  readonly messages: readonly ConfigMessage[];
}

function nanoseconds(durations: DurationFields): (name: keyof DurationFields) => number {
  return (name) => Number(durations[name]);
}

function toResolved(
  config: DefaultedConfig,
  mode: ProxyMode,
  minor: number,
  featureGates: Readonly<Record<string, boolean>>,
): ResolvedConfig {
  const time = nanoseconds(config.durations);
  const host = goTrimSpace(config.hostnameOverride).toLowerCase();
  return {
    minor,
    mode,
    modeDefaulted: config.modeDefaulted,
    hostnameOverride: config.hostnameOverride === "" ? undefined : host,
    bindAddress: config.bindAddress,
    bindAddressHardFail: config.bindAddressHardFail,
    healthzBindAddress: config.healthzBindAddress,
    metricsBindAddress: config.metricsBindAddress,
    masqueradeBit: mode === "nftables" ? config.nftablesMasqueradeBit : config.iptablesMasqueradeBit,
    masqueradeAll: config.masqueradeAll,
    localhostNodePorts: config.localhostNodePorts,
    detectLocalMode: config.detectLocalMode as DetectLocalMode,
    clusterCIDRs: config.clusterCIDRs,
    bridgeInterface: config.bridgeInterface,
    interfaceNamePrefix: config.interfaceNamePrefix,
    nodePortAddresses: config.nodePortAddresses,
    syncPeriod: time("syncPeriod"),
    minSyncPeriod: time("minSyncPeriod"),
    configSyncPeriod: time("configSyncPeriod"),
    conntrack: {
      maxPerCore: config.maxPerCore,
      min: config.min,
      tcpEstablishedTimeout: time("tcpEstablishedTimeout"),
      tcpCloseWaitTimeout: time("tcpCloseWaitTimeout"),
      tcpBeLiberal: config.tcpBeLiberal,
      udpTimeout: time("udpTimeout"),
      udpStreamTimeout: time("udpStreamTimeout"),
    },
    ipvs: {
      scheduler: config.scheduler,
      excludeCIDRs: config.excludeCIDRs,
      strictARP: config.strictARP,
      tcpTimeout: time("ipvsTCPTimeout"),
      tcpFinTimeout: time("ipvsTCPFinTimeout"),
      udpTimeout: time("ipvsUDPTimeout"),
    },
    featureGates,
    oomScoreAdj: config.oomScoreAdj,
    enableProfiling: config.enableProfiling,
    showHiddenMetricsForVersion: config.showHiddenMetricsForVersion,
  };
}

const MODE_DEFAULTED =
  "No kube-proxy mode specified: defaulting to 'iptables'. Note that in Kubernetes 1.40 the default mode will switch to 'nftables'. If you wish to continue using 'iptables' mode, you must explicitly specify 'mode: iptables' in the kube-proxy config file, or '--proxy-mode iptables' on the kube-proxy command line.";
const ADDRESSES_UNSET =
  "nodePortAddresses is unset; NodePort connections will be accepted on all local IPs. Consider using `--nodeport-addresses primary`";

function startMessages(config: DefaultedConfig, minor: number): readonly ConfigMessage[] {
  const traits = configTraits(minor);
  const messages: ConfigMessage[] = [];
  if (config.modeDefaulted && traits.warnsDefaultMode) {
    messages.push({ severity: "warning", code: "mode-defaulted", message: MODE_DEFAULTED, path: ["mode"] });
  }
  if (config.nodePortAddresses.length === 0 && traits.warnsAllAddresses) {
    const path = ["nodePortAddresses"];
    messages.push({ severity: "warning", code: "node-port-addresses-unset", message: ADDRESSES_UNSET, path });
  }
  const ipvs = config.mode === "ipvs" ? traits.ipvsDeprecation : undefined;
  if (ipvs !== undefined)
    messages.push({ severity: "warning", code: "ipvs-deprecated", message: ipvs, path: ["mode"] });
  return messages;
}

function uncheckedGate({ name, what }: UncheckedGate): ConfigMessage {
  return {
    severity: "note",
    code: "feature-gate-not-checked",
    message: `the feature gate ${name} is taken as written; ${what} was not checked`,
    path: ["featureGates", name],
  };
}

/** `GetHostname` runs after all other checks, so its finding stands alone and last. */
function hostnameErrors(config: DefaultedConfig): readonly FieldError[] {
  const name = config.hostnameOverride;
  if (name === "" || goTrimSpace(name) !== "") return [];
  return [invalid(["hostnameOverride"], name, "empty hostname is invalid")];
}

/**
 * What kube-proxy's start-up makes of a written configuration: defaults, conversion and checks of its release, in
 * the order and words of `Validate` in v1.37 (iptables-mode §1.1). Durations that cannot be read come first, because
 * kube-proxy then gives up while it reads the file. Logging and client settings are not looked at.
 */
export function resolveKubeProxyConfig(
  written: KubeProxyConfiguration,
  options: ResolveOptions,
): ResolvedKubeProxyConfig {
  const { minor } = options;
  const { config, errors: unreadable } = defaultConfig(written, minor);
  const gates = resolveFeatureGates(written.featureGates ?? {}, minor);
  const errors = [...unreadable, ...validateConfig(config, gates, minor), ...hostnameErrors(config)];
  const messages = [
    ...gates.unchecked.map(uncheckedGate),
    ...(errors.length === 0 ? startMessages(config, minor) : []),
  ];
  const usable = errors.length === 0 && isProxyMode(config.mode);
  return {
    config: usable ? toResolved(config, config.mode as ProxyMode, minor, gates.gates) : undefined,
    errors,
    messages,
  };
}
