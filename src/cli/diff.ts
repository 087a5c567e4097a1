import { Command, Option } from "commander";
import { compareNodes, type Diff } from "../diff/compare-nodes.ts";
import { diffJSON } from "../diff/json.ts";
import { diffMarkdown } from "../diff/markdown.ts";
import { findingsOf, statusOf } from "../diff/merge.ts";
import { diffText } from "../diff/text.ts";
import { type DiffSettingOptions, diffSetting } from "./diff-setting.ts";
import { runDistribution } from "./distribution.ts";
import { runPromises } from "./promises.ts";
import { paintFor, type Run, runReported } from "./terminal.ts";

interface DiffOptions extends DiffSettingOptions {
  readonly strict?: boolean;
  readonly trace?: boolean;
  readonly output: "text" | "json" | "markdown";
  readonly verbose?: boolean;
  /** Each mode is compared with what Kubernetes promises, not with another. */
  readonly promises?: boolean;
  /** What is compared: what becomes of packets, or how connections are spread. */
  readonly strength: "outcome" | "distribution";
}

const HELP = `
Examples:
  rulewalk diff -f examples/shop
  rulewalk diff -f examples/shop --node worker-1 --family ipv4 --trace
  rulewalk diff -f examples/shop -o markdown > migration.md
  rulewalk diff -f cluster.yaml --mode ipvs --kube-version 1.30,1.37
  rulewalk diff -f cluster.yaml --strict --allow accepted.yaml
  rulewalk diff -f before.yaml --with after.yaml
  rulewalk diff -f examples/shop --promises --mode iptables,ipvs
  rulewalk diff -f examples/shop --strength distribution --kube-version 1.21,1.37

All packets that can come to a node, or that it sends, are put into classes: those that all rules, sets, virtual servers
and routes of both sides treat alike. One packet of each goes through both, and what becomes of it is compared: who may get
it, whose it seems to be, and what the sender is told. What differs is told by Service, the worst first, with an example. A
difference on the list of known ones has its reason and advice; anything else is a finding. Between two sets of objects
every difference is a change, and a finding. docs/diff.md describes the space of packets.

--allow FILE accepts differences, so that a check in CI passes until there are others:
  allow:
    - id: node-port-on-loopback            # a known difference, by the name in brackets behind its title
      reason: nobody here calls localhost:NODEPORT
    - service: shop/web                    # or shop/*; port, by, kinds, from and fates say more
      by: [load balancer IP]               # ClusterIP, external IP, load balancer IP, node port
      from: [outside]                      # Pods, nodes, outside, the node itself
      kinds: [TCP]                         # TCP, TCP without SYN, UDP, SCTP, ping
      fates: [dropped, endpoints]          # of both sides: endpoints, node, untouched, refused, dropped, unknown
      reason: the load balancer asks the health check port
An entry needs a reason, and accepts what has all that it says. One that accepts nothing is a warning.

Exit codes: 0 no finding (known differences are none; with --strict those are that somebody may notice); 1 findings;
2 wrong usage or input.`;

const append = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

/** Width of the text: that of a terminal, within reason. */
const textWidth = (): number => Math.max(80, Math.min(200, process.stdout.columns ?? 120));

function printed(diff: Diff, { output, trace = false, verbose = false }: DiffOptions): Iterable<string> {
  if (output === "json") return [diffJSON(diff)];
  if (output === "markdown") return diffMarkdown(diff);
  return diffText(diff, { width: textWidth(), traces: trace, verbose, strong: paintFor(process.stdout).strong });
}

/** Known differences that nobody has accepted, and that somebody may notice: entries of the list. */
function openEntries({ comparisons }: Diff): ReadonlySet<string> {
  const groups = comparisons.flatMap(({ found }) => found.groups);
  return new Set(
    groups.flatMap((group) =>
      statusOf(group) === "known" && group.intended !== undefined && !group.intended.harmless ? group.intended.id : [],
    ),
  );
}

/** `rulewalk diff` as such: what becomes of packets on two sides. */
const runOutcome =
  (options: DiffOptions, values: Readonly<Record<string, unknown>>): Run =>
  (report, hasErrors) => {
    const read = diffSetting(options, values, report);
    if (read === undefined || hasErrors()) return undefined;
    const diff = compareNodes(read.setting);
    const used = new Set(diff.comparisons.flatMap((each) => [...each.found.accepted.keys()]));
    read.allowList.reportUnused((entry) => used.has(entry), report);
    const text = printed(diff, options);
    if (diff.comparisons.some(({ found }) => findingsOf(found).length > 0)) return { text, hasFindings: true };
    const open = options.strict === true ? openEntries(diff) : new Set<string>();
    if (open.size === 0) return { text, hasFindings: false };
    return { text, hasFindings: true, afterword: `--strict: not accepted: ${[...open].join(", ")}` };
  };

/** `rulewalk diff`: which packets two modes, releases or sets of objects treat differently. */
export function diffCommand(exit: (code: number) => void): Command {
  const command = new Command("diff")
    .description(
      "Show which packets two modes, releases or sets of objects treat differently, by Service, with reasons and advice.",
    )
    .option("-f, --filename <path>", "file, folder, or - for standard input; may be repeated", append)
    .option("-R, --recursive", "look into subfolders, too")
    .option("--node <name>", "only this node; may be repeated", append)
    .option("--with <path>", "objects of the second side, compared with those of -f; may be repeated", append)
    .addOption(
      new Option(
        "--strength <strength>",
        "compare what becomes of packets, or how connections are spread over endpoints",
      )
        .choices(["outcome", "distribution"])
        .default("outcome"),
    )
    .option("--promises", "hold each mode and release to what Kubernetes promises, in place of comparing two")
    .option(
      "--mode <modes>",
      "proxy modes of the two sides, or the one of both (iptables,ipvs; of two releases, or with --with, iptables)",
    )
    .option("--kube-version <releases>", "releases of the two sides, or the one of both", "1.37")
    .addOption(new Option("--family <family>", "IP family").choices(["ipv4", "ipv6", "both"]).default("both"))
    .option("--allow <file>", "differences that are accepted, each with a reason")
    .option("--strict", "known differences that somebody may notice are findings, too, unless --allow accepts them")
    .addOption(
      new Option("--validate <mode>", "faulty objects: refuse, warn, or take them as a cluster holds them")
        .choices(["strict", "warn", "ignore"])
        .default("strict"),
    )
    .option("--config <file>", "KubeProxyConfiguration, or the kube-proxy ConfigMap")
    .addOption(new Option("--backend <backend>", "back end of iptables").choices(["nft", "legacy"]).default("nft"))
    .addOption(new Option("-o, --output <form>", "what to print").choices(["text", "json", "markdown"]).default("text"))
    .option("--trace", "also print each example's way on both sides, side by side, and the commands that trace it")
    .option(
      "-v, --verbose",
      "also print the counts of each node, an example with every Service, and what is assumed about nodes",
    );
  return command.addHelpText("after", HELP).action((options: DiffOptions) => {
    const values = command.opts();
    const { output, verbose = false } = options;
    const run =
      options.promises === true
        ? runPromises(options, values, output)
        : options.strength === "distribution"
          ? runDistribution(options, values, output)
          : runOutcome(options, values);
    exit(runReported(run, verbose));
  });
}
