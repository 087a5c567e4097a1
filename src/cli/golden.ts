import { hash } from "node:crypto";
import { Command } from "commander";
import { compareDumps, formatDifference } from "../golden/compare.ts";
import { type Dumps, scenarioDumps, surplusDumps } from "../golden/dumps.ts";
import { readScenario } from "../golden/scenario.ts";
import type { Report } from "../text/diagnostic.ts";
import {
  findScenarios,
  readDumps,
  readScenarioSources,
  removeDumps,
  type ScenarioFolder,
  writeDumps,
} from "./scenario-folders.ts";
import { EXIT_USAGE, findings, UsageError } from "./terminal.ts";

interface GoldenOptions {
  readonly check?: boolean;
  readonly only?: readonly string[];
}

/** What a run did so far. */
interface Tally {
  scenarios: number;
  dumps: number;
  faulty: number;
  written: number;
  removed: number;
  different: number;
}

const EXIT_DIFFERENT = 1;

const HELP = `
A scenario is a folder with
  cluster.yaml      the objects, as a cluster holds them
  kube-proxy.yaml   KubeProxyConfiguration or the kube-proxy ConfigMap (optional)
  host.yaml         facts of the nodes, as compile's --host takes them (optional)
  scenario.yaml     optional: title, nodes, modes [iptables, ipvs], releases ["1.37"], ipvsReleases (those of them
                    that ipvs mode is computed for), families [ipv4, ipv6], validate strict|warn|ignore, diff [text,
                    markdown, json]; without modes and releases: iptables, 1.37, and with diff no dumps but its own
Its dumps are written to dumps/RELEASE-MODE/NODE/{iptables,ip6tables}.{commands,restore,save}, in ipvs mode also to
ipvsadm.{save,list}, ipset.save, addresses and sysctl beside them; what rulewalk diff says of its nodes in both modes
to dumps/RELEASE-iptables-ipvs/diff.{txt,md,json}. Dumps of that form which the scenario no longer asks for are
removed, other files stay.

In a difference, - is what the folder has and + what is compiled now.
Exit codes: 0 written, or all as compiled; 1 differences; 2 usage errors, or a scenario that cannot be computed.

Examples:
  rulewalk golden golden/scenarios --check
  rulewalk golden golden/scenarios --only nodeport-local
  rulewalk golden golden/differences
  rulewalk golden my-cluster`;

const sha256 = (text: string): string => hash("sha256", text, "hex");

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;

function chosen(path: string, only: readonly string[] | undefined): ScenarioFolder[] {
  const all = findScenarios(path);
  if (only === undefined) return all;
  for (const name of only) {
    if (all.some((scenario) => scenario.name === name)) continue;
    throw new UsageError(`--only ${name}: no such scenario in ${path}; known are ${all.map((s) => s.name).join(", ")}`);
  }
  return all.filter(({ name }) => only.includes(name));
}

/** What a scenario's dumps must be; `undefined` after errors. */
function expectedDumps(folder: ScenarioFolder, report: Report): Dumps | undefined {
  const prefixed: Report = (diagnostic) =>
    report(
      diagnostic.place === undefined ? { ...diagnostic, message: `${folder.path}: ${diagnostic.message}` } : diagnostic,
    );
  let unreadable = false;
  const sources = readScenarioSources(folder, (diagnostic) => {
    unreadable = true;
    prefixed(diagnostic);
  });
  // a cluster.yaml that is no text has been told; that it is missing would be wrong
  if (unreadable && !sources.has("cluster.yaml")) return undefined;
  const scenario = readScenario(sources, prefixed);
  return scenario === undefined ? undefined : scenarioDumps(scenario, { sha256 }, prefixed);
}

function check(folder: ScenarioFolder, expected: Dumps, tally: Tally): void {
  for (const difference of compareDumps(readDumps(folder), expected)) {
    process.stdout.write(`${formatDifference(difference, folder.path)}\n`);
    tally.different++;
  }
}

function write(folder: ScenarioFolder, expected: Dumps, tally: Tally): void {
  const found = readDumps(folder);
  const stale = surplusDumps(found.keys(), expected);
  const changed = new Map([...expected].filter(([path, text]) => found.get(path) !== text));
  writeDumps(folder, changed);
  removeDumps(folder, stale);
  tally.written += changed.size;
  tally.removed += stale.length;
}

/** One line that is overwritten, on a terminal only. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
}

function summaryLine(tally: Tally, options: GoldenOptions): string {
  const faulty = tally.faulty === 0 ? "" : `, ${plural(tally.faulty, "faulty scenario")}`;
  const what = `${plural(tally.scenarios, "scenario")}, ${plural(tally.dumps, "dump")}`;
  if (options.check !== true) return `${what}: ${tally.written} written, ${tally.removed} removed${faulty}\n`;
  const verdict = tally.different === 0 ? "all as compiled" : plural(tally.different, "difference");
  return `${what}: ${verdict}${faulty}\n`;
}

function run(path: string, options: GoldenOptions): number {
  const folders = chosen(path, options.only);
  const tally: Tally = { scenarios: 0, dumps: 0, faulty: 0, written: 0, removed: 0, different: 0 };
  for (const folder of folders) {
    progress(`${tally.scenarios + 1}/${folders.length} ${folder.name}`);
    const found = findings();
    const dumps = expectedDumps(folder, found.report);
    const faulty = dumps === undefined || found.hasErrors();
    progress("");
    found.print();
    tally.scenarios++;
    if (faulty) {
      tally.faulty++;
      continue;
    }
    tally.dumps += dumps.size;
    if (options.check === true) check(folder, dumps, tally);
    else write(folder, dumps, tally);
  }
  process.stdout.write(summaryLine(tally, options));
  if (tally.faulty > 0) return EXIT_USAGE;
  return tally.different > 0 ? EXIT_DIFFERENT : 0;
}

/** `rulewalk golden`: folders of scenarios → their dumps, written or compared. */
export function goldenCommand(exit: (code: number) => void): Command {
  return new Command("golden")
    .description("Write the dumps of scenario folders, or compare them with what is compiled now.")
    .argument("[dir]", "a folder of scenarios, or a scenario", "golden/scenarios")
    .option("--check", "write nothing; print differences and exit with 1")
    .option("--only <name>", "only this scenario; may be repeated", (value, before: readonly string[] = []) => [
      ...before,
      value,
    ])
    .addHelpText("after", HELP)
    .action((path: string, options: GoldenOptions) => {
      exit(run(path, options));
    });
}
