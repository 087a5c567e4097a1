import { type ClusterNetwork, clusterNetwork } from "../../src/assembly/cluster-network.ts";
import { operatorFacts } from "../../src/assembly/operator-facts.ts";
import { withoutServices } from "../../src/assembly/promised-nodes.ts";
import { buildCluster } from "../../src/cluster/build.ts";
import { resolveKubeProxyConfig } from "../../src/cluster/kubeproxy-config.ts";
import type { OperatorFacts } from "../../src/intent/facts.ts";
import { type Intent, intentOf } from "../../src/intent/intent.ts";
import type { HostFile } from "../../src/manifest/hostfile.ts";
import type { KubeProxyConfiguration } from "../../src/manifest/kubeproxy.ts";
import { readManifests } from "../../src/manifest/read-manifests.ts";
import { formatIP } from "../../src/net/ip.ts";
import type { Network } from "../../src/network/network.ts";
import type { WeightChanges } from "../../src/sample/weights.ts";

/** The modes that the law knows. */
export type Mode = "iptables" | "ipvs";
export const modes: readonly Mode[] = ["iptables", "ipvs"];

/** Objects, kube-proxy's configuration, and facts of the one node that is looked at closely. */
export interface Setting {
  readonly objects: readonly unknown[];
  readonly config: KubeProxyConfiguration;
  readonly host?: { readonly node: string; readonly file: HostFile };
}

/** A cluster's network as kube-proxy makes it, the same without Services, and what Kubernetes promises. */
export interface Place {
  readonly cluster: ClusterNetwork["cluster"];
  readonly proxy: ClusterNetwork["proxy"];
  readonly network: Network;
  readonly without: Network;
  readonly intent: Intent;
  readonly facts: OperatorFacts;
  readonly ambiguous: ReadonlySet<string>;
}

/** Addresses that objects put on several nodes: what they stand for on the way is nobody's to say. */
function ambiguousIn(network: Network): ReadonlySet<string> {
  const all = network.nodes.flatMap((name) => [
    ...new Set((network.node(name)?.pods ?? []).flatMap((pod) => pod.addresses.map(formatIP))),
  ]);
  return new Set(all.filter((text, i) => all.indexOf(text) !== i));
}

/** Builds all three; `undefined` where kube-proxy would not start with the configuration. */
export function placeOf({ objects, config: written, host }: Setting, mode: Mode, minor = 37): Place | undefined {
  const text = objects.map((object) => JSON.stringify(object)).join("\n");
  const cluster = buildCluster(
    readManifests([{ name: "law", text }], { validate: "ignore" }, () => {}),
    { validate: "ignore" },
    () => {},
  );
  const release = { minor };
  const { config } = resolveKubeProxyConfig({ ...written, mode }, release);
  if (config === undefined) return undefined;
  const options = {
    config,
    release,
    mode,
    outsideRoutesPods: false,
    ...(host === undefined ? {} : { hostFile: (name: string) => (name === host.node ? host.file : undefined) }),
  };
  const with_ = clusterNetwork(cluster, options, () => {});
  const without = withoutServices(cluster, options, with_.network);
  const facts = operatorFacts(cluster, without, options);
  return {
    cluster,
    proxy: with_.proxy,
    network: with_.network,
    without,
    facts,
    ambiguous: ambiguousIn(without),
    intent: intentOf(cluster, facts),
  };
}

const ZONES = ["zone-a", "zone-b", "zone-c"];

/** Three nodes with addresses of both families, each in a zone of its own, in place of a sample's odd ones. */
const NODES = ZONES.map((zone, i) => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: `worker-${i + 1}`, labels: { "topology.kubernetes.io/zone": zone } },
  spec: { podCIDR: `10.250.${i}.0/24`, podCIDRs: [`10.250.${i}.0/24`, `fd00:10:244:${i + 1}::/64`] },
  status: {
    addresses: [
      { type: "InternalIP", address: `192.168.0.${i + 1}` },
      { type: "InternalIP", address: `fd00:192:168::${i + 1}` },
    ],
  },
}));

/** The first node has a second interface: node-port addresses tell its addresses apart. */
const HOST: HostFile = {
  interfaces: [
    { name: "lo", addresses: ["127.0.0.1/8", "::1/128"] },
    { name: "eth0", addresses: ["192.168.0.1/24", "fd00:192:168::1/64"] },
    { name: "eth1", addresses: ["172.16.5.4/24", "fd00:172:16::54/64"] },
  ],
  randomFully: true,
};

/** What an API server does not let in: rules that kube-proxy writes of it are refused as a whole. */
const VALID = {
  "cluster.endpoints": { large: 0 },
  // what it stands for is the same on every node
  "config.bindAddress": { "any IPv4": 0, "any IPv6": 0, IPv4: 0, IPv6: 0 },
  "endpoint.address": { "other family": 0, none: 0, broken: 0 },
  "slice.addressType": { other: 0 },
  "service.range": { invalid: 0, empty: 0 },
} as const;

/** Without spellings that old releases wrote into rules as they stood: octal, mapped, in capitals. */
const PLAIN = {
  ...VALID,
  "service.spelling": { zeros: 0, mapped: 0, "upper-case": 0, long: 0 },
  "service.externalIPs": { odd: 0 },
  "service.ingress": { several: 0 },
  "service.range": { ...VALID["service.range"], "host bits": 0, padded: 0 },
  "endpoint.address": { ...VALID["endpoint.address"], zeros: 0, mapped: 0, "upper-case": 0, long: 0 },
} as const;

/** What clusters a release is asked about. */
export const weightsFor = (minor: number): WeightChanges => (minor < 33 ? PLAIN : VALID);

/** A sampled cluster's Services, slices and configuration on nodes that can all reach each other. */
export function settingOf({ objects, config }: Pick<Setting, "objects" | "config">): Setting {
  const kept = objects.filter((object) => (object as { readonly kind?: string }).kind !== "Node");
  return { objects: [...NODES, ...kept], config, host: { node: "worker-1", file: HOST } };
}
