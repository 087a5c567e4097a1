import { clusterNames } from "../assembly/cluster-names.ts";
import { clusterNetwork } from "../assembly/cluster-network.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { reportConfigErrors } from "../cluster/kubeproxy/written-config.ts";
import { resolveKubeProxyConfig } from "../cluster/kubeproxy-config.ts";
import { compareNodes, type DiffSetting, type DiffSide } from "../diff/compare-nodes.ts";
import { diffJSON } from "../diff/json.ts";
import { diffMarkdown } from "../diff/markdown.ts";
import { diffText } from "../diff/text.ts";
import type { Manifests } from "../manifest/read-manifests.ts";
import { formatRelease, type Release } from "../proxy/release.ts";
import type { Report } from "../text/diagnostic.ts";
import { intendedDifferences } from "../verify/equivalence/intended.ts";
import type { DiffForm, ScenarioSettings } from "./scenario-file.ts";

/** iptables against ipvs mode in one release of a scenario. */
export interface ScenarioComparison {
  /** Folder of its texts below the scenario: `dumps/RELEASE-iptables-ipvs`. */
  readonly folder: string;
  readonly forms: readonly DiffForm[];
  readonly setting: DiffSetting;
}

/** What a comparison is made of. */
export interface ComparedInputs {
  readonly settings: ScenarioSettings;
  readonly manifests: Manifests;
  readonly configuration: Manifests["kubeProxyConfigurations"][number] | undefined;
  readonly cluster: Cluster;
  readonly nodes: readonly string[];
  /** Files whose names make the commands that repeat an example. */
  readonly files: readonly string[];
}

function sideOf(
  inputs: ComparedInputs,
  release: Release,
  mode: "iptables" | "ipvs",
  report: Report,
): DiffSide | undefined {
  const { manifests, configuration, cluster, files } = inputs;
  const { config, errors } = resolveKubeProxyConfig({ ...configuration?.value, mode }, release);
  reportConfigErrors(errors, configuration, report);
  if (config === undefined) return undefined;
  const { pods } = manifests;
  const place = clusterNetwork(cluster, { config, written: configuration, release, mode, pods }, report);
  const version = formatRelease(release);
  const args = [
    ...files.flatMap((file) => ["-f", file]),
    ...["--mode", mode],
    ...(version === "1.37" ? [] : ["--kube-version", version]),
  ];
  return { name: mode, place, names: clusterNames(place, pods), setting: `kube-proxy ${version}`, args };
}

/** What a scenario asks to be compared in a release; nothing where it does not. */
export function comparisonIn(inputs: ComparedInputs, release: Release, report: Report): readonly ScenarioComparison[] {
  const { settings, nodes } = inputs;
  if (settings.diff.length === 0) return [];
  const [left, right] = [sideOf(inputs, release, "iptables", report), sideOf(inputs, release, "ipvs", report)];
  if (left === undefined || right === undefined) return [];
  const { families } = settings;
  const setting = {
    sides: [left, right] as const,
    nodes,
    families,
    ofObjects: false,
    intended: intendedDifferences,
    allowed: [],
  };
  return [{ folder: `dumps/${formatRelease(release)}-iptables-ipvs`, forms: settings.diff, setting }];
}

const WIDTH = 120;
const PLAIN = (text: string): string => text;

const FILES: Readonly<Record<DiffForm, string>> = { text: "diff.txt", markdown: "diff.md", json: "diff.json" };

/** The texts of a comparison, as `rulewalk diff` prints them, by path. */
export function comparisonDumps({ folder, forms, setting }: ScenarioComparison): ReadonlyMap<string, string> {
  const diff = compareNodes(setting);
  const options = { width: WIDTH, traces: false, verbose: false, strong: PLAIN };
  const texts = {
    text: () => diffText(diff, options),
    markdown: () => diffMarkdown(diff),
    json: () => [diffJSON(diff)],
  };
  return new Map(forms.map((form) => [`${folder}/${FILES[form]}`, [...texts[form]()].join("")] as const));
}
