import { clusterNetwork } from "../assembly/cluster-network.ts";
import type { EmulatedMode } from "../assembly/node-rules.ts";
import { promisedNodes } from "../assembly/promised-nodes.ts";
import { buildCluster } from "../cluster/build.ts";
import { type Manifests, readManifests } from "../manifest/read-manifests.ts";
import { ipFamilies } from "../net/family.ts";
import { formatRelease, type Release } from "../proxy/release.ts";
import type { Report } from "../text/diagnostic.ts";
import { reportPromises } from "../verify/promises/report.ts";
import { buildOptions, type ClusterOptions, clusterSources } from "./cluster-input.ts";
import { checkMode, checkRelease, releaseOf, sha256 } from "./compile.ts";
import { kubeProxyConfig } from "./kubeproxy-input.ts";
import { type HeldSide, newsOf, promisesJSON, promisesMarkdown, promisesText } from "./promises-text.ts";
import { EXIT_USAGE, findings, UsageError } from "./terminal.ts";

/** The options of `rulewalk diff` as far as `--promises` asks for them. */
export interface PromisesOptions extends Pick<ClusterOptions, "filename" | "recursive" | "validate" | "config"> {
  readonly node?: readonly string[];
  readonly with?: readonly string[];
  readonly mode?: string;
  readonly kubeVersion: string;
  readonly family: "ipv4" | "ipv6" | "both";
  readonly backend: "nft" | "legacy";
  readonly output: "text" | "json" | "markdown";
  readonly verbose?: boolean;
}

const EXIT_FINDINGS = 1;

/** kube-proxy in one mode and release. */
interface Variant {
  readonly name: string;
  readonly mode: EmulatedMode;
  readonly release: Release;
}

const listOf = (text: string): readonly string[] => text.split(",").map((each) => each.trim());

/** Every mode of `--mode` in every release of `--kube-version`. */
function variantsOf({ mode = "iptables", kubeVersion }: PromisesOptions): readonly Variant[] {
  const releases = listOf(kubeVersion).map(releaseOf);
  return listOf(mode).flatMap((text) =>
    releases.map((release): Variant => {
      checkMode(text, ["iptables", "ipvs"]);
      checkRelease(release, text);
      const name = releases.length === 1 ? text : `${text} ${formatRelease(release)}`;
      return { name, mode: text === "ipvs" ? "ipvs" : "iptables", release };
    }),
  );
}

function checkNodes(known: readonly string[], wanted: readonly string[] | undefined): readonly string[] {
  if (known.length === 0)
    throw new UsageError("there is no Node among the objects: kubectl get nodes -o json tells them");
  for (const name of wanted ?? [])
    if (!known.includes(name)) throw new UsageError(`--node ${name}: no such Node; known are ${known.join(", ")}`);
  return wanted ?? known;
}

/** Holds the nodes to promises under one mode and release; `undefined` where kube-proxy would not start. */
function holdVariant(
  manifests: Manifests,
  { name, mode, release }: Variant,
  options: PromisesOptions,
  values: Readonly<Record<string, unknown>>,
  report: Report,
): readonly HeldSide[] | undefined {
  const { validate, backend, family, node: wanted, mode: _, ...rest } = options;
  const cluster = buildCluster(manifests, buildOptions({ ...rest, validate }, release), report);
  const { mode: __, kubeVersion: ___, ...own } = values;
  const configured = kubeProxyConfig(manifests, { ...rest, validate, mode }, own, release, report);
  if (configured === undefined) return undefined;
  const config = { ...configured.config, mode };
  const made = { ...configured, config, mode, release, backend, pods: manifests.pods, sha256 };
  const { network, proxy } = clusterNetwork(cluster, made, report);
  const nodes = checkNodes(network.nodes, wanted);
  const nodeAt = promisedNodes(cluster, network, made);
  // a family that no Service has addresses of has no promises to keep
  const used = ipFamilies
    .filter((each) => family === "both" || each.toLowerCase() === family)
    .filter((each) => nodes.some((node) => (proxy(node, each)?.ports.length ?? 0) > 0));
  return nodes.flatMap((node) =>
    used.flatMap((each) => {
      const held = nodeAt(node, each);
      return held === undefined ? [] : [{ side: name, found: reportPromises(held) }];
    }),
  );
}

/** `rulewalk diff --promises`: which packets do not fare as Kubernetes' documentation promises; the exit code. */
export function runPromises(options: PromisesOptions, values: Readonly<Record<string, unknown>>): number {
  if (options.with !== undefined) throw new UsageError("--promises holds one set of objects to what it promises");
  const found = findings();
  const report: Report = (diagnostic) => {
    if (diagnostic.severity !== "note" || options.verbose === true) found.report(diagnostic);
  };
  try {
    const { validate } = options;
    const { node: _, ...rest } = options;
    const manifests = readManifests(clusterSources(rest, report), { validate }, report);
    const all: HeldSide[] = [];
    for (const [i, variant] of variantsOf(options).entries()) {
      const held = holdVariant(manifests, variant, options, values, i === 0 ? report : () => {});
      if (held === undefined || found.hasErrors()) return EXIT_USAGE;
      all.push(...held);
    }
    found.print();
    const { output } = options;
    const printed =
      output === "json" ? [promisesJSON(all)] : output === "markdown" ? promisesMarkdown(all) : promisesText(all);
    for (const piece of printed) process.stdout.write(piece);
    return all.some((each) => newsOf(each.found).length > 0) ? EXIT_FINDINGS : 0;
  } finally {
    found.print();
  }
}
