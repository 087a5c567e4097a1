import type { KubeProxyConfiguration } from "../../manifest/kubeproxy.ts";
import { parseIP } from "../../net/ip.ts";
import { type FieldError, type FieldPath, invalid } from "../validation/field-error.ts";
import { parseDuration } from "./go-duration.ts";
import { appendPort } from "./host-port.ts";
import { configTraits } from "./traits.ts";

const SECOND = 1_000_000_000n;
const HEALTHZ_PORT = 10256;
const METRICS_PORT = 10249;

/** Every duration of a configuration in nanoseconds; of those that exist once a mode, the one that counts. */
export interface DurationFields {
  readonly syncPeriod: bigint;
  readonly minSyncPeriod: bigint;
  readonly configSyncPeriod: bigint;
  readonly tcpEstablishedTimeout: bigint;
  readonly tcpCloseWaitTimeout: bigint;
  readonly udpTimeout: bigint;
  readonly udpStreamTimeout: bigint;
  readonly ipvsTCPTimeout: bigint;
  readonly ipvsTCPFinTimeout: bigint;
  readonly ipvsUDPTimeout: bigint;
}

/** A configuration with all defaults, not yet checked: the internal type of kube-proxy as far as it matters here. */
export interface DefaultedConfig {
  readonly mode: string;
  readonly modeDefaulted: boolean;
  /** The section whose periods and `masqueradeAll` count. */
  readonly section: "iptables" | "ipvs" | "nftables";
  readonly hostnameOverride: string;
  readonly bindAddress: string;
  readonly bindAddressHardFail: boolean;
  readonly healthzBindAddress: string;
  readonly metricsBindAddress: string;
  readonly iptablesMasqueradeBit: number;
  readonly nftablesMasqueradeBit: number;
  readonly masqueradeAll: boolean;
  readonly localhostNodePorts: boolean;
  readonly detectLocalMode: string;
  /** As one text, and split at its commas. */
  readonly clusterCIDR: string;
  readonly clusterCIDRs: readonly string[];
  readonly bridgeInterface: string;
  readonly interfaceNamePrefix: string;
  readonly nodePortAddresses: readonly string[];
  readonly durations: DurationFields;
  readonly maxPerCore: number;
  readonly min: number;
  readonly tcpBeLiberal: boolean;
  readonly scheduler: string;
  readonly excludeCIDRs: readonly string[];
  readonly strictARP: boolean;
  readonly featureGates: Readonly<Record<string, boolean>>;
  readonly oomScoreAdj: number;
  readonly enableProfiling: boolean;
  readonly showHiddenMetricsForVersion: string;
}

export interface Defaulted {
  readonly config: DefaultedConfig;
  /** Durations that cannot be read, in the order of the fields below. */
  readonly errors: readonly FieldError[];
}

/** The text of a duration at a path of the file. */
function durationText(written: KubeProxyConfiguration, path: FieldPath): string | undefined {
  let value: unknown = written;
  for (const step of path) value = (value as Readonly<Record<string, unknown>> | undefined)?.[step];
  return value as string | undefined;
}

interface DurationReader {
  /** An absent duration is `undefined`; one that cannot be read is reported and counts as absent. */
  readonly read: (...path: readonly string[]) => bigint | undefined;
  /** As `read`, with a default for an absent one and for zero. */
  readonly orDefault: (fallback: bigint, ...path: readonly string[]) => bigint;
}

function durationReader(written: KubeProxyConfiguration, errors: FieldError[]): DurationReader {
  const read: DurationReader["read"] = (...path) => {
    const text = durationText(written, path);
    if (text === undefined) return undefined;
    const parsed = parseDuration(text);
    if (parsed.ok) return parsed.nanoseconds;
    errors.push(invalid(path, text, parsed.error));
    return undefined;
  };
  return { read, orDefault: (fallback, ...path) => read(...path) || fallback };
}

type Section = DefaultedConfig["section"];

// every section is read, so that a bad text of a section that does not count is reported as well
function readDurations(reader: DurationReader, section: Section): DurationFields {
  const sync: Record<Section, readonly [bigint, bigint]> = {
    iptables: [
      reader.orDefault(30n * SECOND, "iptables", "syncPeriod"),
      reader.orDefault(SECOND, "iptables", "minSyncPeriod"),
    ],
    ipvs: [reader.orDefault(30n * SECOND, "ipvs", "syncPeriod"), reader.read("ipvs", "minSyncPeriod") ?? 0n],
    nftables: [
      reader.orDefault(30n * SECOND, "nftables", "syncPeriod"),
      reader.orDefault(SECOND, "nftables", "minSyncPeriod"),
    ],
  };
  const [syncPeriod, minSyncPeriod] = sync[section];
  return {
    syncPeriod,
    minSyncPeriod,
    configSyncPeriod: reader.orDefault(15n * 60n * SECOND, "configSyncPeriod"),
    // a written zero stays: it leaves the node's own value
    tcpEstablishedTimeout: reader.read("conntrack", "tcpEstablishedTimeout") ?? 24n * 3600n * SECOND,
    tcpCloseWaitTimeout: reader.read("conntrack", "tcpCloseWaitTimeout") ?? 3600n * SECOND,
    udpTimeout: reader.read("conntrack", "udpTimeout") ?? 0n,
    udpStreamTimeout: reader.read("conntrack", "udpStreamTimeout") ?? 0n,
    ipvsTCPTimeout: reader.read("ipvs", "tcpTimeout") ?? 0n,
    ipvsTCPFinTimeout: reader.read("ipvs", "tcpFinTimeout") ?? 0n,
    ipvsUDPTimeout: reader.read("ipvs", "udpTimeout") ?? 0n,
  };
}

function or(text: string | undefined, fallback: string): string {
  return text === undefined || text === "" ? fallback : text;
}

/** The three addresses: the two servers listen in the family of `bindAddress` (a bad one counts as IPv6). */
function addresses(
  written: KubeProxyConfiguration,
): Pick<DefaultedConfig, "bindAddress" | "healthzBindAddress" | "metricsBindAddress"> {
  const bindAddress = or(written.bindAddress, "0.0.0.0");
  const v4 = parseIP(bindAddress)?.family === "IPv4";
  const healthz = or(written.healthzBindAddress, v4 ? "0.0.0.0" : "::");
  const metrics = or(written.metricsBindAddress, v4 ? "127.0.0.1" : "::1");
  return {
    bindAddress,
    healthzBindAddress: appendPort(healthz, HEALTHZ_PORT),
    metricsBindAddress: appendPort(metrics, METRICS_PORT),
  };
}

/**
 * `SetDefaults_KubeProxyConfiguration`, the conversion to the internal type and `platformApplyDefaults` of Linux
 * (v1.37). Which section counts follows the mode; an unknown mode is read like iptables.
 */
export function defaultConfig(written: KubeProxyConfiguration, minor: number): Defaulted {
  const errors: FieldError[] = [];
  const reader = durationReader(written, errors);
  const { iptables = {}, ipvs = {}, nftables = {}, conntrack = {}, detectLocal = {} } = written;
  const modeDefaulted = or(written.mode, "") === "";
  const mode = or(written.mode, "iptables");
  const section: Section = mode === "ipvs" || mode === "nftables" ? mode : "iptables";
  const durations = readDurations(reader, section);
  const clusterCIDR = written.clusterCIDR ?? "";
  const given = written.nodePortAddresses ?? [];
  const primary = mode === "nftables" && given.length === 0 && configTraits(minor).primaryByDefault;
  const config: DefaultedConfig = {
    mode,
    modeDefaulted,
    section,
    ...addresses(written),
    hostnameOverride: written.hostnameOverride ?? "",
    bindAddressHardFail: written.bindAddressHardFail ?? false,
    iptablesMasqueradeBit: iptables.masqueradeBit ?? 14,
    nftablesMasqueradeBit: nftables.masqueradeBit ?? 14,
    masqueradeAll: (mode === "nftables" ? nftables.masqueradeAll : iptables.masqueradeAll) ?? false,
    localhostNodePorts: iptables.localhostNodePorts ?? true,
    detectLocalMode: or(written.detectLocalMode, "ClusterCIDR"),
    clusterCIDR,
    clusterCIDRs: clusterCIDR === "" ? [] : clusterCIDR.split(","),
    bridgeInterface: detectLocal.bridgeInterface ?? "",
    interfaceNamePrefix: detectLocal.interfaceNamePrefix ?? "",
    nodePortAddresses: primary ? ["primary"] : given,
    durations,
    maxPerCore: conntrack.maxPerCore ?? 32 * 1024,
    min: conntrack.min ?? 128 * 1024,
    tcpBeLiberal: conntrack.tcpBeLiberal ?? false,
    scheduler: ipvs.scheduler ?? "",
    excludeCIDRs: ipvs.excludeCIDRs ?? [],
    strictARP: ipvs.strictARP ?? false,
    featureGates: written.featureGates ?? {},
    oomScoreAdj: written.oomScoreAdj ?? -999,
    enableProfiling: written.enableProfiling ?? false,
    showHiddenMetricsForVersion: written.showHiddenMetricsForVersion ?? "",
  };
  return { config, errors };
}
