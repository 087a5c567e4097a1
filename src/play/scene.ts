import { type ClusterNetwork, clusterNetwork } from "../assembly/cluster-network.ts";
import type { FamilyIPVS } from "../assembly/ipvs-node.ts";
import type { EmulatedMode } from "../assembly/node-rules.ts";
import { remembered } from "../assembly/remembered.ts";
import { type BuildOptions, buildCluster } from "../cluster/build.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { ResolvedConfig } from "../cluster/kubeproxy-config.ts";
import { type CompiledIptables, compileIptables } from "../compile/iptables/compile.ts";
import { type CompiledIPVS, compileIPVS } from "../compile/ipvs/compile.ts";
import type { HostFile } from "../manifest/hostfile.ts";
import type { KubeProxyConfiguration } from "../manifest/kubeproxy.ts";
import type { Located } from "../manifest/object.ts";
import type { Pod } from "../manifest/pod.ts";
import type { Manifests } from "../manifest/read-manifests.ts";
import { type IPFamily, ipFamilies } from "../net/family.ts";
import type { IPAddress } from "../net/ip.ts";
import type { SHA256Hex } from "../net/sha256.ts";
import type { Release } from "../proxy/release.ts";
import type { ProxyState } from "../proxy/state.ts";
import type { Backend } from "../rules/iptables/ruleset.ts";
import type { Report } from "../text/diagnostic.ts";
import { type LivingIPVS, livingNetwork, proxyOn } from "./living-ipvs.ts";

/** What holds for a whole play. */
export interface PlaySettings {
  readonly release: Release;
  readonly mode: EmulatedMode;
  readonly config: ResolvedConfig;
  readonly written?: Located<KubeProxyConfiguration> | undefined;
  readonly build: BuildOptions;
  readonly backend: Backend;
  readonly hostFile?: (node: string) => HostFile | undefined;
  readonly outsideRoutesPods?: boolean;
  readonly sha256?: SHA256Hex;
  /** What the kernels draw by. */
  readonly seed: string | number;
}

/** The cluster between two changes: its objects, and what kube-proxy made of them on every node. */
export interface Scene {
  readonly manifests: Manifests;
  readonly cluster: Cluster;
  /** Pods of the objects, and those that stay though no slice names them any more. */
  readonly pods: readonly Located<Pod>[];
  readonly network: ClusterNetwork["network"];
  readonly proxy: (node: string, family: IPFamily) => ProxyState;
  readonly reason: ClusterNetwork["reason"];
  /** The rules of a node with their origins. */
  readonly compiled: (node: string, family: IPFamily) => CompiledIptables | CompiledIPVS;
  /** What kube-proxy wants of a node's ip_vs; no family in other modes. */
  readonly ipvs: (node: string) => readonly FamilyIPVS[];
}

/** Pods that no object names: they are attached where a podCIDR holds them, or where their endpoint said. */
export interface ExtraPods {
  readonly addresses: readonly IPAddress[];
  readonly pods: readonly Located<Pod>[];
}

/** Builds the cluster of some objects with all nodes in sync; in ipvs mode their ip_vs is what `living` tells. */
export function makeScene(
  manifests: Manifests,
  extra: ExtraPods,
  settings: PlaySettings,
  living: LivingIPVS,
  report: Report,
): Scene {
  const { config, mode, release, written, backend, hostFile, outsideRoutesPods, sha256 } = settings;
  const cluster = buildCluster(manifests, settings.build, report);
  const pods = [...manifests.pods, ...extra.pods];
  const options = {
    config,
    mode,
    release,
    pods,
    askedFor: extra.addresses,
    backend,
    ...(written === undefined ? {} : { written }),
    ...(hostFile === undefined ? {} : { hostFile }),
    ...(outsideRoutesPods === undefined ? {} : { outsideRoutesPods }),
    ...(sha256 === undefined ? {} : { sha256 }),
  };
  const { network, proxy, reason } = clusterNetwork(cluster, options, report);
  const stateOf = (node: string, family: IPFamily): ProxyState => {
    const state = proxy(node, family);
    if (state === undefined) throw new RangeError(`there is no Node ${node}`);
    return state;
  };
  const ipvsOf = remembered((node, family) => compileIPVS(stateOf(node, family)));
  const iptablesOf = remembered((node, family) =>
    compileIptables(stateOf(node, family), sha256 === undefined ? {} : { sha256 }),
  );
  const ipvs = (node: string): readonly FamilyIPVS[] =>
    mode === "ipvs"
      ? ipFamilies.map((family) => ({ state: stateOf(node, family), compiled: ipvsOf(node, family) }))
      : [];
  return {
    manifests,
    cluster,
    pods,
    network: mode === "ipvs" ? livingNetwork(network, (node) => proxyOn(living, { ipvs }, node).node.table) : network,
    proxy: stateOf,
    reason,
    compiled: mode === "ipvs" ? ipvsOf : iptablesOf,
    ipvs,
  };
}
