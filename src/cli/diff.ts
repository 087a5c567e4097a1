import { Command, Option } from "commander";
import { type ClusterNetwork, clusterNetwork } from "../assembly/cluster-network.ts";
import type { EmulatedMode } from "../assembly/node-rules.ts";
import { subjectsAt } from "../assembly/subjects.ts";
import { buildCluster } from "../cluster/build.ts";
import { isOwnAddress } from "../kernel/run.ts";
import { readManifests } from "../manifest/read-manifests.ts";
import { ipFamilies } from "../net/family.ts";
import { parseIP } from "../net/ip.ts";
import { addressOf } from "../network/addresses.ts";
import { formatRelease, type Release } from "../proxy/release.ts";
import type { Report } from "../text/diagnostic.ts";
import { type IntendedDifference, intendedDifferences } from "../verify/equivalence/intended.ts";
import { compareAndGroup, type Naming } from "../verify/equivalence/report.ts";
import { buildOptions, type ClusterOptions, clusterSources } from "./cluster-input.ts";
import { checkMode, checkRelease, releaseOf, sha256 } from "./compile.ts";
import { AFTER, diffJSON, diffMarkdown, diffText, findingsOf, NODE, type NodeComparison } from "./diff-text.ts";
import { kubeProxyConfig } from "./kubeproxy-input.ts";
import { EXIT_USAGE, findings, UsageError } from "./terminal.ts";

interface DiffOptions extends Pick<ClusterOptions, "filename" | "recursive" | "validate" | "config"> {
  readonly node?: readonly string[];
  /** The objects of the second side; absent: those of the first. */
  readonly with?: readonly string[];
  readonly mode?: string;
  readonly kubeVersion: string;
  readonly family: "ipv4" | "ipv6" | "both";
  readonly backend: "nft" | "legacy";
  readonly output: "text" | "json" | "markdown";
  readonly verbose?: boolean;
}

const EXIT_FINDINGS = 1;

const EXAMPLES = `
Examples:
  rulewalk diff -f examples/shop
  rulewalk diff -f examples/shop --node worker-1 --family ipv4 -o markdown
  rulewalk diff -f cluster.yaml --mode ipvs --kube-version 1.30,1.37
  rulewalk diff -f before.yaml --with after.yaml

All packets that can come to a node, or that it sends, are put into classes: those that all rules, sets, virtual servers and
routes of both sides treat alike. One packet of each goes through both, and what becomes of it is compared: who may get it, whose it seems
to be, and what the sender is told. A difference on the list of known ones is told with its reason and advice; anything else is a finding.
The space is described in docs/diff.md.
Between two sets of objects every difference is one.
Exit codes: 0 no finding; 1 findings; 2 wrong usage or input.`;

const append = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

/** One side of the comparison: what is compiled. */
interface Variant {
  readonly name: string;
  readonly mode: EmulatedMode;
  readonly release: Release;
}

const listOf = (text: string): readonly string[] => text.split(",").map((each) => each.trim());

/** `--mode A,B` and `--kube-version X,Y`: the two sides; one value stands for both, and for both sides of `--with` it must. */
function variantsOf({ mode, kubeVersion, with: after }: DiffOptions): readonly [Variant, Variant] {
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
      { ...right, name: AFTER },
    ];
  }
  if (left.mode === right.mode && formatRelease(left.release) === formatRelease(right.release))
    throw new UsageError(
      `both sides are ${left.mode} of ${formatRelease(left.release)}: --mode A,B or --kube-version X,Y names two`,
    );
  return [left, right];
}

/** The two clusters, and where they are compared. */
interface Setting {
  readonly sides: readonly [ClusterNetwork, ClusterNetwork];
  readonly names: readonly [string, string];
  readonly nodes: readonly string[];
  /** What may differ: nothing between two sets of objects is meant or not. */
  readonly list: readonly IntendedDifference[];
}

function settingOf(
  options: DiffOptions,
  values: Readonly<Record<string, unknown>>,
  report: Report,
): Setting | undefined {
  const variants = variantsOf(options);
  const { validate, backend, node: nodes, mode: _, ...rest } = options;
  const { with: after } = options;
  const before = readManifests(clusterSources({ ...rest, validate }, report), { validate }, report);
  const changed =
    after && readManifests(clusterSources({ ...rest, filename: after, validate }, report), { validate }, report);
  const made = variants.map(({ mode, release }, i) => {
    const once: Report = i === 0 || changed !== undefined ? report : () => {};
    const manifests = i === 0 ? before : (changed ?? before);
    const cluster = buildCluster(manifests, buildOptions({ ...rest, validate }, release), once);
    const { mode: __, kubeVersion: ___, ...own } = values;
    const configured = kubeProxyConfig(manifests, { ...rest, validate, mode }, own, release, once);
    if (configured === undefined) return undefined;
    const config = { ...configured.config, mode };
    return clusterNetwork(
      cluster,
      { ...configured, config, mode, release, backend, pods: manifests.pods, sha256 },
      once,
    );
  });
  const [left, right] = made;
  if (left === undefined || right === undefined) return undefined;
  const names = left.cluster.nodes.map(({ value }) => value.metadata.name ?? "");
  if (names.length === 0)
    throw new UsageError("there is no Node among the objects: kubectl get nodes -o json tells them");
  for (const name of nodes ?? [])
    if (!names.includes(name)) throw new UsageError(`--node ${name}: no such Node; known are ${names.join(", ")}`);
  return {
    sides: [left, right],
    names: [variants[0].name, variants[1].name],
    nodes: nodes ?? names,
    list: after === undefined ? intendedDifferences : [],
  };
}

const SENDERS: Readonly<Record<string, string>> = {
  pod: "Pods",
  "pod-network": "Pods",
  node: "nodes",
  "node-external": "nodes",
};

function compareNode(
  { sides, names, list }: Setting,
  node: string,
  family: (typeof ipFamilies)[number],
): NodeComparison | undefined {
  const [left, right] = sides.map(({ network }) => network.node(node)?.host);
  const { network } = sides[0];
  if (left === undefined || right === undefined) return undefined;
  const isOwn = (text: string): boolean => {
    const ip = parseIP(text);
    return ip !== undefined && isOwnAddress(left, addressOf(ip));
  };
  const [before, after] = sides.map(({ cluster }) => subjectsAt(cluster, node, isOwn));
  const naming: Naming = {
    subjectOf: (packet) => before?.(packet) ?? after?.(packet),
    senderOf: (source) => (source === undefined ? NODE : (SENDERS[network.ownerOf(source).kind] ?? "outside")),
  };
  const found = compareAndGroup({ name: names[0], host: left }, { name: names[1], host: right }, family, naming, list);
  return { node, found };
}

function compareAll(setting: Setting, { family }: DiffOptions): readonly NodeComparison[] {
  const wanted = ipFamilies.filter((each) => family === "both" || each.toLowerCase() === family);
  // a family that no Service has addresses of has no differences to tell
  const used = wanted.filter((each) =>
    setting.nodes.some((node) => (setting.sides[0].proxy(node, each)?.ports.length ?? 0) > 0),
  );
  return setting.nodes.flatMap((node) => used.flatMap((each) => compareNode(setting, node, each) ?? []));
}

function run(options: DiffOptions, values: Readonly<Record<string, unknown>>): number {
  const found = findings();
  const report: Report = (diagnostic) => {
    if (diagnostic.severity !== "note" || options.verbose === true) found.report(diagnostic);
  };
  try {
    const setting = settingOf(options, values, report);
    if (setting === undefined || found.hasErrors()) return EXIT_USAGE;
    const all = compareAll(setting, options);
    found.print();
    const printed =
      options.output === "json" ? [diffJSON(all)] : options.output === "markdown" ? diffMarkdown(all) : diffText(all);
    for (const piece of printed) process.stdout.write(piece);
    return all.some((each) => findingsOf(each.found).length > 0) ? EXIT_FINDINGS : 0;
  } finally {
    found.print();
  }
}

/** `rulewalk diff`: which packets two modes or releases treat differently. */
export function diffCommand(exit: (code: number) => void): Command {
  const command = new Command("diff")
    .description(
      "Show which packets two modes, releases or sets of objects treat differently, by Service, with reasons and advice.",
    )
    .option("-f, --filename <path>", "file, folder, or - for standard input; may be repeated", append)
    .option("-R, --recursive", "look into subfolders, too")
    .option("--node <name>", "only this node; may be repeated", append)
    .option("--with <path>", "objects of the second side, compared with those of -f; may be repeated", append)
    .option("--mode <modes>", "proxy modes of the two sides, or the one of both (iptables,ipvs; with --with iptables)")
    .option("--kube-version <releases>", "releases of the two sides, or the one of both", "1.37")
    .addOption(new Option("--family <family>", "IP family").choices(["ipv4", "ipv6", "both"]).default("both"))
    .addOption(
      new Option("--validate <mode>", "faulty objects: refuse, warn, or take them as a cluster holds them")
        .choices(["strict", "warn", "ignore"])
        .default("strict"),
    )
    .option("--config <file>", "KubeProxyConfiguration, or the kube-proxy ConfigMap")
    .addOption(new Option("--backend <backend>", "back end of iptables").choices(["nft", "legacy"]).default("nft"))
    .addOption(new Option("-o, --output <form>", "what to print").choices(["text", "json", "markdown"]).default("text"))
    .option("-v, --verbose", "also print what is assumed about nodes");
  return command.addHelpText("after", EXAMPLES).action((options: DiffOptions) => {
    exit(run(options, command.opts()));
  });
}
