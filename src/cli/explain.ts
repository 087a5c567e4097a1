import { Argument, Command, Option } from "commander";
import { type Explanation, explain } from "../inspect/explain.ts";
import { explainJSON, explainText } from "../inspect/explain-report.ts";
import { readDump } from "../inspect/read-dump.ts";
import type { IPFamily } from "../net/family.ts";
import type { Report, Source } from "../text/diagnostic.ts";
import { readSource } from "./read-input.ts";
import { EXIT_USAGE, findings, paintFor, UsageError } from "./terminal.ts";

interface ExplainOptions {
  readonly output: "text" | "json";
  readonly family?: "ipv4" | "ipv6";
}

const EXAMPLES = `
Examples:
  iptables-save | rulewalk explain -
  rulewalk explain node-1.iptables.save node-1.ip6tables.save
  rulewalk explain -o json node-1.save

Each rule of an iptables-save or ip6tables-save dump in words: by Service, as far as comments and chain names tell, then by
the program that wrote it. The mode and release of kube-proxy are guessed from the rules, with the reasons.
Exit codes: 0 explained, 2 wrong usage, or a text with no table in it.`;

const families: Readonly<Record<"ipv4" | "ipv6", IPFamily>> = { ipv4: "IPv4", ipv6: "IPv6" };

/** The dumps of a text; what cannot be read of it is reported. */
function explanationsOf(source: Source, { family }: ExplainOptions, report: Report): readonly Explanation[] {
  return readDump(source, family === undefined ? {} : { family: families[family] }, report).map(explain);
}

function run(paths: readonly string[], options: ExplainOptions, exit: (code: number) => void): void {
  if (paths.filter((path) => path === "-").length > 1) throw new UsageError("-: standard input can be read only once");
  const found = findings();
  const sources = paths.flatMap((path) => readSource(path, found.report) ?? []);
  let unreadable = found.hasErrors();
  const explanations = sources.flatMap((source) => {
    const of = explanationsOf(source, options, found.report);
    if (of.length === 0) unreadable = true;
    return of;
  });
  found.print();
  const { strong } = paintFor(process.stdout);
  if (options.output === "json") for (const piece of explainJSON(explanations)) process.stdout.write(piece);
  else
    for (const [i, explanation] of explanations.entries()) {
      if (i > 0) process.stdout.write("\n");
      for (const piece of explainText(explanation, { strong })) process.stdout.write(piece);
    }
  if (unreadable) exit(EXIT_USAGE);
}

/** `rulewalk explain FILE…` */
export function explainCommand(exit: (code: number) => void): Command {
  return new Command("explain")
    .description("say in words what a node's iptables rules do, without Kubernetes objects")
    .addArgument(new Argument("<file...>", "files, or - for standard input"))
    .addOption(new Option("-o, --output <form>", "what to print").choices(["text", "json"]).default("text"))
    .addOption(new Option("--family <family>", "of dumps that do not tell theirs").choices(["ipv4", "ipv6"]))
    .addHelpText("after", EXAMPLES)
    .action((paths: readonly string[], options: ExplainOptions) => run(paths, options, exit));
}
