import { hash } from "node:crypto";
import { Command, Option } from "commander";
import { compileIptables, compileIptablesText } from "../compile/iptables/compile.ts";
import { verifiedReleases } from "../compile/iptables/traits.ts";
import type { IPFamily } from "../net/family.ts";
import { ipFamilies } from "../net/family.ts";
import type { SHA256Hex } from "../net/sha256.ts";
import { formatRelease, parseRelease, type Release } from "../proxy/release.ts";
import { type ProxyState, proxyState } from "../proxy/state.ts";
import type { Report } from "../text/diagnostic.ts";
import { compiledJSON } from "../view/compiled-json.ts";
import { commandsText, saveText } from "../view/iptables-text.ts";
import { summary } from "../view/summary.ts";
import { addClusterOptions, type ClusterInput, type ClusterOptions, readCluster } from "./cluster-input.ts";
import { writeFolder } from "./out-folder.ts";
import { EXIT_USAGE, findings, paintFor, UsageError } from "./terminal.ts";

/** SHA-256 as the platform has it. */
export const sha256: SHA256Hex = (text) => hash("sha256", text, "hex");

type Output = "restore" | "save" | "commands" | "json" | "summary";
const OUTPUTS: readonly Output[] = ["restore", "save", "commands", "json", "summary"];

interface CompileOptions extends ClusterOptions {
  readonly family: "ipv4" | "ipv6" | "both";
  readonly kubeVersion: string;
  readonly mode?: string;
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

Outputs:
  restore   the input of iptables-restore --noflush --counters (the default)
  save      what iptables-save prints on a node after the commands and the restore
  commands  the single iptables commands that come before the restore
  json      every rule with the object and field behind it
  summary   Services and what becomes of their connections, in words
Two families on one output are set apart by comment lines; --family ipv4 or ipv6 prints one, byte for byte.`;

/** The release that `--kube-version` names. */
export function releaseOf(text: string): Release {
  const release = parseRelease(text);
  const known = verifiedReleases.map(formatRelease).join(", ");
  if (release === undefined) throw new UsageError(`--kube-version ${text}: not a release such as 1.37 or v1.37.2`);
  if (verifiedReleases.some(({ minor }) => minor === release.minor)) return release;
  throw new UsageError(`--kube-version ${text}: not modelled; known are ${known}`);
}

const MODES: readonly string[] = ["iptables", "ipvs", "nftables", "userspace"];

/** Refuses modes that are not modelled. */
export function checkMode(mode: string): void {
  if (mode === "iptables") return;
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
function textOf(state: ProxyState, output: Output, options: CompileOptions, report: Report): string {
  switch (output) {
    case "restore":
      return compileIptablesText(state, { sha256 });
    case "save":
      return saveText(state, compileIptables(state, { sha256 }), options.backend, report);
    case "commands":
      return commandsText(state);
    default:
      throw new Error(`no text form ${output}`);
  }
}

const TITLES = {
  restore: (family: IPFamily) => `# input of ${tool(family)}-restore --noflush --counters (${family})`,
  save: (family: IPFamily) => `# ${tool(family)}-save afterwards (${family})`,
  commands: (family: IPFamily) => `# commands before the restore (${family})`,
} as const;

function print(states: readonly ProxyState[], input: ClusterInput, options: CompileOptions, report: Report): void {
  const { output } = options;
  if (output === "json" || output === "summary") {
    const results = states.map((state) => ({ state, compiled: compileIptables(state, { sha256 }) }));
    const text =
      output === "json"
        ? compiledJSON(results, input.written)
        : summary(input.cluster, results, paintFor(process.stdout));
    process.stdout.write(text);
    return;
  }
  for (const state of states) {
    if (states.length > 1) process.stdout.write(`${TITLES[output](state.family)}\n`);
    process.stdout.write(textOf(state, output, options, report));
  }
}

/** File names and texts of everything that `--out` writes. */
function* everything(
  states: readonly ProxyState[],
  input: ClusterInput,
  options: CompileOptions,
  report: Report,
): Generator<readonly [string, string]> {
  for (const state of states) {
    for (const output of ["commands", "restore", "save"] as const) {
      yield [`${tool(state.family)}.${output}`, textOf(state, output, options, report)];
    }
  }
  const results = states.map((state) => ({ state, compiled: compileIptables(state, { sha256 }) }));
  yield ["rules.json", compiledJSON(results, input.written)];
  yield ["summary.txt", summary(input.cluster, results)];
}

function run(options: CompileOptions, values: Readonly<Record<string, unknown>>): number {
  const release = releaseOf(options.kubeVersion);
  const found = findings();
  try {
    const input = readCluster(options, values, release, found.report);
    if (input === undefined || found.hasErrors()) return EXIT_USAGE;
    if (input === "host shown") return 0;
    checkMode(options.mode ?? input.config.mode);
    found.print();
    const states = familiesOf(options.family).map((family) =>
      proxyState(input.cluster, { release, family, node: input.node, host: input.host, config: input.config }),
    );
    if (options.out === undefined) print(states, input, options, found.report);
    else writeFolder(options.out, everything(states, input, options, found.report));
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
