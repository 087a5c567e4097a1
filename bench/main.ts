/** `npm run bench [-- OPTIONS]`: measures, prints, and keeps what it found; `--help` tells more. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Argument, Command } from "commander";
import { compareResults } from "./comparison.ts";
import { groups, planOf } from "./plan.ts";
import { reportFiles, textReport } from "./report.ts";
import { type Group, parseResults, type Results } from "./results.ts";
import { measureAll } from "./session.ts";

const EXIT_WORSE = 1;
const EXIT_USAGE = 2;

const folder = fileURLToPath(new URL("../../bench/", import.meta.url));
const resultsFolder = join(folder, "results");
const baselineFile = join(folder, "baseline.json");

interface Options {
  readonly quick?: boolean;
  readonly saveBaseline?: boolean;
  readonly compare?: string | true;
  readonly from?: string;
}

/** Results that were kept; faults of the file are told in words. */
function readResults(file: string): Results {
  try {
    return parseResults(readFileSync(file, "utf8"));
  } catch (error) {
    throw new Error(`${file}: no results of this bench: ${(error as Error).message}`);
  }
}

function keep(results: Results, files: readonly (readonly [string, string])[], saveBaseline: boolean): void {
  const json = `${JSON.stringify(results)}\n`;
  mkdirSync(resultsFolder, { recursive: true });
  for (const [name, text] of [...files, ["latest.json", json] as const]) writeFileSync(join(resultsFolder, name), text);
  if (saveBaseline) writeFileSync(baselineFile, json);
  console.error(`kept in ${resultsFolder}${saveBaseline ? ` and ${baselineFile}` : ""}`);
}

function run(chosen: readonly Group[], options: Options): number {
  const { compare, from } = options;
  // read first: a bad file should not be found out after minutes
  const before = compare === undefined ? undefined : readResults(compare === true ? baselineFile : compare);
  const start = performance.now();
  const log = (line: string): void =>
    console.error(`${((performance.now() - start) / 1000).toFixed(1).padStart(6)} s  ${line}`);
  const results = from === undefined ? measureAll(planOf(options.quick === true, chosen), log) : readResults(from);
  const comparison = before === undefined ? undefined : compareResults(before, results);
  console.log(textReport(results, comparison));
  keep(results, reportFiles(results, comparison), options.saveBaseline === true);
  const worse = comparison?.compared.filter(({ verdict }) => verdict === "worse").length ?? 0;
  if (worse > 0) console.error(`${worse} measurements are worse than before`);
  return worse > 0 ? EXIT_WORSE : 0;
}

const command = new Command("npm run bench --")
  .description("Measures the tool in processes of their own, between runs of a probe of the machine's speed.")
  .addArgument(new Argument("[groups...]", "only these").choices(groups))
  .option("--quick", "fewer sizes and processes: less than a minute, for trying things")
  .option("--save-baseline", "keep the results as bench/baseline.json, too")
  .option(
    "--compare [file]",
    "compare with the baseline, or with a file of results; exit code 1 when something is worse",
  )
  .option("--from <file>", "report on results that were kept, and measure nothing")
  .action((chosen: readonly Group[], options: Options) => {
    try {
      process.exitCode = run(chosen, options);
    } catch (error) {
      console.error((error as Error).message);
      process.exitCode = EXIT_USAGE;
    }
  });
command.parse();
