import { type ClusterNetwork, type ClusterNetworkOptions, clusterNetwork } from "../assembly/cluster-network.ts";
import type { EmulatedMode } from "../assembly/node-rules.ts";
import { buildCluster } from "../cluster/build.ts";
import type { Manifests } from "../manifest/read-manifests.ts";
import { type IPFamily, ipFamilies } from "../net/family.ts";
import { formatRelease, type Release } from "../proxy/release.ts";
import type { Report } from "../text/diagnostic.ts";
import { buildOptions, type ClusterOptions } from "./cluster-input.ts";
import { checkMode, checkRelease, releaseOf, sha256 } from "./compile.ts";
import { kubeProxyConfig } from "./kubeproxy-input.ts";
import { UsageError } from "./terminal.ts";

/** The options of `rulewalk diff` that say what is looked at. */
export interface SideOptions extends Pick<ClusterOptions, "filename" | "recursive" | "validate" | "config"> {
  readonly node?: readonly string[];
  /** The objects of a second side. */
  readonly with?: readonly string[];
  readonly mode?: string;
  readonly kubeVersion: string;
  readonly family: "ipv4" | "ipv6" | "both";
  readonly backend: "nft" | "legacy";
  readonly output: "text" | "json" | "markdown";
  readonly verbose?: boolean;
}

/** kube-proxy in one mode and release. */
export interface Variant {
  readonly name: string;
  readonly mode: EmulatedMode;
  readonly release: Release;
}

/** A cluster under a variant, with what its network was made of. */
export interface MadeSide extends ClusterNetwork {
  readonly name: string;
  readonly options: ClusterNetworkOptions;
}

const listOf = (text: string): readonly string[] => text.split(",").map((each) => each.trim());

/** Every mode of `--mode` in every release of `--kube-version`; `modes`: those that are meant where none is given. */
export function variantsOf({ mode, kubeVersion }: SideOptions, modes: string): readonly Variant[] {
  const releases = listOf(kubeVersion).map(releaseOf);
  return listOf(mode ?? modes).flatMap((text) =>
    releases.map((release): Variant => {
      checkMode(text, ["iptables", "ipvs"]);
      checkRelease(release, text);
      const name = releases.length === 1 ? text : `${text} ${formatRelease(release)}`;
      return { name, mode: text === "ipvs" ? "ipvs" : "iptables", release };
    }),
  );
}

/** The cluster of some objects under a variant; `undefined` where kube-proxy would not start. */
export function makeSide(
  manifests: Manifests,
  { name, mode, release }: Variant,
  options: SideOptions,
  values: Readonly<Record<string, unknown>>,
  report: Report,
): MadeSide | undefined {
  const { validate, backend, node: _, mode: __, ...rest } = options;
  const cluster = buildCluster(manifests, buildOptions({ ...rest, validate }, release), report);
  const { mode: ___, kubeVersion: ____, ...own } = values;
  const configured = kubeProxyConfig(manifests, { ...rest, validate, mode }, own, release, report);
  if (configured === undefined) return undefined;
  const config = { ...configured.config, mode };
  const made = { ...configured, config, mode, release, backend, pods: manifests.pods, sha256 };
  return { ...clusterNetwork(cluster, made, report), name, options: made };
}

/** The nodes that are asked for, all unless some are named. */
export function nodesOf({ network }: MadeSide, { node: wanted }: SideOptions): readonly string[] {
  const known = network.nodes;
  if (known.length === 0)
    throw new UsageError("there is no Node among the objects: kubectl get nodes -o json tells them");
  for (const name of wanted ?? [])
    if (!known.includes(name)) throw new UsageError(`--node ${name}: no such Node; known are ${known.join(", ")}`);
  return wanted ?? known;
}

/** The families that are asked for, without those that no Service has addresses of. */
export function familiesOf(
  { proxy }: MadeSide,
  nodes: readonly string[],
  { family }: SideOptions,
): readonly IPFamily[] {
  return ipFamilies
    .filter((each) => family === "both" || each.toLowerCase() === family)
    .filter((each) => nodes.some((node) => (proxy(node, each)?.ports.length ?? 0) > 0));
}
