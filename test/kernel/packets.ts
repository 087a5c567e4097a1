import { availableParallelism } from "node:os";
import { join } from "node:path";
import { isWhole } from "../../src/kernel/defrag.ts";
import { CellTable } from "./cells.ts";
import { clusterCases } from "./cluster-cases.ts";
import { foreignCases } from "./foreign.ts";
import { type ObservedBatch, observe } from "./observe.ts";
import type { Oracle } from "./oracle.ts";
import { pinned, type RuleCase } from "./rule-cases.ts";
import type { Step } from "./step.ts";
import { node } from "./topology.ts";

/** A cell that comes up at all must come up so often. */
const ENOUGH = 50;
/** Packets for a thin cell in a round. */
const MORE = 250;
/** How often a packet of a thin cell is sent once more, and how many such packets there are at a time. */
const ECHOES = 6;
const MOST_ECHOES = 96;
const SHOWN = 20;

/** Is told of each batch of one sequence, in order. */
export type Watch = (batch: ObservedBatch, oracle: Oracle) => void | Promise<void>;

export interface PacketOptions {
  /** Packets for each rule set. */
  readonly packets: number;
  /** How many clusters are sampled; each is compiled for both families and back ends. */
  readonly clusters: number;
  /** How often more packets of the thin cells are asked for. */
  readonly rounds: number;
  readonly seed: string;
  /** For lock files. */
  readonly folder: string;
  /** Beginnings of the names of the rule sets that are asked; all when empty. */
  readonly only: readonly string[];
  /** Is called when the sequence of a rule set begins in a new namespace. */
  readonly begin?: (one: RuleCase, oracle: Oracle) => Watch | Promise<Watch>;
}

/** All rule sets: foreign ones, and compiled ones as they are (nft) and without chance (legacy). */
function allCases({ clusters, seed, only }: PacketOptions): RuleCase[] {
  const compiled = clusterCases(seed, clusters, node);
  const cases = [...foreignCases(), ...compiled.map((one) => (one.backend === "nft" ? one : pinned(one)))];
  return only.length === 0 ? cases : cases.filter(({ name }) => only.some((begin) => name.startsWith(begin)));
}

/** One sequence through one rule set. */
interface Job {
  readonly one: RuleCase;
  readonly seed: string;
  readonly examples: readonly Step[];
  readonly packets: number;
}

/** What all sequences came to. */
export class PacketRun {
  readonly cells: CellTable = new CellTable();
  readonly failures: string[] = [];
  readonly #options: PacketOptions;
  #seconds = 0;

  constructor(options: PacketOptions) {
    this.#options = options;
  }

  /** Packets a second in the namespaces, with counters read after each. */
  get rate(): number {
    return Math.round(this.cells.packets / this.#seconds);
  }

  /** Runs as many sequences at a time as there are processors. */
  async run(jobs: readonly Job[]): Promise<void> {
    let next = 0;
    const worker = async (_: unknown, i: number): Promise<void> => {
      for (let job = jobs[next++]; job !== undefined; job = jobs[next++]) {
        try {
          const line = await this.#observe(job, join(this.#options.folder, `packets.lock.${i}`));
          if (job.examples.length === 0) console.log(line);
        } catch (error) {
          this.failures.push(`${job.one.name}: ${(error as Error).message}`);
        }
      }
    };
    await Promise.all(Array.from({ length: availableParallelism() }, worker));
  }

  async #observe({ one, seed, examples, packets }: Job, lockFile: string): Promise<string> {
    const { begin } = this.#options;
    const own = new CellTable();
    let [seconds, watch]: [number, Watch | undefined] = [0, undefined];
    const settings = { packets, counters: "packet", lockFile, seed, examples } as const;
    await observe(one, node, settings, async (batch, oracle) => {
      const { steps, observations, places } = batch;
      seconds += batch.seconds;
      if (observations.length !== steps.length) throw new Error("packets without observation");
      const again: Step[] = [];
      for (const [i, step] of steps.entries()) {
        const observation = observations[i];
        if (observation === undefined) continue;
        own.add(one.name, places, step, observation);
        const count = this.cells.add(one.name, places, step, observation);
        // what hardly ever happens is tried again where it happened, but for what the kernel answers only so often a second
        if (count < ENOUGH && isWhole(step.packet) && places.classOf(step.packet.dst) !== "unroutable")
          again.push(...new Array<Step>(Math.min(ECHOES, ENOUGH - count)).fill(step));
      }
      watch ??= await begin?.(one, oracle);
      await watch?.(batch, oracle);
      return again.slice(0, MOST_ECHOES);
    });
    this.#seconds += seconds;
    const share = `${Math.round(100 * own.translated)} %`.padStart(6);
    const rate = `${Math.round(own.packets / seconds)}/s`.padStart(9);
    return `${one.name.padEnd(44)}${String(own.packets).padStart(8)}${share}${rate}`;
  }
}

/**
 * Sends packets through every rule set, then more of those that came up rarely, and prints what the kernel did with
 * them. Returns what it came to; `failures` are rule sets that could not be asked.
 */
export async function observeAll(options: PacketOptions): Promise<PacketRun> {
  const cases = allCases(options);
  const run = new PacketRun(options);
  await run.run(cases.map((one) => ({ one, seed: options.seed, examples: [], packets: options.packets })));
  for (let round = 1; round <= options.rounds && options.only.length === 0; round++) {
    const jobs = run.cells.examples(ENOUGH).flatMap(({ where, steps }, i) => {
      const one = cases.find(({ name }) => name === where);
      const seed = `${options.seed}/more ${round}/${i}`;
      return one === undefined ? [] : [{ one, seed, examples: steps, packets: MORE }];
    });
    if (jobs.length === 0) break;
    await run.run(jobs);
  }
  const { cells, failures } = run;
  const thin = cells.thin(ENOUGH);
  console.log(cells.toString());
  console.log(
    `${cells.packets} packets through ${cases.length} rule sets, ${run.rate}/s in the kernel;`,
    `${(100 * cells.translated).toFixed(1)} % translated;`,
    `${cells.cells} cells, ${thin.length} of them with fewer than ${ENOUGH} packets`,
  );
  for (const line of thin.slice(0, SHOWN)) console.log(`  ${line}`);
  for (const failure of failures.slice(0, SHOWN)) console.log(failure);
  return run;
}
