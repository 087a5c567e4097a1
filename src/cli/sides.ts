import { type ClusterNetwork, type ClusterNetworkOptions, clusterNetwork } from "../assembly/cluster-network.ts";
import type { EmulatedMode } from "../assembly/node-rules.ts";
import { buildCluster } from "../cluster/build.ts";
import { type Manifests, readManifests } from "../manifest/read-manifests.ts";
import { type IPFamily, ipFamilies } from "../net/family.ts";
import { formatRelease, type Release } from "../proxy/release.ts";
import type { Report } from "../text/diagnostic.ts";
import { buildOptions, type ClusterOptions, clusterSources } from "./cluster-input.ts";
import { checkMode, checkRelease, releaseOf, sha256 } from "./compile.ts";
import { kubeProxyConfig } from "./kubeproxy-input.ts";
import { UsageError } from "./terminal.ts";

/** The options of `rulewalk diff` that say what is looked at. */
export interface SideOptions extends Pick<ClusterOptions, "filename" | "recursive" | "validate" | "config"> {
  readonly node?: readonly string[];
  /** The objects of the second side; absent: those of the first. */
  readonly with?: readonly string[];
  readonly mode?: string;
  readonly kubeVersion: string;
  readonly family: "ipv4" | "ipv6" | "both";
  readonly backend: "nft" | "legacy";
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

/** A left and a right one. */
export type Pair<T> = readonly [T, T];

const listOf = (text: string): readonly string[] => text.split(",").map((each) => each.trim());

function variantOf(mode: string, release: Release, named: { mode: boolean; release: boolean }): Variant {
  checkMode(mode, ["iptables", "ipvs"]);
  checkRelease(release, mode);
  const name = [...(named.mode ? [mode] : []), ...(named.release ? [formatRelease(release)] : [])].join(" ");
  return { name, mode: mode === "ipvs" ? "ipvs" : "iptables", release };
}

/** Every mode of `--mode`, iptables where none is given, in every release of `--kube-version`. */
export function variantsOf({ mode, kubeVersion }: SideOptions): readonly Variant[] {
  const releases = listOf(kubeVersion).map(releaseOf);
  return listOf(mode ?? "iptables").flatMap((each) =>
    releases.map((release) => variantOf(each, release, { mode: true, release: releases.length > 1 })),
  );
}

/**
 * `--mode A,B` and `--kube-version X,Y`: the two sides; one value stands for both, and for both sides of `--with` it must. Names leave out the
 * mode of both where releases tell them apart, unless `inFull` asks for it.
 */
export function pairOf({ mode, kubeVersion, with: after }: SideOptions, inFull = false): Pair<Variant> {
  const releases = listOf(kubeVersion).map(releaseOf);
  // where something else is compared, modes are not
  const modes = listOf(mode ?? (after === undefined && releases.length === 1 ? "iptables,ipvs" : "iptables"));
  if (modes.length > 2 || releases.length > 2)
    throw new UsageError("two sides are compared: --mode A,B, --kube-version X,Y, or both");
  const named = { mode: inFull || modes.length > 1 || releases.length === 1, release: releases.length > 1 };
  const side = (i: 0 | 1): Variant =>
    variantOf(modes[i] ?? (modes[0] as string), releases[i] ?? (releases[0] as Release), named);
  const [left, right] = [side(0), side(1)];
  if (after !== undefined) {
    if (modes.length > 1 || releases.length > 1)
      throw new UsageError("--with compares objects: one mode and one release for both sides");
    return [
      { ...left, name: "before" },
      { ...right, name: "after" },
    ];
  }
  if (left.mode === right.mode && formatRelease(left.release) === formatRelease(right.release))
    throw new UsageError(
      `both sides are ${left.mode} of ${formatRelease(left.release)}: --mode A,B or --kube-version X,Y names two`,
    );
  return [left, right];
}

/** The objects of some files, or of what stands for them where none are named. */
export function readObjects(options: SideOptions, files: readonly string[] | undefined, report: Report): Manifests {
  const { filename: _, node: __, with: ___, ...rest } = options;
  const sources = clusterSources({ ...rest, ...(files === undefined ? {} : { filename: files }) }, report);
  return readManifests(sources, { validate: options.validate }, report);
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

/** Both sides of a comparison, with `--with` of two sets of objects; `undefined` where kube-proxy would not start. */
export function makePair(
  variants: Pair<Variant>,
  options: SideOptions,
  values: Readonly<Record<string, unknown>>,
  report: Report,
): Pair<MadeSide> | undefined {
  const before = readObjects(options, options.filename, report);
  const after = options.with === undefined ? undefined : readObjects(options, options.with, report);
  const left = makeSide(before, variants[0], options, values, report);
  // the same objects have the same faults: they are told once
  const right = makeSide(after ?? before, variants[1], options, values, after === undefined ? () => {} : report);
  return left === undefined || right === undefined ? undefined : [left, right];
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

/** The families that are asked for. */
export const familiesOf = ({ family }: SideOptions): readonly IPFamily[] =>
  ipFamilies.filter((each) => family === "both" || each.toLowerCase() === family);

/** The families that are asked for, without those that no Service has addresses of. */
export const servedFamilies = (
  { proxy }: MadeSide,
  nodes: readonly string[],
  options: SideOptions,
): readonly IPFamily[] =>
  familiesOf(options).filter((family) => nodes.some((node) => (proxy(node, family)?.ports.length ?? 0) > 0));
