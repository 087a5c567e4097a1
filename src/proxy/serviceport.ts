import type { Located } from "../manifest/object.ts";
import type { Service, ServiceSpec } from "../manifest/service.ts";
import { compareText } from "../net/compare.ts";
import type { IPFamily } from "../net/family.ts";
import { canonicalIP, familyOf } from "../net/ip.ts";
import { formatPrefix, type Prefix, parsePrefix, prefixFamily } from "../net/prefix.ts";
import type { ProxyTraits } from "./traits.ts";

/** An address or range of a Service: its text in rules, and its index in the list it was written in. */
export interface ServiceAddress {
  readonly text: string;
  readonly index: number;
}

/** A source range; `text` is what rules carry. */
export interface SourceRange extends ServiceAddress {
  readonly prefix: Prefix;
}

/** One port of a Service in one family, everything decided that does not depend on endpoints (iptables-mode §1.4). */
export interface ServicePort {
  readonly service: Located<Service>;
  /** The entry of `spec.ports` it was made from. */
  readonly portIndex: number;
  readonly namespace: string;
  readonly name: string;
  readonly portName: string;
  /** As written: TCP, UDP, SCTP. */
  readonly protocol: string;
  /** `namespace/name` and, for a named port, `:port`. */
  readonly nameString: string;
  /** Canonical address; `<nil>` when the text is none, as kube-proxy writes it. */
  readonly clusterIP: string;
  readonly port: number;
  /** 0: none. */
  readonly nodePort: number;
  /** None when gate AllowServiceExternalIPs is off. */
  readonly externalIPs: readonly ServiceAddress[];
  readonly loadBalancerVIPs: readonly ServiceAddress[];
  /** Empty: no restriction. */
  readonly sourceRanges: readonly SourceRange[];
  readonly internalPolicyLocal: boolean;
  readonly externalPolicyLocal: boolean;
  /** Seconds of ClientIP affinity; `undefined`: none. */
  readonly affinitySeconds: number | undefined;
  /** A node port, a VIP or an external IP of the family exists; external IPs count even when their gate is off. */
  readonly externallyAccessible: boolean;
  /** 0: none. */
  readonly healthCheckNodePort: number;
  /** Zone hints of its endpoints may be used; older releases want an annotation for that. */
  readonly usesHints: boolean;
}

/** What a gate or release changes for the fields of a Service. */
export interface ServicePortOptions {
  readonly family: IPFamily;
  readonly traits: ProxyTraits;
  /** Gate AllowServiceExternalIPs. */
  readonly externalIPs: boolean;
}

const DEFAULT_AFFINITY_SECONDS = 10800;

/** Which Services the informer delivers and kube-proxy does not skip (iptables-mode §1.2). */
export function isServiceSeen(service: Service, traits: ProxyTraits): boolean {
  const labels = service.metadata.labels;
  if (labels?.["service.kubernetes.io/service-proxy-name"] !== undefined) return false;
  if (traits.bothLabelsHide && labels?.["service.kubernetes.io/headless"] !== undefined) return false;
  const spec = service.spec;
  if (spec === undefined || spec.type === "ExternalName") return false;
  return spec.clusterIP !== undefined && spec.clusterIP !== "" && spec.clusterIP !== "None";
}

/** The Service's cluster IP of a family as written, or `undefined` when it has none (iptables-mode §1.3). */
export function clusterIPOf(spec: ServiceSpec, family: IPFamily): string | undefined {
  const families = spec.ipFamilies ?? [];
  if (families.length === 0) {
    const clusterIP = spec.clusterIP ?? "";
    return clusterIP !== "" && (familyOf(clusterIP) ?? "IPv4") === family ? clusterIP : undefined;
  }
  const index = families.findIndex((entry, i) => entry === family && i < (spec.clusterIPs?.length ?? 0));
  return spec.clusterIPs?.[index] || undefined;
}

const NO_TEXTS: readonly string[] = [];
const NO_ADDRESSES: readonly ServiceAddress[] = [];

function addresses(texts: readonly (string | undefined)[] | undefined, family: IPFamily): readonly ServiceAddress[] {
  if (texts === undefined || texts.length === 0) return NO_ADDRESSES;
  return texts.flatMap((written, index) =>
    written !== undefined && familyOf(written) === family ? [{ text: canonicalIP(written) ?? written, index }] : [],
  );
}

function loadBalancerVIPs(service: Service, { family, traits }: ServicePortOptions): readonly ServiceAddress[] {
  const usable = service.status?.loadBalancer?.ingress?.map(({ ip, ipMode }) =>
    !traits.ipMode || ipMode === undefined || ipMode === "VIP" ? ip : undefined,
  );
  return addresses(usable, family);
}

function sourceRanges(spec: ServiceSpec, { family, traits }: ServicePortOptions): readonly SourceRange[] {
  const ranges = (spec.loadBalancerSourceRanges ?? NO_TEXTS).flatMap((written, index) => {
    const trimmed = written.trim();
    const prefix = parsePrefix(trimmed);
    if (prefix === undefined || prefixFamily(prefix) !== family) return [];
    return [{ text: traits.serviceAddressesAsWritten ? trimmed : formatPrefix(prefix), index, prefix }];
  });
  return traits.zeroLengthRangeOpens && ranges.some(({ prefix }) => prefix.length === 0) ? [] : ranges;
}

function externalPolicyLocal(spec: ServiceSpec, traits: ProxyTraits): boolean {
  if (spec.externalTrafficPolicy !== "Local") return false;
  if (spec.type === "LoadBalancer" || spec.type === "NodePort") return true;
  const clusterIPOnly = (spec.type ?? "ClusterIP") === "ClusterIP";
  return traits.externalLocalForExternalIPs && clusterIPOnly && (spec.externalIPs?.length ?? 0) > 0;
}

/** Does the Service ask for zone hints? (iptables-history §6, row topology) */
function usesHints(service: Service, traits: ProxyTraits): boolean {
  if (!traits.hintsNeedAnnotation) return true;
  const annotations = service.metadata.annotations ?? {};
  const older = annotations["service.kubernetes.io/topology-aware-hints"];
  if (traits.hintsNeedAuto) return older === "Auto" || older === "auto";
  const value = older ?? annotations["service.kubernetes.io/topology-mode"] ?? "";
  return value !== "" && value !== "disabled" && value !== "Disabled";
}

/** Orders service ports as rules are written: namespace, name, port name, protocol, by code unit. */
function compareServicePorts(a: ServicePort, b: ServicePort): number {
  return compareText(a.portName, b.portName) || compareText(a.protocol, b.protocol);
}

/** Sorted, and of ports with equal name and protocol only the last. */
function lastOfEachIdentity(ports: readonly ServicePort[]): readonly ServicePort[] {
  const byIdentity = new Map(ports.map((port) => [`${port.portName}/${port.protocol}`, port]));
  return [...byIdentity.values()].sort(compareServicePorts);
}

/** kube-proxy relies on the API server's default being there and crashes without it; here it is taken for granted. */
function affinitySeconds(spec: ServiceSpec): number | undefined {
  if (spec.sessionAffinity !== "ClientIP") return undefined;
  return spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? DEFAULT_AFFINITY_SECONDS;
}

/**
 * The service ports of one Service in one family, sorted by port name and protocol; empty when kube-proxy skips it.
 * Of two ports with equal name and protocol the later one counts (iptables-mode §1.4).
 */
export function servicePortsOf(service: Located<Service>, options: ServicePortOptions): readonly ServicePort[] {
  const { traits, family } = options;
  if (!isServiceSeen(service.value, traits)) return [];
  const spec = service.value.spec as ServiceSpec;
  const clusterIP = clusterIPOf(spec, family);
  if (clusterIP === undefined) return [];
  const { namespace = "", name = "" } = service.value.metadata;
  const externalLocal = externalPolicyLocal(spec, traits);
  const clusterAddress = canonicalIP(clusterIP) ?? "<nil>";
  const written = addresses(spec.externalIPs, family);
  const externalIPs = options.externalIPs ? written : NO_ADDRESSES;
  const vips = loadBalancerVIPs(service.value, options);
  const ranges = sourceRanges(spec, options);
  const affinity = affinitySeconds(spec);
  const health = spec.type === "LoadBalancer" && externalLocal ? (spec.healthCheckNodePort ?? 0) : 0;
  const hints = usesHints(service.value, traits);
  const prefix = `${namespace}/${name}`;
  const made = (spec.ports ?? []).map((port, portIndex): ServicePort => {
    const portName = port.name ?? "";
    return {
      service,
      portIndex,
      namespace,
      name,
      portName,
      protocol: port.protocol ?? "TCP",
      nameString: portName !== "" || traits.unnamedPortColon ? `${prefix}:${portName}` : prefix,
      clusterIP: clusterAddress,
      port: port.port ?? 0,
      nodePort: port.nodePort ?? 0,
      externalIPs,
      loadBalancerVIPs: vips,
      sourceRanges: ranges,
      internalPolicyLocal: traits.internalTrafficPolicy && spec.internalTrafficPolicy === "Local",
      externalPolicyLocal: externalLocal,
      affinitySeconds: affinity,
      externallyAccessible: Boolean(port.nodePort) || vips.length > 0 || written.length > 0,
      healthCheckNodePort: health,
      usesHints: hints,
    };
  });
  return made.length < 2 ? made : lastOfEachIdentity(made);
}

/** True when some traffic goes to endpoints of the whole cluster. */
export function usesClusterEndpoints(port: ServicePort): boolean {
  return !port.internalPolicyLocal || port.externallyAccessible;
}

/** True when some traffic goes to endpoints of this node only. */
export function usesLocalEndpoints(port: ServicePort): boolean {
  return port.internalPolicyLocal || (port.externalPolicyLocal && port.externallyAccessible);
}
