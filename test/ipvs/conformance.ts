/**
 * Asks a real kernel's ip_vs, in User-Mode Linux guests; root only. `npm run conformance:ipvs [-- OPTION …]`. Nodes are made up with
 * virtual servers of every scheduler, and compiled from clusters: of those all that `rulewalk compile --mode ipvs` prints is loaded by the
 * real tools and printed back by them. Packets go through the guest and through the emulator, and what left, what arrived, and the tables that remain
 * are compared. `--nodes N` (a mix of all of them; all there are unless it is said), `--packets N` for each, `--seed S`, `--show N` differences,
 * `--guests N` at a time, `--only TEXT` in the names of nodes,
 * `--minutes N` after which no node is begun, `--progress` on standard error. Exits with 1 when anything differs, with 2 when it cannot run.
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { CellTable } from "./cell-table.ts";
import { Guest, missingForGuest } from "./guest.ts";
import { type Job, jobs, topUps } from "./jobs.ts";
import { playJob, type Worker } from "./play-job.ts";
import { newTally, printTally, type Tally } from "./tally.ts";

const options = {
  nodes: { type: "string" },
  packets: { type: "string", default: "170" },
  seed: { type: "string", default: "1" },
  show: { type: "string", default: "20" },
  guests: { type: "string", default: "2" },
  only: { type: "string", default: "" },
  minutes: { type: "string", default: "60" },
  progress: { type: "boolean", default: false },
} as const;

const SCRIPT = fileURLToPath(new URL("../../../test/ipvs/guest.py", import.meta.url));
/** What a whole run compares at least, and in each cell. */
const WANTED = 50_000;
const LEAST = 2;
/** How often a cell may be asked for again. */
const ROUNDS = 4;

/** What all of a run's nodes are played with. */
interface Run {
  readonly workers: readonly Worker[];
  /** For each node. */
  readonly packets: number;
  readonly tell: (text: string) => void;
  /** Is there time for another node? */
  readonly hasTime: () => boolean;
}

/** Plays all of a list, so many at a time. */
async function playAll(list: readonly Job[], { workers, packets, tell, hasTime }: Run, tally: Tally): Promise<void> {
  let next = 0;
  const work = async (worker: Worker): Promise<void> => {
    for (let job = list[next++]; job !== undefined && hasTime(); job = list[next++]) {
      await playJob(job, worker, packets, tally);
      tell(`${job.name}: ${tally.packets} packets, ${tally.differences.length} differences`);
    }
  };
  await Promise.all(workers.map(work));
}

/** Plays on until enough was compared and no cell is left, or nothing more comes of it. */
async function fill(seed: string, run: Run, tally: Tally): Promise<void> {
  for (let round = 0; round < ROUNDS && run.hasTime(); round++) {
    const empty = Object.values(tally.cells).flatMap((table: CellTable) => table.below(LEAST));
    if (empty.length === 0 && tally.packets >= WANTED) return;
    const missing = Math.ceil(Math.max(0, WANTED - tally.packets) / run.packets);
    await playAll(topUps(`${seed}/${round}`, tally, LEAST, missing), run, tally);
  }
}

async function startGuests(count: number, tally: Tally): Promise<Worker[]> {
  const guests = Array.from({ length: count }, () => new Guest(SCRIPT));
  const done = new Set<string>();
  try {
    await Promise.all(guests.map((guest) => guest.boot()));
    for (const guest of guests.slice(0, 1)) {
      const [versions] = (await guest.ask([{ do: "versions" }])) as readonly { readonly lines: readonly string[] }[];
      console.log(versions?.lines.join("\n"));
    }
  } catch (error) {
    for (const guest of guests) guest.kill();
    throw error;
  }
  tally.begin = performance.now();
  return guests.map((guest) => ({ guest, done }));
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options });
  const missing = missingForGuest();
  if (missing.length > 0) {
    console.log(`conformance:ipvs cannot run: missing are ${missing.join(", ")}`);
    return 2;
  }
  const whole = values.nodes === undefined && values.only === "";
  const all = jobs(values.seed).filter(({ name }) => name.includes(values.only));
  const list = values.nodes === undefined ? all : all.slice(0, Number(values.nodes));
  const tally = newTally();
  const workers = await startGuests(Number(values.guests), tally);
  try {
    const tell = (text: string): void => {
      if (values.progress) console.error(text);
    };
    const end = performance.now() + Number(values.minutes) * 60_000;
    const run = { workers, packets: Number(values.packets), tell, hasTime: () => performance.now() < end };
    await playAll(list, run, tally);
    if (whole) await fill(values.seed, run, tally);
  } finally {
    for (const { guest } of workers) await guest.stop();
  }
  return printTally(tally, Number(values.show), whole ? { packets: WANTED, least: LEAST } : undefined);
}

process.exitCode = await main();
