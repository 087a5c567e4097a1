import type { HostFile } from "../manifest/hostfile.ts";
import type { KubeProxyConfiguration } from "../manifest/kubeproxy.ts";
import { parsePrefix } from "../net/prefix.ts";
import type { SampleCluster } from "./cluster.ts";
import { containsOwnAddress, familiesIn } from "./describe.ts";

/** A feature of the configuration, the host or the node. */
export type ClusterFeature = `${"config" | "host" | "node" | "cluster"}.${string}=${string}`;

function nodePortAddresses(entries: readonly string[]): string {
  const [first = "absent"] = entries;
  const prefixes = entries.flatMap((entry) => parsePrefix(entry) ?? []);
  if (prefixes.length === 0) return first;
  if (entries.length > 2) return "several";
  if (prefixes.every(({ length }) => length === 0)) return "match-all";
  if (entries.every((entry) => /^(?:127\.|::1\/)/.test(entry))) return "loopback";
  if (!entries.some(containsOwnAddress)) return "nowhere";
  const families = familiesIn(entries);
  return families.includes(",") ? "both" : families;
}

function bit(value: number | undefined): string {
  if (value === undefined) return "absent";
  return value === 0 ? "zero" : value === 31 ? "thirty-one" : "other";
}

function bindAddress(text: string | undefined): string {
  if (text === undefined) return "absent";
  if (text === "0.0.0.0") return "any IPv4";
  return text === "::" ? "any IPv6" : familiesIn([text]);
}

function detectLocal({ detectLocal: written }: KubeProxyConfiguration): string {
  const bridge = written?.bridgeInterface !== undefined;
  if (written?.interfaceNamePrefix !== undefined) return bridge ? "both" : "prefix";
  return bridge ? "bridge" : "absent";
}

function clusterCIDR(text: string | undefined): string {
  if (text === undefined) return "absent";
  return text === "10.128.3.7/9" ? "host-bits" : familiesIn(text.split(","));
}

function configFeatures(config: KubeProxyConfiguration): readonly ClusterFeature[] {
  const { iptables } = config;
  return [
    `config.mode=${config.mode ?? "absent"}`,
    `config.detectLocalMode=${config.detectLocalMode ?? "absent"}`,
    `config.detectLocal=${detectLocal(config)}`,
    `config.clusterCIDR=${clusterCIDR(config.clusterCIDR)}`,
    `config.masqueradeAll=${iptables?.masqueradeAll ?? "absent"}`,
    `config.masqueradeBit=${bit(iptables?.masqueradeBit)}`,
    `config.localhostNodePorts=${iptables?.localhostNodePorts ?? "absent"}`,
    `config.nodePortAddresses=${nodePortAddresses(config.nodePortAddresses ?? [])}`,
    `config.bindAddress=${bindAddress(config.bindAddress)}`,
    `config.externalIPs=${config.featureGates?.AllowServiceExternalIPs ?? "absent"}`,
    `config.tcpBeLiberal=${config.conntrack?.tcpBeLiberal ?? "absent"}`,
  ];
}

function interfaces(host: HostFile): string {
  const list = host.interfaces ?? [];
  if (list.length < 2) return "loopback only";
  if (list.length === 2) return "one";
  const addresses = list.flatMap((device) => device.addresses?.map((text) => text.split("/")[0]) ?? []);
  return new Set(addresses).size < addresses.length ? "shared" : "several";
}

function nodeFeatures({ objects, nodeName }: SampleCluster): readonly ClusterFeature[] {
  const node = objects.find((object) => object.kind === "Node" && object.metadata.name === nodeName);
  if (node?.kind !== "Node") return [];
  const addresses = (node.status?.addresses ?? []).filter(({ type }) => type !== "Hostname");
  const external = addresses.some(({ type }) => type === "ExternalIP");
  const ips = external ? "external" : familiesIn(addresses.flatMap(({ address }) => address ?? [])) || "none";
  const zone = node.metadata.labels?.["topology.kubernetes.io/zone"] === undefined ? "absent" : "given";
  const podCIDRs = familiesIn(node.spec?.podCIDRs ?? []) || "absent";
  return [`node.ips=${ips}`, `node.podCIDRs=${podCIDRs}`, `node.zone=${zone}`];
}

/** The features that all Services of a sample share. */
export function clusterFeatures(sample: SampleCluster): readonly ClusterFeature[] {
  const slices = sample.objects.filter((object) => object.kind === "EndpointSlice");
  const endpoints = slices.reduce((sum, slice) => sum + (slice.endpoints?.length ?? 0), 0);
  return [
    ...configFeatures(sample.config),
    `host.nfacct=${sample.host.nfacct ?? false}`,
    `host.liberal=${sample.host.conntrackTCPLiberal ?? false}`,
    `host.interfaces=${interfaces(sample.host)}`,
    ...nodeFeatures(sample),
    `cluster.endpoints=${endpoints > 1000 ? "large" : "few"}`,
  ];
}
