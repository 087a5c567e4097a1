import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { type IPFamily, ipFamilies } from "../../src/net/family.ts";
import { type Mode, modes } from "../intent/place.ts";
import { uncovered } from "./judges/argued.ts";
import { type Court, courtOf } from "./judges/court.ts";
import { judge, type Verdict } from "./judges/judge.ts";
import { pageText } from "./judges/page.ts";
import type { Fate } from "./judges/record.ts";
import { tenScenarios } from "./judges/scene.ts";
import { arguedIn, type RunRecord, rowsOf, survivorsOf, tableText } from "./judges/table.ts";
import type { Fault } from "./operators/fault.ts";
import { operators } from "./operators/operators.ts";

/** What one thread does at a time. */
interface Task {
  readonly scenario: string;
  readonly mode: Mode;
  readonly family: IPFamily;
}

function judgedAt(court: Court, fault: Fault): Verdict {
  try {
    return judge(court, fault);
  } catch (error) {
    throw new Error(`${court.scene.scenario} ${court.scene.mode} ${court.family}: ${fault.operator}: ${fault.place}`, {
      cause: error,
    });
  }
}

function judged({ scenario, mode, family }: Task): readonly Fate[] {
  const court = courtOf(scenario, mode, family);
  const { host, sets } = court.scene;
  return operators.flatMap(({ name, faults }) =>
    [...faults.call({ name, faults }, { host, family, sets })].map((fault): Fate => {
      const { by, differences } = judgedAt(court, fault);
      return { scenario, mode, family, operator: fault.operator, place: fault.place, by: [...by], differences };
    }),
  );
}

/** Hands out tasks to threads, and gathers what they found. */
function run(
  tasks: readonly Task[],
  threads: number,
  done: (fates: readonly Fate[], task: Task) => void,
): Promise<void> {
  const left = [...tasks];
  const one = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(fileURLToPath(import.meta.url), { workerData: true });
      let task = left.shift();
      const next = (): void => {
        if (task !== undefined) worker.postMessage(task);
        else void worker.terminate().then(() => resolve());
      };
      worker.on("message", (fates: readonly Fate[]) => {
        done(fates, task as Task);
        task = left.shift();
        next();
      });
      worker.on("error", reject);
      next();
    });
  return Promise.all(Array.from({ length: threads }, one)).then(() => {});
}

const root = new URL("../../../", import.meta.url);

/** The run as it is kept, and its page. */
function keep(record: RunRecord): void {
  writeFileSync(new URL("test/mutants/run.json", root), `${JSON.stringify(record, undefined, 2)}\n`);
  writeFileSync(new URL("docs/mutants.md", root), pageText(record));
}

/** `npm run mutants -- [--threads N] [--scenario NAME] [--out FILE] [--from FILE] [--record]` */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      threads: { type: "string", default: `${availableParallelism()}` },
      scenario: { type: "string" },
      /** All fates as JSON, which `--from` reads instead of running. */
      out: { type: "string" },
      from: { type: "string" },
      record: { type: "boolean", default: false },
    },
  });
  const scenarios = Object.keys(tenScenarios).filter((name) => name === (values.scenario ?? name));
  const tasks = scenarios.flatMap((scenario) =>
    modes.flatMap((mode) => ipFamilies.map((family) => ({ scenario, mode, family }))),
  );
  const all: Fate[] = [];
  if (values.from !== undefined) all.push(...(JSON.parse(readFileSync(values.from, "utf8")) as Fate[]));
  else await run(tasks, Number(values.threads), (fates, task) => report(all, fates, task));
  if (values.out !== undefined) writeFileSync(values.out, JSON.stringify(all));
  const rows = rowsOf(
    all,
    operators.map(({ name }) => name),
  );
  const date = new Date().toISOString().slice(0, 10);
  if (values.record) keep({ date, command: "npm run mutants", rows, argued: arguedIn(all) });
  console.log(tableText(rows));
  const left = survivorsOf(all);
  for (const fate of left) {
    const { scenario, mode, family, operator, place } = fate;
    console.log(`SURVIVES ${scenario} ${mode} ${family}: ${operator}: ${place}\n    ${uncovered(fate)[0]?.text}`);
  }
  console.log(`${all.length - left.length} passed, ${left.length} failed`);
  return left.length === 0 ? 0 : 1;
}

function report(all: Fate[], fates: readonly Fate[], { scenario, mode, family }: Task): void {
  all.push(...fates);
  const seconds = Math.round(performance.now() / 1000);
  console.log(
    `${seconds} s: ${scenario} ${mode} ${family}: ${fates.length} faults, ${survivorsOf(fates).length} survive`,
  );
}

if (!isMainThread && workerData === true) {
  parentPort?.on("message", (task: Task) => parentPort?.postMessage(judged(task)));
} else {
  process.exitCode = await main();
}
