import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { fileURLToPath } from "node:url";

const MOST_OUTPUT = 64 * 2 ** 20;

const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const mainScript: string = fileURLToPath(new URL("../src/cli/rulewalk.js", import.meta.url));

function check(what: string, { status, signal, stderr, error }: SpawnSyncReturns<Buffer>): void {
  if (error !== undefined) throw new Error(`${what}: ${error.message}`);
  if (status !== 0) throw new Error(`${what} ended with ${status ?? signal}:\n${String(stderr).slice(-2000)}`);
}

/** Runs a script of this folder in a process of its own and gives what it printed. */
export function runScript(name: string, ...args: readonly string[]): string {
  const child = spawnSync(process.execPath, [script(name), ...args], { maxBuffer: MOST_OUTPUT });
  check(name, child);
  return child.stdout.toString();
}

/** What a whole process cost, from its start to its end. */
export interface Usage {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly peakMB: number;
}

interface Measured {
  readonly usage: Usage;
  /** What it printed, where that was asked for. */
  readonly printed: string;
}

function runMeasured(program: string, args: readonly string[], output: number | "ignore" | "pipe"): Measured {
  const start = performance.now();
  const child = spawnSync(process.execPath, ["--import", script("usage.js"), program, ...args], {
    stdio: ["ignore", output, "pipe", "pipe"],
  });
  const wallMs = performance.now() - start;
  check(args.join(" "), child);
  const usage = { wallMs, ...(JSON.parse(String(child.output[3])) as Omit<Usage, "wallMs">) };
  return { usage, printed: String(child.stdout ?? "") };
}

/** Runs a command line of rulewalk as a user does; its output is thrown away, or goes into a file. */
export function runRulewalk(args: readonly string[], file?: string): Usage {
  if (file === undefined) return runMeasured(mainScript, args, "ignore").usage;
  const output = openSync(file, "w");
  try {
    return runMeasured(mainScript, args, output).usage;
  } finally {
    closeSync(output);
  }
}

/** Runs a script of this folder and gives what it printed and cost. */
export function runScriptMeasured(name: string, ...args: readonly string[]): Measured {
  return runMeasured(script(name), args, "pipe");
}
