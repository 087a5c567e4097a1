import { Argument, Command, Option } from "commander";
import { isShown, lint } from "../inspect/lint.ts";
import { lintJSON, lintText } from "../inspect/lint-report.ts";
import type { IPFamily } from "../net/family.ts";
import type { Severity } from "../text/diagnostic.ts";
import { readSource } from "./read-input.ts";
import { EXIT_USAGE, findings, UsageError, wantsColor } from "./terminal.ts";

interface LintCommandOptions {
  readonly output: "text" | "json";
  readonly severity: "error" | "warning" | "note" | "info";
  readonly family?: "ipv4" | "ipv6";
}

/** Errors or warnings were found. */
const EXIT_FOUND = 1;

const EXAMPLES = `
Examples:
  iptables-save | rulewalk lint -
  rulewalk lint node-1.iptables.save node-1.ip6tables.save
  ipvsadm -Ln | rulewalk lint - node-1.addr.json
  rulewalk lint --severity warning -o json node-1.save

DUMP is the output of iptables-save or ip6tables-save, or an input of iptables-restore, also several of them in one
file; or of ipvsadm -Sn or -Ln, also with ip -j addr or ipvsadm -Lnc of the same node. The family is read from the header, from the addresses, or from the file's name.
Exit codes: 0 no error and no warning, 1 some, 2 a text that is no dump.`;

const families: Readonly<Record<"ipv4" | "ipv6", IPFamily>> = { ipv4: "IPv4", ipv6: "IPv6" };

function run(paths: readonly string[], options: LintCommandOptions, exit: (code: number) => void): void {
  if (paths.filter((path) => path === "-").length > 1) throw new UsageError("-: standard input can be read only once");
  const input = findings();
  const sources = paths.flatMap((path) => readSource(path, input.report) ?? []);
  const unreadable = input.hasErrors();
  input.print();
  const family = options.family === undefined ? {} : { family: families[options.family] };
  const all = lint(sources, family);
  const severity: Severity = options.severity === "info" ? "note" : options.severity;
  const shown = all.filter((finding) => isShown(finding.severity, severity));
  const color = wantsColor(process.stdout);
  process.stdout.write(options.output === "json" ? lintJSON(shown) : lintText(sources, shown, { color }));
  if (unreadable || all.some(({ code }) => code === "no-table")) exit(EXIT_USAGE);
  else if (all.some((finding) => finding.severity !== "note")) exit(EXIT_FOUND);
}

/** `rulewalk lint DUMP…` */
export function lintCommand(exit: (code: number) => void): Command {
  return new Command("lint")
    .description("find faults in dumps of iptables-save that need no Kubernetes objects")
    .addArgument(new Argument("<dump...>", "files, or - for standard input"))
    .addOption(new Option("-o, --output <form>", "what to print").choices(["text", "json"]).default("text"))
    .addOption(
      new Option("--severity <level>", "hide what is milder; note and info are the same")
        .choices(["error", "warning", "note", "info"])
        .default("note"),
    )
    .addOption(new Option("--family <family>", "of dumps that do not tell theirs").choices(["ipv4", "ipv6"]))
    .addHelpText("after", EXAMPLES)
    .action((paths: readonly string[], options: LintCommandOptions) => run(paths, options, exit));
}
