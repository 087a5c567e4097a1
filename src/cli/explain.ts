import { Argument, Command, Option } from "commander";
import { type Explanation, explain } from "../inspect/explain.ts";
import { explainConnectionsText } from "../inspect/explain-connections.ts";
import { explainJSON, explainText } from "../inspect/explain-report.ts";
import { explainServersText } from "../inspect/explain-servers.ts";
import { explainTrace } from "../inspect/explain-trace.ts";
import { explainTraceJSON, explainTraceText } from "../inspect/explain-trace-report.ts";
import { readDump } from "../inspect/read-dump.ts";
import { type ConnectionsDump, readOtherDumps, type ServersDump } from "../inspect/read-servers.ts";
import { isTraceLog, readTraceLog } from "../inspect/trace-log.ts";
import type { IPFamily } from "../net/family.ts";
import type { Report, Source } from "../text/diagnostic.ts";
import { readSource } from "./read-input.ts";
import { EXIT_USAGE, findings, paintFor, UsageError } from "./terminal.ts";

interface ExplainOptions {
  readonly output: "text" | "json";
  readonly family?: "ipv4" | "ipv6";
  readonly dump?: readonly string[];
}

const EXAMPLES = `
Examples:
  iptables-save | rulewalk explain -
  rulewalk explain node-1.iptables.save node-1.ip6tables.save
  rulewalk explain -o json node-1.save
  ipvsadm -Ln | rulewalk explain -
  dmesg | rulewalk explain - --dump node-1.save

Each rule of an iptables-save or ip6tables-save dump in words: by Service, as far as comments and chain names tell, then by
the program that wrote it; or each virtual server of ipvsadm -Sn or -Ln, each
connection of ipvsadm -Lnc. The mode and release of kube-proxy are guessed from the rules, with the reasons.
A trace is read as well: kernel log lines of the TRACE target with any prefix, or what xtables-monitor --trace prints. Each
step is told in words; --dump gives a kernel log's rule numbers their rules.
Exit codes: 0 explained, 2 wrong usage, or a text with neither table nor virtual server in it.`;

const families: Readonly<Record<"ipv4" | "ipv6", IPFamily>> = { ipv4: "IPv4", ipv6: "IPv6" };

/** What a text holds; what cannot be read of it is reported. */
interface Explained {
  readonly rules: readonly Explanation[];
  readonly servers: readonly ServersDump[];
  readonly connections: readonly ConnectionsDump[];
}

function explanationsOf(source: Source, { family }: ExplainOptions, report: Report): Explained {
  const { servers, connections, isAll } = readOtherDumps(source, report);
  if (isAll && servers.length + connections.length > 0) return { rules: [], servers, connections };
  const options = family === undefined ? {} : { family: families[family] };
  return { rules: readDump(source, options, report).map(explain), servers, connections };
}

const append = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

/** Dumps in words; true when each text holds one. */
function explainDumps(sources: readonly Source[], options: ExplainOptions, report: Report): Printed {
  const explanations = sources.map((source) => explanationsOf(source, options, report));
  const isGood = explanations.every(
    ({ rules, servers, connections }) => rules.length + servers.length + connections.length > 0,
  );
  const all = {
    rules: explanations.flatMap(({ rules }) => rules),
    servers: explanations.flatMap(({ servers }) => servers),
    connections: explanations.flatMap(({ connections }) => connections),
  };
  return { pieces: printedDumps(all, options), isGood };
}

/** What is printed, piece by piece, and whether all input could be used. */
interface Printed {
  readonly pieces: Iterable<string>;
  readonly isGood: boolean;
}

function* printedDumps({ rules, servers, connections }: Explained, { output }: ExplainOptions): Generator<string> {
  if (output === "json") {
    yield* explainJSON(rules, servers, connections);
    return;
  }
  const { strong } = paintFor(process.stdout);
  for (const [i, explanation] of rules.entries()) {
    if (i > 0) yield "\n";
    yield* explainText(explanation, { strong });
  }
  for (const [i, each] of servers.entries()) {
    if (i + rules.length > 0) yield "\n";
    yield* explainServersText(each, { strong });
  }
  for (const [i, each] of connections.entries()) {
    if (i + rules.length + servers.length > 0) yield "\n";
    yield* explainConnectionsText(each, { strong });
  }
}

/** Traces in words, with the rules of the dumps that are given with them. */
function explainTraces(
  sources: readonly Source[],
  dumps: readonly Source[],
  { output, family }: ExplainOptions,
  report: Report,
): Printed {
  const read = dumps.map((source) =>
    readDump(source, family === undefined ? {} : { family: families[family] }, report),
  );
  const told = explainTrace(
    sources.flatMap((source) => readTraceLog(source, report)),
    read.flat(),
  );
  const pieces =
    output === "json" ? explainTraceJSON(told) : explainTraceText(told, { strong: paintFor(process.stdout).strong });
  return { pieces, isGood: read.every((each) => each.length > 0) };
}

function run(paths: readonly string[], options: ExplainOptions, exit: (code: number) => void): void {
  const { dump = [] } = options;
  if ([...paths, ...dump].filter((path) => path === "-").length > 1)
    throw new UsageError("-: standard input can be read only once");
  const found = findings();
  const sources = paths.flatMap((path) => readSource(path, found.report) ?? []);
  const dumps = dump.flatMap((path) => readSource(path, found.report) ?? []);
  const unreadable = found.hasErrors();
  const traces = sources.filter(({ text }) => isTraceLog(text));
  if (traces.length > 0 && traces.length < sources.length)
    throw new UsageError("traces and dumps together: give the dumps of a trace with --dump");
  if (traces.length === 0 && dump.length > 0)
    throw new UsageError("--dump belongs to a trace, and there is no line of one in FILE");
  const { pieces, isGood } =
    traces.length > 0
      ? explainTraces(traces, dumps, options, found.report)
      : explainDumps(sources, options, found.report);
  found.print();
  for (const piece of pieces) process.stdout.write(piece);
  if (unreadable || !isGood) exit(EXIT_USAGE);
}

/** `rulewalk explain FILE…` */
export function explainCommand(exit: (code: number) => void): Command {
  return new Command("explain")
    .description("say in words what a node's iptables rules or virtual servers do, without Kubernetes objects")
    .addArgument(new Argument("<file...>", "files, or - for standard input"))
    .addOption(new Option("-o, --output <form>", "what to print").choices(["text", "json"]).default("text"))
    .addOption(new Option("--family <family>", "of dumps that do not tell theirs").choices(["ipv4", "ipv6"]))
    .option("--dump <file>", "for a trace: iptables-save of the same node and time, or -; may be repeated", append)
    .addHelpText("after", EXAMPLES)
    .action((paths: readonly string[], options: ExplainOptions) => run(paths, options, exit));
}
