/**
 * Asks a real kernel, in network namespaces of its own; root only. `npm run conformance:kernel [-- OPTION … SCENARIO …]`:
 *
 * 1. loads every golden rule set, both back ends, and compares what iptables-save prints with our `save` text;
 * 2. sends packets through compiled and foreign rule sets, and holds what the kernel did with each against the emulator:
 *    `--packets N` for each rule set, `--clusters N`, `--rounds N` (of more packets for what came up rarely), `--seed S`,
 *    `--only BEGINNING` (of the names of rule sets, may be repeated; leaves out part 1), `--show N` mismatches.
 *
 * With scenarios named there is only part 1. Exits with 1 when anything differs, with 2 when it cannot run.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Comparisons } from "./compare.ts";
import { loadAndCompare } from "./load.ts";
import { observeAll } from "./packets.ts";
import { goldenRuleSets, type RuleSet } from "./rule-sets.ts";
import { backends, findTools } from "./tools.ts";

const SHOWN = 20;
const SETUP =
  "npm run conformance:setup installs the Debian packages (iproute2, ipset, iptables, nfacct, nftables, python3, util-linux)";

interface Outcome {
  readonly rules: RuleSet;
  readonly difference: string;
}

/** Loads all rule sets, as many at a time as there are processors; each worker has its own lock file. */
async function loadAll(all: readonly RuleSet[], folder: string): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  let next = 0;
  const worker = async (_: unknown, i: number): Promise<void> => {
    for (let rules = all[next++]; rules !== undefined; rules = all[next++]) {
      outcomes.push({ rules, difference: await loadAndCompare(rules, join(folder, `xtables.lock.${i}`)) });
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return outcomes;
}

function table(outcomes: readonly Outcome[], leftOut: readonly RuleSet[]): string {
  const rows = backends.flatMap((backend) =>
    (["iptables", "ip6tables"] as const).map((tool) => {
      const mine = (rules: RuleSet): boolean => rules.backend === backend && rules.tool === tool;
      const own = outcomes.filter(({ rules }) => mine(rules));
      const failed = own.filter(({ difference }) => difference !== "").length;
      const figures = [own.length - failed, failed, leftOut.filter(mine).length];
      return `${`${tool}-${backend}`.padEnd(18)}${figures.map((n) => String(n).padStart(10)).join("")}`;
    }),
  );
  const head = `${"tool".padEnd(18)}${["equal", "different", "left out"].map((text) => text.padStart(10)).join("")}`;
  return [head, ...rows].join("\n");
}

/** How many checks passed and failed. */
interface Count {
  readonly passed: number;
  readonly failed: number;
}

function report(outcomes: readonly Outcome[], leftOut: readonly RuleSet[], why: string, seconds: number): Count {
  const failures = outcomes.filter(({ difference }) => difference !== "");
  console.log(table(outcomes, leftOut));
  for (const { rules, difference } of failures.slice(0, SHOWN)) console.log(`${rules.name}:\n${difference}`);
  if (failures.length > SHOWN) console.log(`… and ${failures.length - SHOWN} more`);
  if (leftOut.length > 0) console.log(`${leftOut.length} rule sets with nfacct counters left out: ${why}`);
  console.log(`${outcomes.length} rule sets in ${seconds.toFixed(1)} s`);
  const failed = outcomes.length === 0 ? 1 : failures.length;
  return { passed: outcomes.length - failures.length, failed };
}

/** Prints what the emulator said otherwise than the kernel. */
function reportComparisons(
  { packets, entries, mismatches, byCase }: Comparisons,
  failures: readonly string[],
  show: string,
): Count {
  for (const text of mismatches.slice(0, Number(show))) console.log(text);
  for (const [name, count] of byCase) console.log(`  ${name}: ${count} mismatches`);
  console.log(`${packets} packets and ${entries} connections compared with the emulator`);
  const failed = mismatches.length + failures.length;
  return { passed: Math.max(0, packets - failed), failed: packets === 0 ? failed + 1 : failed };
}

/** The last line, which counts everything. */
function total(counts: readonly Count[]): number {
  const [passed, failed] = [sum(counts.map((each) => each.passed)), sum(counts.map((each) => each.failed))];
  console.log(`${passed} passed, ${failed} failed`);
  return failed > 0 ? 1 : 0;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, each) => all + each, 0);

function refuse(sentence: string): number {
  console.log(`conformance:kernel cannot run: ${sentence}`);
  return 2;
}

async function loadGolden(
  folder: string,
  only: readonly string[],
  nfacct: true | string,
  lockFolder: string,
): Promise<Count> {
  const all = goldenRuleSets(folder, only);
  const leftOut = nfacct === true ? [] : all.filter(({ counters }) => counters.length > 0);
  const begin = performance.now();
  const outcomes = await loadAll(
    all.filter((rules) => !leftOut.includes(rules)),
    lockFolder,
  );
  const why = `${nfacct === true ? "" : nfacct}; ${SETUP}`;
  return report(outcomes, leftOut, why, (performance.now() - begin) / 1000);
}

const options = {
  packets: { type: "string", default: "1100" },
  clusters: { type: "string", default: "24" },
  /** How often more packets of what came up rarely are asked for. */
  rounds: { type: "string", default: "12" },
  seed: { type: "string", default: "1" },
  only: { type: "string", multiple: true, default: [] as string[] },
  show: { type: "string", default: String(SHOWN) },
} as const;

async function main(folder: string, args: readonly string[]): Promise<number> {
  if (process.platform !== "linux") return refuse("it needs Linux");
  if (process.getuid?.() !== 0) return refuse("it needs root, for network namespaces of its own");
  const lockFolder = mkdtempSync(join(tmpdir(), "rulewalk-kernel-"));
  // on any way out, an interrupt included
  process.on("exit", () => rmSync(lockFolder, { recursive: true, force: true }));
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    const tools = await findTools(join(lockFolder, "xtables.lock"));
    if (tools.missing.length > 0) return refuse(`missing are ${tools.missing.join(", ")}; ${SETUP}`);
    console.log(tools.versions.join("\n"));
    const { only, seed } = values;
    const counts: Count[] = [];
    if (only.length === 0) counts.push(await loadGolden(folder, positionals, tools.nfacct, lockFolder));
    if (positionals.length > 0) return total(counts);
    const [packets, clusters, rounds] = [Number(values.packets), Number(values.clusters), Number(values.rounds)];
    const compared = new Comparisons();
    const begin = compared.begin.bind(compared);
    const { failures } = await observeAll({ packets, clusters, rounds, seed, only, folder: lockFolder, begin });
    counts.push(reportComparisons(compared, failures, values.show));
    return total(counts);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return refuse(code === "ENOENT" ? `unshare is missing; ${SETUP}` : message);
  }
}

const scenarios = fileURLToPath(new URL("../../../golden/scenarios", import.meta.url));
process.exitCode = await main(scenarios, process.argv.slice(2));
