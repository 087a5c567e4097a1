import { clusterNames } from "../assembly/cluster-names.ts";
import { clusterNetwork } from "../assembly/cluster-network.ts";
import type { EmulatedMode } from "../assembly/node-rules.ts";
import { buildCluster } from "../cluster/build.ts";
import { type AllowList, readAllowFile } from "../diff/allow-file.ts";
import type { DiffSetting, DiffSide } from "../diff/compare-nodes.ts";
import { type Manifests, readManifests } from "../manifest/read-manifests.ts";
import { ipFamilies } from "../net/family.ts";
import { formatRelease, type Release } from "../proxy/release.ts";
import type { Report } from "../text/diagnostic.ts";
import { intendedDifferences } from "../verify/equivalence/intended.ts";
import { buildOptions, type ClusterOptions, clusterSources } from "./cluster-input.ts";
import { checkMode, checkRelease, releaseOf, sha256 } from "./compile.ts";
import { kubeProxyConfig } from "./kubeproxy-input.ts";
import { readSource } from "./read-input.ts";
import { UsageError } from "./terminal.ts";

/** The options that say what is compared. */
export interface DiffSettingOptions extends Pick<ClusterOptions, "filename" | "recursive" | "validate" | "config"> {
  readonly node?: readonly string[];
  /** The objects of the second side; absent: those of the first. */
  readonly with?: readonly string[];
  readonly mode?: string;
  readonly kubeVersion: string;
  readonly family: "ipv4" | "ipv6" | "both";
  readonly backend: "nft" | "legacy";
  /** A file of differences that are accepted. */
  readonly allow?: string;
}

/** One side of the comparison: what is compiled. */
interface Variant {
  readonly name: string;
  readonly mode: EmulatedMode;
  readonly release: Release;
}

const listOf = (text: string): readonly string[] => text.split(",").map((each) => each.trim());

/** `--mode A,B` and `--kube-version X,Y`: the two sides; one value stands for both, and for both sides of `--with` it must. */
function variantsOf({ mode, kubeVersion, with: after }: DiffSettingOptions): readonly [Variant, Variant] {
  const modes = listOf(mode ?? (after === undefined ? "iptables,ipvs" : "iptables"));
  const releases = listOf(kubeVersion).map(releaseOf);
  if (modes.length > 2 || releases.length > 2)
    throw new UsageError("two sides are compared: --mode A,B, --kube-version X,Y, or both");
  const side = (i: 0 | 1): Variant => {
    const ofMode = modes[i] ?? (modes[0] as string);
    const release = releases[i] ?? (releases[0] as Release);
    checkMode(ofMode, ["iptables", "ipvs"]);
    checkRelease(release, ofMode);
    const words = [
      ...(modes.length > 1 || releases.length === 1 ? [ofMode] : []),
      ...(releases.length > 1 ? [formatRelease(release)] : []),
    ];
    return { name: words.join(" "), mode: ofMode === "ipvs" ? "ipvs" : "iptables", release };
  };
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

/** What of a side is not in its name. */
function settingText([left, right]: readonly [Variant, Variant], { with: after }: DiffSettingOptions): string {
  const [a, b] = [left, right].map(({ release }) => formatRelease(release));
  if (after !== undefined) return `kube-proxy ${a}, mode ${left.mode}`;
  if (a === b) return `kube-proxy ${a}`;
  return left.mode === right.mode ? `mode ${left.mode}` : "";
}

/** Arguments of `rulewalk trace` that make a side. */
function argumentsOf(
  options: DiffSettingOptions,
  { mode, release }: Variant,
  files: readonly string[],
): readonly string[] {
  const { recursive, validate, config, backend } = options;
  return [
    ...files.flatMap((file) => ["-f", file]),
    ...(recursive === true ? ["-R"] : []),
    ...(config === undefined ? [] : ["--config", config]),
    ...(validate === "strict" ? [] : ["--validate", validate]),
    ...(backend === "nft" ? [] : ["--backend", backend]),
    ...["--mode", mode],
    ...(formatRelease(release) === "1.37" ? [] : ["--kube-version", formatRelease(release)]),
  ];
}

/** The objects of a side, and the arguments that name them. */
interface Objects {
  readonly manifests: Manifests;
  readonly files: readonly string[];
}

function sideOf(
  options: DiffSettingOptions,
  variant: Variant,
  { manifests, files }: Objects,
  values: Readonly<Record<string, unknown>>,
  setting: string,
  report: Report,
): DiffSide | undefined {
  const { mode, release, name } = variant;
  const { validate, backend, node: _, mode: __, ...rest } = options;
  const cluster = buildCluster(manifests, buildOptions({ ...rest, validate }, release), report);
  const { mode: ___, kubeVersion: ____, ...own } = values;
  const configured = kubeProxyConfig(manifests, { ...rest, validate, mode }, own, release, report);
  if (configured === undefined) return undefined;
  const config = { ...configured.config, mode };
  const { pods } = manifests;
  const place = clusterNetwork(cluster, { ...configured, config, mode, release, backend, pods, sha256 }, report);
  return { name, place, names: clusterNames(place, pods), setting, args: argumentsOf(options, variant, files) };
}

function checkNodes(sides: readonly DiffSide[], wanted: readonly string[] | undefined): readonly string[] {
  const names = (sides[0] as DiffSide).place.network.nodes;
  if (names.length === 0)
    throw new UsageError("there is no Node among the objects: kubectl get nodes -o json tells them");
  for (const name of wanted ?? [])
    if (!names.includes(name)) throw new UsageError(`--node ${name}: no such Node; known are ${names.join(", ")}`);
  return wanted ?? names;
}

function allowListOf({ allow }: DiffSettingOptions, report: Report): AllowList | undefined {
  if (allow === undefined) return { entries: [], reportUnused: () => {} };
  const source = readSource(allow, report);
  return source === undefined ? undefined : readAllowFile(source, report);
}

/** What is compared, and the list of what is accepted. */
export interface ReadSetting {
  readonly setting: DiffSetting;
  readonly allowList: AllowList;
}

/** Reads and decides all that the options ask for; `undefined` after errors, which are reported. */
export function diffSetting(
  options: DiffSettingOptions,
  values: Readonly<Record<string, unknown>>,
  report: Report,
): ReadSetting | undefined {
  const variants = variantsOf(options);
  const { validate, with: after, filename, family, mode: _, node: __, ...rest } = options;
  const read = (files: readonly string[] | undefined): Objects => ({
    manifests: readManifests(
      clusterSources({ ...rest, ...(files === undefined ? {} : { filename: files }), validate }, report),
      { validate },
      report,
    ),
    files: files ?? [],
  });
  const allowList = allowListOf(options, report);
  const before = read(filename);
  const changed = after === undefined ? undefined : read(after);
  const setting = settingText(variants, options);
  const left = sideOf(options, variants[0], before, values, setting, report);
  // the same objects have the same faults: they are told once
  const right = sideOf(
    options,
    variants[1],
    changed ?? before,
    values,
    setting,
    changed === undefined ? () => {} : report,
  );
  if (left === undefined || right === undefined || allowList === undefined) return undefined;
  return {
    setting: {
      sides: [left, right],
      nodes: checkNodes([left, right], options.node),
      families: ipFamilies.filter((each) => family === "both" || each.toLowerCase() === family),
      ofObjects: after !== undefined,
      // between two sets of objects nothing is meant or not
      intended: after === undefined ? intendedDifferences : [],
      allowed: allowList.entries,
    },
    allowList,
  };
}
