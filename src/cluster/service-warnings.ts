import type { Service, ServiceSpec } from "../manifest/service.ts";
import { formatIP, parseIP } from "../net/ip.ts";
import { formatPrefix } from "../net/prefix.ts";
import { syncClusterIPs } from "./defaults.ts";
import {
  hasHostBits,
  hasLeadingZeros,
  hasNetworkLeadingZeros,
  isMappedText,
  splitNetwork,
} from "./validation/addresses.ts";
import { goQuote } from "./validation/go-text.ts";

const MODE = "service.kubernetes.io/topology-mode";
const HINTS = "service.kubernetes.io/topology-aware-hints";

/** `GetWarningsForIP`: an address that is not written canonically; nothing for a text that is no address. */
function warnAddress(path: string, text: string): readonly string[] {
  const address = parseIP(text);
  if (address === undefined) return [];
  const canonical = goQuote(formatIP(address));
  const quoted = goQuote(text);
  if (hasLeadingZeros(text) || isMappedText(text)) {
    return [`${path}: non-standard IP address ${quoted} is invalid: use ${canonical}`];
  }
  if (address.family === "IPv4" || canonical === quoted) return [];
  return [`${path}: IPv6 address ${quoted} should be in RFC 5952 canonical format (${canonical})`];
}

/** `GetWarningsForCIDR`. */
function warnNetwork(path: string, text: string): readonly string[] {
  const written = splitNetwork(text);
  if (written === undefined) return [];
  const quoted = goQuote(text);
  const canonical = goQuote(formatPrefix(written.network));
  const warnings: string[] = [];
  const address = parseIP(written.address);
  if (address !== undefined && hasHostBits(written)) {
    const single = goQuote(`${formatIP(address)}/${written.address.includes(":") ? 128 : 32}`);
    warnings.push(`${path}: CIDR value ${quoted} is ambiguous in this context (should be ${canonical} or ${single}?)`);
  }
  if (hasNetworkLeadingZeros(written) || isMappedText(written.address)) {
    warnings.push(`${path}: non-standard CIDR value ${quoted} is invalid: use ${canonical}`);
  }
  if (warnings.length === 0 && address?.family === "IPv6" && canonical !== quoted) {
    warnings.push(`${path}: IPv6 CIDR value ${quoted} should be in RFC 5952 canonical format (${canonical})`);
  }
  return warnings;
}

function warnHeadless(spec: ServiceSpec): readonly string[] {
  const ignored: string[] = [];
  if ((spec.loadBalancerIP ?? "") !== "") ignored.push("spec.loadBalancerIP");
  if ((spec.externalIPs ?? []).length > 0) ignored.push("spec.externalIPs");
  // the capital letter is upstream's
  if (spec.sessionAffinity !== "None") ignored.push("spec.SessionAffinity");
  return ignored.map((field) => `${field} is ignored for headless services`);
}

/**
 * The warnings the API server prints when it accepts a Service (`GetWarningsForService` of v1.37), in its order. The
 * Service went through `defaultService`; warnings about addresses that it leaves to the server are not known here.
 */
export function serviceWarnings(service: Service): readonly string[] {
  const spec = syncClusterIPs(service).spec ?? {};
  const { clusterIP = "", clusterIPs = [], externalIPs = [], loadBalancerIP = "", type } = spec;
  const headless = type === "ClusterIP" && clusterIP === "None";
  const external = type === "ExternalName";
  const warnings: string[] = [];
  if (service.metadata.annotations?.[HINTS] !== undefined) {
    warnings.push(`annotation ${HINTS} is deprecated, please use ${MODE} instead`);
  }
  if (clusterIP !== "" && clusterIP !== "None") {
    warnings.push(...clusterIPs.flatMap((ip, i) => warnAddress(`spec.clusterIPs[${i}]`, ip)));
  }
  if (headless) warnings.push(...warnHeadless(spec));
  warnings.push(...externalIPs.flatMap((ip, i) => warnAddress(`spec.externalIPs[${i}]`, ip)));
  if (externalIPs.length > 0 && !headless && !external) {
    warnings.push("spec.externalIPs is deprecated and may no longer be implemented in some clusters");
  }
  if (loadBalancerIP !== "") warnings.push(...warnAddress("spec.loadBalancerIP", loadBalancerIP));
  const ranges = spec.loadBalancerSourceRanges ?? [];
  warnings.push(...ranges.flatMap((range, i) => warnNetwork(`spec.loadBalancerSourceRanges[${i}]`, range)));
  if (external && externalIPs.length > 0) {
    warnings.push('spec.externalIPs is ignored when spec.type is "ExternalName"');
  }
  if (!external && (spec.externalName ?? "") !== "") {
    warnings.push('spec.externalName is ignored when spec.type is not "ExternalName"');
  }
  if (spec.trafficDistribution === "PreferClose") {
    warnings.push('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"');
  }
  return warnings;
}
