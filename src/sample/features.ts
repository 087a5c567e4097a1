import type { Service, ServicePortSpec } from "../manifest/service.ts";
import type { SampleCluster } from "./cluster.ts";
import { type ClusterFeature, clusterFeatures } from "./cluster-features.ts";
import { describeAddress, describeRange, familiesIn } from "./describe.ts";
import { ownAddresses } from "./node.ts";
import { type SliceUnit, sliceFeatures, slicesOf } from "./slice-features.ts";
import { type Choice, defaultWeights } from "./weights.ts";

/** What one Service and everything around it shows, told apart by what belongs together. */
export interface FeatureUnit {
  /** Of the configuration, the host and the node: the same for all Services of a sample. */
  readonly cluster: readonly ClusterFeature[];
  readonly service: readonly string[];
  /** Of each port. */
  readonly ports: readonly (readonly string[])[];
  readonly slices: readonly SliceUnit[];
}

/** All names of features: a choice and a way it can go, as in `service.type=NodePort`. */
export function featureNames(): readonly string[] {
  return (Object.keys(defaultWeights) as Choice[]).flatMap((choice) =>
    Object.keys(defaultWeights[choice]).map((way) => `${choice}=${way}`),
  );
}

const counted = ["none", "one", "two", "three"] as const;

function externalIPs(texts: readonly string[]): string {
  if (texts.length === 0) return "none";
  if (texts.some((text) => ownAddresses.includes(text))) return "node";
  if (texts.some((text) => describeAddress(text) !== "plain")) return "odd";
  const families = familiesIn(texts);
  return families.includes(",") ? "both" : families;
}

function ingress(service: Service): readonly string[] {
  const entries = service.status?.loadBalancer?.ingress ?? [];
  const ips = entries.flatMap(({ ip }) => ip ?? []);
  const families = familiesIn(ips);
  const kind = () => {
    if (entries.length === 0) return "none";
    if (ips.length === 0) return "hostname";
    if (entries.length > 2) return "several";
    return families.includes(",") ? "both" : families;
  };
  const modes = new Set(entries.filter(({ ip }) => ip !== undefined).map(({ ipMode }) => ipMode ?? "absent"));
  return [`service.ingress=${kind()}`, ...[...modes].map((mode) => `service.ipMode=${mode}`)];
}

function ranges(service: Service): readonly string[] {
  const texts = service.spec?.loadBalancerSourceRanges ?? [];
  if (texts.length === 0) return ["service.ranges=none"];
  return ["service.ranges=some", ...new Set(texts.map((text) => `service.range=${describeRange(text)}`))];
}

/** The Service holds something that its type should not have. */
function isStray({ spec = {}, status }: Service): boolean {
  if (spec.type === "LoadBalancer") return false;
  const balanced = [status?.loadBalancer?.ingress, spec.loadBalancerSourceRanges, spec.healthCheckNodePort];
  if (balanced.some((value) => value !== undefined)) return true;
  if (spec.type === "NodePort") return false;
  if (spec.ports?.some(({ nodePort }) => nodePort !== undefined)) return true;
  return spec.externalTrafficPolicy !== undefined || (spec.type === "ExternalName" && spec.clusterIP !== undefined);
}

function clusterIP(service: Service): readonly string[] {
  const { clusterIP: first, clusterIPs = [], ipFamilies } = service.spec ?? {};
  const families = `service.families=${ipFamilies?.join(",") ?? "absent"}`;
  if (first === undefined) return [families, "service.clusterIP=absent"];
  if (first === "None") return [families, "service.clusterIP=None"];
  const spellings = [first, ...clusterIPs].map(describeAddress);
  const odd = spellings.find((spelling) => spelling !== "plain") ?? "plain";
  return [families, "service.clusterIP=given", `service.spelling=${odd}`];
}

function label(labels: Readonly<Record<string, string>> | undefined): string {
  if (labels?.["service.kubernetes.io/service-proxy-name"] !== undefined) return "proxy-name";
  return labels?.["service.kubernetes.io/headless"] === undefined ? "none" : "headless";
}

function affinity({ sessionAffinity, sessionAffinityConfig }: NonNullable<Service["spec"]>): string {
  if (sessionAffinity !== "ClientIP") return "None";
  return sessionAffinityConfig?.clientIP?.timeoutSeconds === 10800 ? "default time" : "own time";
}

function serviceFeatures(service: Service): readonly string[] {
  const spec = service.spec ?? {};
  const name = service.metadata.name ?? "";
  return [
    `service.type=${spec.type}`,
    `service.stray=${isStray(service)}`,
    ...clusterIP(service),
    `service.name=${name.length < 63 ? "short" : "long"}`,
    `service.label=${label(service.metadata.labels)}`,
    `service.ports=${counted[spec.ports?.length ?? 0] ?? "three"}`,
    `service.externalIPs=${externalIPs(spec.externalIPs ?? [])}`,
    ...ingress(service),
    ...ranges(service),
    `service.externalPolicy=${spec.externalTrafficPolicy ?? "absent"}`,
    `service.internalPolicy=${spec.internalTrafficPolicy ?? "absent"}`,
    `service.healthCheckNodePort=${spec.healthCheckNodePort === undefined ? "absent" : "given"}`,
    `service.affinity=${affinity(spec)}`,
  ];
}

function portFeatures({ name, protocol, nodePort }: ServicePortSpec): readonly string[] {
  return [
    `port.name=${name === undefined ? "unnamed" : "named"}`,
    `port.protocol=${protocol}`,
    `port.nodePort=${nodePort === undefined ? "absent" : "given"}`,
  ];
}

/** The features of each Service with its slices, read from the objects themselves. */
export function featureUnits(sample: SampleCluster): readonly FeatureUnit[] {
  const cluster = clusterFeatures(sample);
  const services = sample.objects.filter((object) => object.kind === "Service");
  return services.map((service): FeatureUnit => {
    const slices = slicesOf(service, sample.objects);
    const { features, units } = sliceFeatures(service, slices);
    return {
      cluster,
      service: [...serviceFeatures(service), ...features],
      ports: (service.spec?.ports ?? []).map(portFeatures),
      slices: units,
    };
  });
}

/** Every feature that a sample shows anywhere. */
export function featuresOf(sample: SampleCluster): ReadonlySet<string> {
  const found = new Set<string>(clusterFeatures(sample));
  for (const { service, ports, slices } of featureUnits(sample)) {
    for (const name of [...service, ...ports.flat()]) found.add(name);
    for (const { slice, endpoints } of slices) for (const name of [...slice, ...endpoints.flat()]) found.add(name);
  }
  return found;
}
