import { parseIP } from "../../net/ip.ts";
import { parsePrefix } from "../../net/prefix.ts";
import { duplicate, type FieldError, notSupported } from "../validation/field-error.ts";
import { goQuote } from "../validation/go-text.ts";
import { checkClusterCIDRs, checkClusterCIDRText } from "./check-cluster-cidr.ts";
import { type ConfigField, field, member, ROOT, refuse } from "./config-field.ts";
import type { DefaultedConfig } from "./default-config.ts";
import type { ResolvedGates } from "./feature-gates.ts";
import { formatDuration } from "./go-duration.ts";
import { splitHostPort } from "./host-port.ts";
import { type ConfigTraits, configTraits } from "./traits.ts";

const CONNTRACK = [ROOT, "KubeProxyLinuxConfiguration", "KubeProxyConntrackConfiguration"];
const NOT_NEGATIVE = "must be greater than or equal to 0";
const LOCAL_MODES = ["ClusterCIDR", "NodeCIDR", "BridgeInterface", "InterfaceNamePrefix", ""];
const KEYWORDS = ["primary", "localhost", "all"];

function checkBit(bit: number, where: ConfigField): readonly FieldError[] {
  return bit >= 0 && bit <= 31 ? [] : [refuse(where, bit, "must be within the range [0, 31]")];
}

function checkDuration(value: bigint, where: ConfigField, least: bigint, detail: string): readonly FieldError[] {
  return value >= least ? [] : [refuse(where, formatDuration(value), detail)];
}

/** Up to v1.26 the schedulers are listed, and `mh` is not among them. */
function checkScheduler(scheduler: string, { ipvsSchedulers }: ConfigTraits): readonly FieldError[] {
  if (ipvsSchedulers === undefined || scheduler === "" || ipvsSchedulers.includes(scheduler)) return [];
  const where = field(["ipvs", "scheduler"], "KubeProxyIPVSConfiguration", "Scheduler", "Scheduler");
  const list = `[${ipvsSchedulers.join(" ")} ]`;
  const detail = `must be in ${list}, blank means the default algorithm method (currently rr)`;
  return [refuse(where, scheduler, detail)];
}

function checkIPVS(config: DefaultedConfig, traits: ConfigTraits): readonly FieldError[] {
  const section = "KubeProxyIPVSConfiguration";
  const { ipvsTCPTimeout, ipvsTCPFinTimeout, ipvsUDPTimeout } = config.durations;
  const exclude = field(["ipvs", "excludeCIDRs"], section, "ExcludeCidrs");
  return [
    ...checkDuration(ipvsTCPTimeout, field(["ipvs", "tcpTimeout"], section, "TCPTimeout"), 0n, NOT_NEGATIVE),
    ...checkDuration(ipvsTCPFinTimeout, field(["ipvs", "tcpFinTimeout"], section, "TCPFinTimeout"), 0n, NOT_NEGATIVE),
    ...checkDuration(ipvsUDPTimeout, field(["ipvs", "udpTimeout"], section, "UDPTimeout"), 0n, NOT_NEGATIVE),
    ...checkScheduler(config.scheduler, traits),
    ...config.excludeCIDRs.flatMap((cidr, i) =>
      parsePrefix(cidr) === undefined ? [refuse(member(exclude, i), cidr, "must be a valid CIDR")] : [],
    ),
  ];
}

function checkLinux(config: DefaultedConfig): readonly FieldError[] {
  const inside = (name: string, printed: string): ConfigField => ({
    path: [...CONNTRACK, printed],
    at: ["conntrack", name],
  });
  const { maxPerCore, min, durations, oomScoreAdj } = config;
  const oom = field(["oomScoreAdj"], "KubeProxyLinuxConfiguration", "OOMScoreAdj");
  const time = (name: keyof DefaultedConfig["durations"], printed: string): readonly FieldError[] =>
    checkDuration(durations[name], inside(name, printed), 0n, NOT_NEGATIVE);
  return [
    ...(maxPerCore < 0 ? [refuse(inside("maxPerCore", "MaxPerCore"), maxPerCore, NOT_NEGATIVE)] : []),
    ...(min < 0 ? [refuse(inside("min", "Min"), min, NOT_NEGATIVE)] : []),
    ...time("tcpEstablishedTimeout", "TCPEstablishedTimeout"),
    ...time("tcpCloseWaitTimeout", "TCPCloseWaitTimeout"),
    ...time("udpTimeout", "UDPTimeout"),
    ...time("udpStreamTimeout", "UDPStreamTimeout"),
    ...(oomScoreAdj < -1000 || oomScoreAdj > 1000
      ? [refuse(oom, oomScoreAdj, "must be within the range [-1000, 1000]")]
      : []),
  ];
}

function checkMode(mode: string, gates: ResolvedGates["gates"], traits: ConfigTraits): readonly FieldError[] {
  const modes = ["iptables"];
  if (!traits.ipvsGate || gates.KubeProxyIPVS === true) modes.push("ipvs");
  if (traits.nftables && gates.NFTablesProxyMode === true) modes.push("nftables");
  if (modes.includes(mode)) return [];
  const detail = `must be ${modes.join(", ")} or blank (blank means the best-available proxy [currently iptables])`;
  return [refuse(field(["mode"], "Mode", "ProxyMode"), mode, detail)];
}

function checkPeriods({ durations, section }: DefaultedConfig): readonly FieldError[] {
  const { configSyncPeriod, syncPeriod, minSyncPeriod } = durations;
  const sync = field([section, "syncPeriod"], "SyncPeriod");
  const errors = [
    ...checkDuration(configSyncPeriod, field(["configSyncPeriod"], "ConfigSyncPeriod"), 1n, "must be greater than 0"),
    ...checkDuration(syncPeriod, sync, 1n, "must be greater than 0"),
    ...checkDuration(minSyncPeriod, field([section, "minSyncPeriod"], "MinSyncPeriod"), 0n, NOT_NEGATIVE),
  ];
  if (minSyncPeriod > syncPeriod) {
    // upstream shows the smaller period's value here
    const detail = `must be greater than or equal to ${ROOT}.MinSyncPeriod`;
    errors.push(refuse(sync, formatDuration(minSyncPeriod), detail));
  }
  return errors;
}

function checkHostPort(text: string, where: ConfigField): readonly FieldError[] {
  const split = splitHostPort(text);
  if (split === undefined) return [refuse(where, text, "must be IP:port")];
  const errors: FieldError[] = [];
  if (parseIP(split.host) === undefined) errors.push(refuse(where, split.host, "must be a valid IP"));
  const port = /^[+-]?[0-9]+$/.test(split.port) ? Number(split.port) : 0;
  if (port < 1 || port > 65535) errors.push(refuse(where, split.port, "must be a valid port"));
  return errors;
}

function checkAddresses(config: DefaultedConfig): readonly FieldError[] {
  const { bindAddress, healthzBindAddress, metricsBindAddress } = config;
  const bind = field(["bindAddress"], "BindAddress");
  const bad = "not a valid textual representation of an IP address";
  return [
    ...(parseIP(bindAddress) === undefined ? [refuse(bind, bindAddress, bad)] : []),
    ...checkHostPort(healthzBindAddress, field(["healthzBindAddress"], "HealthzBindAddress")),
    ...checkHostPort(metricsBindAddress, field(["metricsBindAddress"], "MetricsBindAddress")),
  ];
}

/** Keywords and CIDRs in any mixture, each keyword once (v1.37). */
function checkMixed(addresses: readonly string[], where: ConfigField): readonly FieldError[] {
  const seen = new Set<string>();
  return addresses.flatMap((text, i) => {
    const place = member(where, i);
    if (KEYWORDS.includes(text)) {
      const again = seen.has(text);
      seen.add(text);
      return again ? [{ ...duplicate(place.path, text), at: place.at }] : [];
    }
    if (parsePrefix(text) !== undefined) return [];
    return [refuse(place, text, "must be a valid CIDR or one of the keywords 'primary', 'localhost', 'all'")];
  });
}

/** CIDRs; up to v1.36 the list may instead be `primary` alone, and checking ends at that word. */
function checkCIDRs(addresses: readonly string[], where: ConfigField, primary: boolean): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const [i, text] of addresses.entries()) {
    if (primary && text === "primary") {
      if (addresses.length > 1) errors.push(refuse(member(where, i), text, "can't use both 'primary' and CIDRs"));
      break;
    }
    if (parsePrefix(text) === undefined) errors.push(refuse(member(where, i), text, "must be a valid CIDR"));
  }
  return errors;
}

function checkNodePortAddresses(addresses: readonly string[], traits: ConfigTraits): readonly FieldError[] {
  const where = field(["nodePortAddresses"], "NodePortAddresses");
  if (traits.nodePortKeywords === "mixed") return checkMixed(addresses, where);
  return checkCIDRs(addresses, where, traits.nodePortKeywords === "primary alone");
}

function checkHiddenMetrics(version: string, minor: number): readonly FieldError[] {
  const previous = `1.${minor - 1}`;
  if (version === "" || version === previous) return [];
  const only = `must be omitted or have the value '${previous}'; only the previous minor version is allowed`;
  const inner = `showHiddenMetricsForVersion: Invalid value: ${goQuote(version)}: ${only}`;
  const where = field(["showHiddenMetricsForVersion"], "ShowHiddenMetricsForVersion");
  return [refuse(where, version, `invalid showHiddenMetricsForVersion: ${inner}`)];
}

function checkDetectLocal(config: DefaultedConfig, traits: ConfigTraits): readonly FieldError[] {
  const { detectLocalMode, bridgeInterface, interfaceNamePrefix } = config;
  const section = "DetectLocalConfiguration";
  const bridge = field(["detectLocal", "bridgeInterface"], section, "InterfaceName");
  const prefix = field(["detectLocal", "interfaceNamePrefix"], section, "InterfacePrefix");
  switch (detectLocalMode) {
    case "ClusterCIDR":
      return traits.clusterCIDRAlways ? [] : checkClusterCIDRs(config.clusterCIDRs);
    case "BridgeInterface":
      return bridgeInterface === "" ? [refuse(bridge, "", "must not be empty")] : [];
    case "InterfaceNamePrefix":
      return interfaceNamePrefix === "" ? [refuse(prefix, "", "must not be empty")] : [];
    case "NodeCIDR":
      return [];
    default: {
      const path = [ROOT, "DetectLocalMode"];
      return [{ ...notSupported(path, detectLocalMode, LOCAL_MODES, true), at: ["detectLocalMode"] }];
    }
  }
}

/** `Validate` of pkg/proxy/apis/config/validation (v1.37) over a defaulted configuration, in its order. */
export function validateConfig(config: DefaultedConfig, gates: ResolvedGates, minor: number): readonly FieldError[] {
  const traits = configTraits(minor);
  const gateField = field(["featureGates"], "featureGates");
  const iptablesBit = field(["iptables", "masqueradeBit"], "KubeProxyIPTablesConfiguration", "MasqueradeBit");
  const nftablesBit = field(["nftables", "masqueradeBit"], "KubeProxyNFTablesConfiguration", "MasqueradeBit");
  const sorted = Object.fromEntries(Object.entries(config.featureGates).sort(([a], [b]) => (a < b ? -1 : 1)));
  return [
    ...(gates.error === "" ? [] : [refuse(gateField, sorted, gates.error)]),
    ...checkBit(config.iptablesMasqueradeBit, iptablesBit),
    ...(config.mode === "ipvs" ? checkIPVS(config, traits) : []),
    ...(config.mode === "nftables" ? checkBit(config.nftablesMasqueradeBit, nftablesBit) : []),
    ...checkLinux(config),
    ...checkMode(config.mode, gates.gates, traits),
    ...checkPeriods(config),
    ...(traits.clusterCIDRAlways ? checkClusterCIDRText(config) : []),
    ...checkAddresses(config),
    ...checkNodePortAddresses(config.nodePortAddresses, traits),
    ...checkHiddenMetrics(config.showHiddenMetricsForVersion, minor),
    ...checkDetectLocal(config, traits),
  ];
}
