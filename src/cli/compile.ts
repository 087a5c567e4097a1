import { hash } from "node:crypto";
import { Command, Option } from "commander";
import { compileIptables, compileIptablesText } from "../compile/iptables/compile.ts";
import { verifiedReleases } from "../compile/iptables/traits.ts";
import { verifiedIPVSReleases } from "../compile/ipvs/traits.ts";
import type { IPFamily } from "../net/family.ts";
import { ipFamilies } from "../net/family.ts";
import type { SHA256Hex } from "../net/sha256.ts";
import { formatRelease, parseRelease, type Release } from "../proxy/release.ts";
import { type ProxyState, proxyState } from "../proxy/state.ts";
import type { Report } from "../text/diagnostic.ts";
import { compiledJSON } from "../view/compiled-json.ts";
import { commandsText, saveText } from "../view/iptables-text.ts";
import { ipvsNodeFiles } from "../view/ipvs-text.ts";
import { type Paint, summary } from "../view/summary.ts";
import { addClusterOptions, type ClusterInput, type ClusterOptions, readCluster } from "./cluster-input.ts";
import { ipvsFamilyText, ipvsReport, ipvsResults, type NodeOutput, nodeOutputs, nodeText } from "./compile-ipvs.ts";
import { writeFolder } from "./out-folder.ts";
import { EXIT_USAGE, findings, paintFor, UsageError } from "./terminal.ts";

/** SHA-256 as the platform has it. */
export const sha256: SHA256Hex = (text) => hash("sha256", text, "hex");

type FamilyOutput = "restore" | "save" | "commands";
type Output = FamilyOutput | NodeOutput | "json" | "summary";
const FAMILY_OUTPUTS: readonly FamilyOutput[] = ["restore", "save", "commands"];
const OUTPUTS: readonly Output[] = [...FAMILY_OUTPUTS, ...nodeOutputs, "json", "summary"];

const isNodeOutput = (output: Output): output is NodeOutput => (nodeOutputs as readonly string[]).includes(output);

interface CompileOptions extends ClusterOptions {
  readonly family: "ipv4" | "ipv6" | "both";
  readonly kubeVersion: string;
  readonly output: Output;
  readonly out?: string;
  readonly backend: "nft" | "legacy";
}

const EXAMPLES = `
Examples:
  rulewalk compile -f examples/shop --node worker-1 -o summary
  kubectl get svc,endpointslices,nodes -A -o json | rulewalk compile -f - --node worker-1
  rulewalk compile -f shop.yaml --node worker-1 --family ipv4 --cluster-cidr 10.244.0.0/16 -o save
  rulewalk compile -f cluster/ -R --node worker-1 --config kube-proxy.yaml --out dumps/worker-1
  rulewalk compile -f examples/shop --node worker-1 --mode ipvs -o ipvsadm-ln

Outputs:
  restore   the input of iptables-restore --noflush --counters (the default)
  save      what iptables-save prints on a node after the commands and the restore
  commands  the single iptables commands that come before the restore
  json      every rule with the object and field behind it
  summary   Services and what becomes of their connections, in words
and in ipvs mode, for both families together as the node has them:
  ipvsadm     what ipvsadm -Sn prints, the input of ipvsadm -R
  ipvsadm-ln  what ipvsadm -Ln prints before any connection
  ipset       what ipset -sorted save prints, the input of ipset restore
  addresses   kube-ipvs0 and its addresses, the input of ip -batch -
Two families on one output are set apart by comment lines; --family ipv4 or ipv6 prints one, byte for byte.`;

/** Modes that are modelled, and their releases. */
const RELEASES: ReadonlyMap<string, readonly Release[]> = new Map([
  ["iptables", verifiedReleases],
  ["ipvs", verifiedIPVSReleases],
]);

/** Refuses a release that is not modelled in a mode. */
export function checkRelease(release: Release, mode: string): void {
  const releases = RELEASES.get(mode) ?? [];
  if (releases.some(({ minor }) => minor === release.minor)) return;
  const known = releases.map(formatRelease).join(", ");
  throw new UsageError(`--kube-version ${formatRelease(release)}: not modelled in ${mode} mode; known are ${known}`);
}

function releaseIn(text: string): Release {
  const release = parseRelease(text);
  if (release === undefined) throw new UsageError(`--kube-version ${text}: not a release such as 1.37 or v1.37.2`);
  return release;
}

/** The release that a text names, one of any mode's. */
export function anyReleaseOf(text: string): Release {
  const release = releaseIn(text);
  const known = [...RELEASES].map(([mode, releases]) => `${releases.map(formatRelease).join(", ")} (${mode})`);
  if ([...RELEASES.values()].some((releases) => releases.some(({ minor }) => minor === release.minor))) return release;
  throw new UsageError(`--kube-version ${text}: not modelled; known are ${known.join(" and ")}`);
}

/** The release that `--kube-version` names, one of iptables mode's. */
export function releaseOf(text: string): Release {
  const release = releaseIn(text);
  if (verifiedReleases.some(({ minor }) => minor === release.minor)) return release;
  const known = verifiedReleases.map(formatRelease).join(", ");
  throw new UsageError(`--kube-version ${text}: not modelled; known are ${known}`);
}

const MODES: readonly string[] = ["iptables", "ipvs", "nftables", "userspace"];

/** Refuses modes that a command has no model of; of most, all but iptables. */
export function checkMode(mode: string, modelled: readonly string[] = ["iptables"]): void {
  if (modelled.includes(mode)) return;
  if (!MODES.includes(mode)) throw new UsageError(`mode ${mode}: kube-proxy has ${MODES.join(", ")}`);
  throw new UsageError(`mode ${mode} is not modelled yet; --mode iptables shows what iptables mode would write`);
}

/** The families that `--family` names. */
export function familiesOf(family: "ipv4" | "ipv6" | "both"): readonly IPFamily[] {
  if (family === "both") return ipFamilies;
  return [family === "ipv4" ? "IPv4" : "IPv6"];
}

const tool = (family: IPFamily): string => (family === "IPv4" ? "iptables" : "ip6tables");

/** One text form of one family. */
function textOf(state: ProxyState, output: FamilyOutput, options: CompileOptions, report: Report): string {
  switch (output) {
    case "restore":
      return compileIptablesText(state, { sha256 });
    case "save":
      return saveText(state, compileIptables(state, { sha256 }), options.backend, report);
    case "commands":
      return commandsText(state);
  }
}

const TITLES = {
  restore: (family: IPFamily) => `# input of ${tool(family)}-restore --noflush --counters (${family})`,
  save: (family: IPFamily) => `# ${tool(family)}-save afterwards (${family})`,
  commands: (family: IPFamily) => `# commands before the restore (${family})`,
} as const;

/** What is asked for in one mode. */
interface ModeOutputs {
  readonly family: (state: ProxyState, output: FamilyOutput) => string;
  readonly report: (output: "json" | "summary", paint?: Paint) => string;
  readonly node: (output: NodeOutput) => string;
  /** Files of `--out` that only this mode has. */
  readonly files: () => Iterable<readonly [string, string]>;
}

function iptablesOutputs(
  states: readonly ProxyState[],
  input: ClusterInput,
  options: CompileOptions,
  report: Report,
): ModeOutputs {
  return {
    family: (state, output) => textOf(state, output, options, report),
    report: (output, paint) => {
      const results = states.map((state) => ({ state, compiled: compileIptables(state, { sha256 }) }));
      return output === "json" ? compiledJSON(results, input.written) : summary(input.cluster, results, paint);
    },
    node: (output) => {
      throw new UsageError(`-o ${output}: only ipvs mode has that`);
    },
    files: () => [],
  };
}

function ipvsOutputs(
  states: readonly ProxyState[],
  input: ClusterInput,
  { backend }: CompileOptions,
  report: Report,
): ModeOutputs {
  const results = ipvsResults(states, report);
  return {
    family: (state, output) => {
      const result = results.find((each) => each.state === state);
      return result === undefined ? "" : ipvsFamilyText(result, output, backend, report);
    },
    report: (output, paint) => ipvsReport(results, output, input, paint),
    node: (output) => nodeText(results, output, report),
    files: () => ipvsNodeFiles(results, report),
  };
}

function print(states: readonly ProxyState[], outputs: ModeOutputs, output: Output): void {
  if (output === "json" || output === "summary") {
    process.stdout.write(outputs.report(output, paintFor(process.stdout)));
    return;
  }
  if (isNodeOutput(output)) {
    process.stdout.write(outputs.node(output));
    return;
  }
  for (const state of states) {
    if (states.length > 1) process.stdout.write(`${TITLES[output](state.family)}\n`);
    process.stdout.write(outputs.family(state, output));
  }
}

/** File names and texts of everything that `--out` writes. */
function* everything(states: readonly ProxyState[], outputs: ModeOutputs): Generator<readonly [string, string]> {
  for (const state of states) {
    for (const output of FAMILY_OUTPUTS) yield [`${tool(state.family)}.${output}`, outputs.family(state, output)];
  }
  yield* outputs.files();
  yield ["rules.json", outputs.report("json")];
  yield ["summary.txt", outputs.report("summary")];
}

function run(options: CompileOptions, values: Readonly<Record<string, unknown>>): number {
  const release = anyReleaseOf(options.kubeVersion);
  const found = findings();
  try {
    const input = readCluster(options, values, release, found.report);
    if (input === undefined || found.hasErrors()) return EXIT_USAGE;
    if (input === "host shown") return 0;
    const mode = options.mode ?? input.config.mode;
    checkMode(mode, [...RELEASES.keys()]);
    checkRelease(release, mode);
    found.print();
    const states = familiesOf(options.family).map((family) =>
      proxyState(input.cluster, { release, family, node: input.node, host: input.host, config: input.config }),
    );
    const outputs = (mode === "ipvs" ? ipvsOutputs : iptablesOutputs)(states, input, options, found.report);
    if (options.out === undefined) print(states, outputs, options.output);
    else writeFolder(options.out, everything(states, outputs));
    return 0;
  } finally {
    found.print();
  }
}

/** `rulewalk compile`: objects → what kube-proxy writes on one node. */
export function compileCommand(exit: (code: number) => void): Command {
  const command = new Command("compile")
    .description("Print what kube-proxy writes on one node for the given objects.")
    .addOption(new Option("-o, --output <form>", "what to print").choices(OUTPUTS).default("restore"))
    .option("--out <dir>", "write every output into this folder instead")
    .addOption(new Option("--family <family>", "IP family").choices(["ipv4", "ipv6", "both"]).default("both"))
    .option("--kube-version <release>", "release of kube-proxy", "1.37")
    .option("--mode <mode>", "proxy mode, instead of the configuration's")
    .addOption(
      new Option("--backend <backend>", "iptables back end of -o save").choices(["nft", "legacy"]).default("nft"),
    );
  addClusterOptions(command);
  return command.addHelpText("after", EXAMPLES).action((options: CompileOptions) => {
    exit(run(options, command.opts()));
  });
}
