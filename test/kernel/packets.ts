import { availableParallelism } from "node:os";
import { join } from "node:path";
import { CellTable } from "./cells.ts";
import { clusterCases } from "./cluster-cases.ts";
import { foreignCases } from "./foreign.ts";
import { observe } from "./observe.ts";
import { pinned, type RuleCase } from "./rule-cases.ts";
import { node } from "./topology.ts";

/** A cell that comes up at all must come up so often. */
const ENOUGH = 50;
const SHOWN = 20;

export interface PacketOptions {
  /** Packets for each rule set. */
  readonly packets: number;
  /** How many clusters are sampled; each is compiled for both families and back ends. */
  readonly clusters: number;
  readonly seed: string;
  readonly folder: string;
  /** Beginnings of the names of the rule sets that are asked; all when empty. */
  readonly only: readonly string[];
}

/** All rule sets: compiled ones as they are and pinned, and foreign ones. */
function allCases({ clusters, seed, only }: PacketOptions): RuleCase[] {
  const compiled = clusterCases(seed, clusters, node);
  const cases = [...foreignCases(), ...compiled.flatMap((one, i) => (i % 2 === 0 ? [one] : [pinned(one)]))];
  return only.length === 0 ? cases : cases.filter(({ name }) => only.some((begin) => name.startsWith(begin)));
}

interface Tally {
  readonly cells: CellTable;
  readonly failures: string[];
  seconds: number;
}

async function observeCase(one: RuleCase, options: PacketOptions, lockFile: string, tally: Tally): Promise<string> {
  const own = new CellTable();
  let seconds = 0;
  const settings = { packets: options.packets, counters: "packet", lockFile, seed: options.seed } as const;
  await observe(one, node, settings, ({ steps, observations, places, seconds: spent }) => {
    seconds += spent;
    for (const [i, step] of steps.entries()) {
      const observation = observations[i];
      if (observation === undefined) throw new Error("a packet without observation");
      tally.cells.add(places, step, observation);
      own.add(places, step, observation);
    }
  });
  tally.seconds += seconds;
  const share = `${Math.round(100 * own.translated)} %`.padStart(6);
  const rate = Math.round(own.packets / seconds);
  return `${one.name.padEnd(44)}${String(own.packets).padStart(8)}${share}${String(rate).padStart(8)}/s`;
}

/** Sends packets through every rule set and prints what the kernel did with them. Returns the number of failures. */
export async function observeAll(options: PacketOptions): Promise<number> {
  const cases = allCases(options);
  const tally: Tally = { cells: new CellTable(), failures: [], seconds: 0 };
  let next = 0;
  const worker = async (_: unknown, i: number): Promise<void> => {
    for (let one = cases[next++]; one !== undefined; one = cases[next++]) {
      try {
        console.log(await observeCase(one, options, join(options.folder, `packets.lock.${i}`), tally));
      } catch (error) {
        tally.failures.push(`${one.name}: ${(error as Error).stack}`);
      }
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  const { cells, failures, seconds } = tally;
  const thin = cells.thin(ENOUGH);
  console.log(cells.toString());
  console.log(
    `${cells.packets} packets through ${cases.length} rule sets, ${Math.round(cells.packets / seconds)}/s in the kernel;`,
    `${(100 * cells.translated).toFixed(1)} % translated;`,
    `${cells.cells} cells, ${thin.length} of them with fewer than ${ENOUGH} packets`,
  );
  for (const line of thin.slice(0, SHOWN)) console.log(`  ${line}`);
  for (const failure of failures.slice(0, SHOWN)) console.log(failure);
  return failures.length;
}
