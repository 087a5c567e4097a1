import { Command, InvalidArgumentError, Option } from "commander";
import { verifiedReleases } from "../compile/iptables/traits.ts";
import type { Validation } from "../manifest/read-manifests.ts";
import { formatRelease } from "../proxy/release.ts";
import { sampleCluster } from "../sample/cluster.ts";
import type { Report, Source } from "../text/diagnostic.ts";
import { type BenchResult, benchJSON, benchTable } from "./bench-report.ts";
import {
  addClusterOptions,
  buildOptions,
  type ClusterOptions,
  clusterSources,
  readClusterFrom,
} from "./cluster-input.ts";
import { checkMode, familiesOf, releaseOf, sha256 } from "./compile.ts";
import { plainClusterJSON, plainClusterLimits } from "./plain-cluster.ts";
import { type Repeats, timeStages } from "./stage-times.ts";
import { EXIT_USAGE, findings, UsageError } from "./terminal.ts";
import { version } from "./version.ts";

interface BenchOptions extends ClusterOptions {
  readonly services?: number;
  readonly endpoints: number;
  readonly mix?: string;
  readonly runs: number;
  readonly family: "ipv4" | "ipv6" | "both";
  readonly kubeVersion: string;
  readonly output: "table" | "json";
}

const EXAMPLES = `
Examples:
  rulewalk bench -f examples/shop --node worker-1
  kubectl get svc,endpointslices,nodes -A -o json | rulewalk bench -f - --node worker-1
  rulewalk bench --services 10000 --endpoints 10
  rulewalk bench --services 1000 --mix 7

Every stage of a compilation is run several times in this process. The first run also pays for code that has not run
before; the median is of the others. Times depend on the machine and on what else it does.`;

/** Small clusters are run more often, so that their figures settle. */
const ENOUGH_MS = 100;
const MOST_RUNS = 200;

function count(least: number): (text: string) => number {
  return (text) => {
    if (/^\d{1,9}$/.test(text) && Number(text) >= least) return Number(text);
    throw new InvalidArgumentError(`expected a whole number from ${least} on`);
  };
}

/** Refuses clusters that would not fit into memory. */
function checkSize(services: number, endpoints: number): void {
  const { services: most, endpoints: mostEndpoints } = plainClusterLimits;
  if (services <= most && services * endpoints <= mostEndpoints) return;
  throw new UsageError(
    `--services ${services} --endpoints ${endpoints}: the limits are ${most} Services and ${mostEndpoints} endpoints in all`,
  );
}

function plain(services: number, endpoints: number): Source {
  checkSize(services, endpoints);
  return { name: `${services} Services × ${endpoints} endpoints`, text: plainClusterJSON(services, endpoints) };
}

/** Services of every kind and state, drawn from a seed, and the node they are seen from. */
function mixed(seed: string, services: number, endpoints: number): { readonly source: Source; readonly node: string } {
  checkSize(services, endpoints);
  const { objects, nodeName } = sampleCluster(seed, { services, endpoints });
  const text = JSON.stringify({ apiVersion: "v1", kind: "List", items: objects });
  return { source: { name: `${services} mixed Services of seed ${seed}`, text }, node: nodeName };
}

function sourcesOf(options: BenchOptions, report: Report): readonly Source[] {
  if (options.services === undefined) {
    if (options.filename === undefined) throw new UsageError("-f OBJECTS or --services N is needed: what to measure");
    return clusterSources(options, report);
  }
  if (options.filename !== undefined)
    throw new UsageError("-f and --services exclude one another: measure one of them");
  return [plain(options.services, options.endpoints)];
}

/** What is measured, the node it is seen from, and how it is validated: mixed objects are such as old clusters hold. */
interface Subject {
  readonly sources: readonly Source[];
  readonly node: string | undefined;
  readonly validate: Validation;
}

function subjectOf(options: BenchOptions, report: Report): Subject {
  const { services, mix, validate } = options;
  if (mix !== undefined) {
    if (services === undefined || options.filename !== undefined)
      throw new UsageError("--mix needs --services N, and no -f");
    const { source, node } = mixed(mix, services, options.endpoints);
    return { sources: [source], node: options.node ?? node, validate: "ignore" };
  }
  const sources = sourcesOf(options, report);
  return { sources, node: options.node ?? (services === undefined ? undefined : "node-1"), validate };
}

/** Measures; `undefined` after errors, which are reported. */
function measure(
  options: BenchOptions,
  values: Readonly<Record<string, unknown>>,
  report: Report,
): BenchResult | undefined {
  const release = releaseOf(options.kubeVersion);
  const subject = subjectOf(options, report);
  const { sources, node, validate } = subject;
  const settings = { ...options, validate, ...(node !== undefined && { node }) };
  const input = readClusterFrom(sources, settings, values, release, report);
  if (input === undefined || input === "host shown") return undefined;
  checkMode(options.mode ?? input.config.mode);
  const families = familiesOf(options.family);
  const { node: view, host, config } = input;
  const repeats: Repeats = { runs: options.runs + 1, enoughMs: ENOUGH_MS, mostRuns: MOST_RUNS };
  const states = families.map((family) => ({ release, family, node: view, host, config }));
  const run = timeStages({ sources, build: buildOptions(settings, release), states, sha256 }, repeats);
  return {
    rulewalk: version,
    node: view.name,
    release: formatRelease(release),
    families,
    ...run,
    peakBytes: process.resourceUsage().maxRSS * 1024,
    runtime: { node: process.version, platform: process.platform, arch: process.arch },
  };
}

function run(options: BenchOptions, values: Readonly<Record<string, unknown>>): number {
  const found = findings();
  try {
    const result = measure(options, values, found.report);
    if (result === undefined || found.hasErrors()) return EXIT_USAGE;
    process.stdout.write(options.output === "json" ? benchJSON(result) : benchTable(result));
    return 0;
  } finally {
    found.print();
  }
}

/** `rulewalk bench`: what the stages of a compilation cost for given objects or a generated cluster. */
export function benchCommand(exit: (code: number) => void): Command {
  const newest = formatRelease(verifiedReleases.at(-1) ?? { minor: 37 });
  const command = new Command("bench")
    .description("Measure what each stage of a compilation costs for given objects, or for a generated cluster.")
    .addOption(new Option("-o, --output <form>", "what to print").choices(["table", "json"]).default("table"))
    .addOption(new Option("--services <n>", "measure a generated cluster of so many Services").argParser(count(0)))
    .addOption(new Option("--endpoints <n>", "endpoints of each of them").argParser(count(0)).default(10))
    .option("--mix <seed>", "Services of every kind and state, drawn from this seed, instead of plain ones")
    .addOption(new Option("--runs <n>", "least runs of a stage after the first").argParser(count(1)).default(5))
    .addOption(new Option("--family <family>", "IP family").choices(["ipv4", "ipv6", "both"]).default("both"))
    .option("--kube-version <release>", "release of kube-proxy", newest)
    .option("--mode <mode>", "proxy mode, instead of the configuration's");
  addClusterOptions(command);
  return command.addHelpText("after", EXAMPLES).action((options: BenchOptions) => {
    exit(run(options, command.opts()));
  });
}
