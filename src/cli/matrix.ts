import { Command, Option } from "commander";
import { clusterNetwork } from "../assembly/cluster-network.ts";
import type { EmulatedMode } from "../assembly/node-rules.ts";
import { buildCluster } from "../cluster/build.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { type Manifests, readManifests } from "../manifest/read-manifests.ts";
import { matrixJSON } from "../matrix/json.ts";
import { type Matrix, matrix } from "../matrix/matrix.ts";
import type { Matrices, ModeMatrix } from "../matrix/modes.ts";
import { assumedAddresses, matrixSources } from "../matrix/sources.ts";
import { matrixMarkdown, matrixText } from "../matrix/text.ts";
import { type IPAddress, parseIP } from "../net/ip.ts";
import type { Release } from "../proxy/release.ts";
import type { Report } from "../text/diagnostic.ts";
import { buildOptions, type ClusterOptions, clusterSources } from "./cluster-input.ts";
import { checkMode, checkRelease, releaseOf, sha256 } from "./compile.ts";
import { kubeProxyConfig } from "./kubeproxy-input.ts";
import { EXIT_USAGE, findings, UsageError } from "./terminal.ts";

interface MatrixCommandOptions extends Pick<ClusterOptions, "filename" | "recursive" | "validate" | "config"> {
  readonly namespace?: string;
  readonly services?: readonly string[];
  readonly node?: readonly string[];
  readonly client?: readonly string[];
  readonly kubeVersion: string;
  readonly mode?: string;
  readonly backend: "nft" | "legacy";
  readonly routedPods?: boolean;
  readonly output: "text" | "json" | "markdown";
  readonly verbose?: boolean;
}

const EXAMPLES = `
Examples:
  rulewalk matrix -f examples/shop
  rulewalk matrix -f examples/shop -n shop --services web --client 203.0.113.9
  rulewalk matrix -f cluster.yaml --node worker-1 --node worker-2 -o markdown
  rulewalk matrix -f examples/shop --mode ipvs
  rulewalk matrix -f examples/shop --mode iptables,ipvs --services shop/web

Rows are the addresses of Services; columns a Pod on each node (one that is nobody's endpoint; assumed where there is none), each
node itself, a client outside whose packets to external addresses are handed to that node, and an endpoint that calls its own Service.
A cell tells what becomes of a new connection with its reply. An empty one: nothing of that source enters there.
In ipvs mode a share is that of the real servers: round robin gives each its turn.
With several modes a cell that is the same in all stands once; else there is ≠ and what it is in each, in the order of --mode.
Exit codes: 0; 2 wrong usage or input.`;

const append = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];
const listed = (value: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  ...value.split(",").filter((text) => text !== ""),
];

/** Width of the text: that of a terminal, within reason. */
function textWidth(): number {
  const columns = process.stdout.columns ?? 100;
  return Math.max(80, Math.min(120, columns));
}

/** `-n` and `--services`: all Services, those of a namespace, those named. */
function choice(
  { namespace, services }: MatrixCommandOptions,
  { services: known }: Cluster,
): (service: string) => boolean {
  const names = known.map(({ value }) => `${value.metadata.namespace ?? ""}/${value.metadata.name ?? ""}`);
  const wanted = services?.map((name) => (name.includes("/") ? name : `${namespace ?? "default"}/${name}`));
  for (const name of wanted ?? [])
    if (!names.includes(name))
      throw new UsageError(`--services ${name}: no such Service; known are ${names.join(", ")}`);
  return (service) =>
    (wanted === undefined || wanted.includes(service)) &&
    (namespace === undefined || service.startsWith(`${namespace}/`));
}

function clientsOf({ client = [] }: MatrixCommandOptions): readonly IPAddress[] {
  return client.map((text) => {
    const ip = parseIP(text);
    if (ip === undefined) throw new UsageError(`--client ${text}: not an address`);
    return ip;
  });
}

/** `--mode A,B`: each once; the configuration's where none is named. */
function modesOf({ mode }: MatrixCommandOptions, release: Release): readonly EmulatedMode[] | undefined {
  if (mode === undefined) return undefined;
  const names = mode.split(",").map((each) => each.trim());
  for (const [i, name] of names.entries()) {
    checkMode(name, ["iptables", "ipvs"]);
    checkRelease(release, name);
    if (names.indexOf(name) < i) throw new UsageError(`--mode ${mode}: ${name} is named twice`);
  }
  return names.map(emulated);
}

const emulated = (mode: string): EmulatedMode => (mode === "ipvs" ? "ipvs" : "iptables");

function configuredMode(mode: string, release: Release): EmulatedMode {
  checkMode(mode, ["iptables", "ipvs"]);
  checkRelease(release, mode);
  return emulated(mode);
}

function checkNodes({ node }: MatrixCommandOptions, { nodes }: Cluster): void {
  const names = nodes.map(({ value }) => value.metadata.name ?? "");
  if (names.length === 0) throw new UsageError("there is no Node among the objects");
  for (const name of node ?? [])
    if (!names.includes(name)) throw new UsageError(`--node ${name}: no such Node; known are ${names.join(", ")}`);
}

/** What the matrix of each mode is made of. */
interface Objects {
  readonly cluster: Cluster;
  readonly manifests: Manifests;
  readonly release: Release;
  readonly wanted: (service: string) => boolean;
}

function matrixOf(
  { cluster, manifests, release, wanted }: Objects,
  options: MatrixCommandOptions,
  configured: NonNullable<ReturnType<typeof kubeProxyConfig>>,
  mode: EmulatedMode,
  report: Report,
): Matrix {
  const { backend, node, routedPods } = options;
  const choices = { clients: clientsOf(options), ...(node === undefined ? {} : { nodes: node }) };
  const sources = matrixSources(cluster, manifests.pods, choices);
  const config = { ...configured.config, mode };
  const askedFor = assumedAddresses(sources);
  const outside = routedPods === undefined ? {} : { outsideRoutesPods: routedPods };
  const { pods } = manifests;
  const place = { ...configured, config, mode, release, backend, pods, askedFor, sha256, ...outside };
  return matrix(clusterNetwork(cluster, place, report), sources, { wanted });
}

/** The matrix, or one for each mode that is asked for; `undefined` after errors, which are reported. */
function matricesOf(
  options: MatrixCommandOptions,
  values: Readonly<Record<string, unknown>>,
  report: Report,
): Matrices | undefined {
  const release = releaseOf(options.kubeVersion);
  const { validate } = options;
  const { namespace: _, node: __, mode: ___, ...rest } = options;
  const modes = modesOf(options, release);
  const manifests = readManifests(clusterSources(rest, report), { validate }, report);
  const cluster = buildCluster(manifests, buildOptions(rest, release), report);
  const [first = undefined, ...others] = modes ?? [];
  const configuredFor = (mode: EmulatedMode | undefined, tell: Report) =>
    kubeProxyConfig(
      manifests,
      { ...rest, ...(mode === undefined ? {} : { mode }) },
      { ...values, mode: undefined },
      release,
      tell,
    );
  const configured = configuredFor(first, report);
  if (configured === undefined) return undefined;
  checkNodes(options, cluster);
  const objects: Objects = { cluster, manifests, release, wanted: choice(options, cluster) };
  const own = matrixOf(objects, options, configured, first ?? configuredMode(configured.config.mode, release), report);
  if (first === undefined || others.length === 0) return own;
  const more = others.flatMap((mode): readonly ModeMatrix[] => {
    // the same faults are told once
    const again = configuredFor(mode, report);
    return again === undefined ? [] : [{ mode, matrix: matrixOf(objects, options, again, mode, () => {}) }];
  });
  return more.length < others.length ? undefined : [{ mode: first, matrix: own }, ...more];
}

function printed(found: Matrices, { output }: MatrixCommandOptions): Iterable<string> {
  if (output === "json") return [matrixJSON(found)];
  return output === "markdown" ? matrixMarkdown(found) : matrixText(found, textWidth());
}

function run(options: MatrixCommandOptions, values: Readonly<Record<string, unknown>>): number {
  const found = findings();
  const report: Report = (diagnostic) => {
    if (diagnostic.severity !== "note" || options.verbose === true) found.report(diagnostic);
  };
  try {
    const made = matricesOf(options, values, report);
    if (made === undefined || found.hasErrors()) return EXIT_USAGE;
    found.print();
    for (const piece of printed(made, options)) process.stdout.write(piece);
    return 0;
  } finally {
    found.print();
  }
}

/** `rulewalk matrix`: who reaches which Service, and how. */
export function matrixCommand(exit: (code: number) => void): Command {
  const command = new Command("matrix")
    .description("Show who reaches which Service and how: Pods, nodes and clients outside against every address.")
    .option("-f, --filename <path>", "file, folder, or - for standard input; may be repeated", append)
    .option("-R, --recursive", "look into subfolders, too")
    .option("-n, --namespace <name>", "only Services of this namespace")
    .option(
      "--services <names>",
      "only these Services, as NAMESPACE/NAME, separated by commas; may be repeated",
      listed,
    )
    .option("--node <name>", "only sources on this node; may be repeated", append)
    .option("--client <address>", "the client outside, one a family (203.0.113.77, 2001:db8:ffff::77)", append)
    .option("--routed-pods", "routers outside lead to Pod addresses")
    .option("--no-routed-pods", "they do not")
    .addOption(
      new Option("--validate <mode>", "faulty objects: refuse, warn, or take them as a cluster holds them")
        .choices(["strict", "warn", "ignore"])
        .default("strict"),
    )
    .option("--config <file>", "KubeProxyConfiguration, or the kube-proxy ConfigMap")
    .option("--kube-version <release>", "release of kube-proxy", "1.37")
    .option("--mode <modes>", "proxy mode instead of the configuration's, or several to compare: iptables,ipvs")
    .addOption(new Option("--backend <backend>", "back end of iptables").choices(["nft", "legacy"]).default("nft"))
    .addOption(new Option("-o, --output <form>", "what to print").choices(["text", "json", "markdown"]).default("text"))
    .option("-v, --verbose", "also print what is assumed about nodes");
  return command.addHelpText("after", EXAMPLES).action((options: MatrixCommandOptions) => {
    exit(run(options, command.opts()));
  });
}
