/**
 * Asks a real kernel about every row of the journey tables, in a network of namespaces for each cluster and back end; root
 * only. With `--mode ipvs` the rows of that mode, in a guest of User-Mode Linux. `npm run conformance:network [-- OPTION …
 * BEGINNING of chain names or scenarios …]`; with `--random N`, N chains of three random packets in each cluster instead
 * (`--seed S`), whose rows the emulator writes. Where chance decides, chains are played until every branch of every row was
 * seen; one that no row lists is a failure. Exits with 1 when the kernel says otherwise, with 2 when it cannot run.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { readEnd } from "../flows/packet-text.ts";
import { missingForGuest } from "../ipvs/guest.ts";
import { PythonProgram } from "../kernel/python-program.ts";
import { type Backend, backends } from "../kernel/tools.ts";
import { addressText } from "../routing/support.ts";
import { NetworkGuest } from "./guest-network.ts";
import { readBranch } from "./journey-row.ts";
import { type Chain, chainsIn, type RowMode, readChains, rowsOf } from "./journey-table.ts";
import { missingTools } from "./network-tools.ts";
import { placeOfSettings, turnsOf } from "./play-chain.ts";
import { playReal, type RealChain } from "./play-real.ts";
import { randomChains } from "./random-chains.ts";
import { nodeDifferences } from "./real-check.ts";
import { type NetworkProgram, networkProgram, RealNetwork, type TapMeans } from "./real-network.ts";

/** A guest is a processor of its own. */
const WORKERS = { iptables: 3, ipvs: 2 } as const;
/** Seconds that the longest `recent` rule remembers where chains wait for it: its own are divided, and so are the waits. */
const SHORTENED = 2;

/** Chains that one network serves. */
interface Job {
  readonly chains: readonly Chain[];
  readonly backend: Backend;
  /** They wait: the rules' times are shortened for them. */
  readonly waits: boolean;
}

interface Tally {
  rows: number;
  passed: number;
  skipped: number;
  packets: number;
  /** Nodes whose addresses and routes were compared with those of the emulated network. */
  nodes: number;
  readonly scenarios: Set<string>;
  readonly failures: string[];
}

function jobsOf(chains: readonly Chain[], mode: RowMode): Job[] {
  const groups = new Map<string, Chain[]>();
  for (const chain of chains) {
    const { folder, edit, outsideRoutesPods } = chain.settings;
    const waits = chain.lines.some(({ kind }) => kind === "wait");
    const key = JSON.stringify([waits, folder, edit, outsideRoutesPods]);
    groups.set(key, [...(groups.get(key) ?? []), chain]);
  }
  const jobs = [...groups].flatMap(([key, group]) =>
    // the guest's nf_tables do not know IPv4 and IPv6
    (mode === "ipvs" ? (["legacy"] as const) : backends).map((backend) => ({
      chains: group,
      backend,
      waits: key.startsWith("[true"),
    })),
  );
  // those that wait first: the others are done meanwhile
  return jobs.sort((a, b) => Number(b.waits) - Number(a.waits));
}

/** Addresses of those outside that a branch ends at. */
function outsiders(branch: string): readonly string[] {
  const { end } = readBranch(branch).there;
  if (end.kind !== "outside") return [];
  const { address } = readEnd(end.to);
  return [addressText(address)];
}

interface Asked {
  /** Chains of the tables, which also say who is there. */
  readonly all: readonly Chain[];
  /** Random chains for each cluster, instead of those of the tables; 0: none. */
  readonly random: number;
  readonly seed: string;
  readonly mode: RowMode;
}

/** Where networks are made. */
interface Ground {
  readonly program: () => Promise<NetworkProgram>;
  readonly means: TapMeans;
  readonly end: () => Promise<void>;
}

async function groundOf(mode: RowMode, lockFile: string): Promise<Ground> {
  if (mode === "iptables") {
    const program = () => Promise.resolve(new PythonProgram(networkProgram, lockFile));
    return { program, means: "nft", end: () => Promise.resolve() };
  }
  const guest = new NetworkGuest();
  await guest.boot();
  return { program: () => guest.program(), means: "raw", end: () => guest.stop() };
}

/** The addresses of whoever must be there, on nodes' links and outside. */
function addressesOf(chains: readonly Chain[]): string[] {
  const rows = rowsOf(chains);
  const ends = rows.flatMap(({ packet }) => [addressText(packet.src), addressText(packet.dst)]);
  const proxies = chains.flatMap(({ settings }) => settings.balancer?.proxy ?? []);
  return [...new Set([...ends, ...proxies, ...rows.flatMap(({ branches }) => branches.flatMap(outsiders))])];
}

async function play(job: Job, { all, random, seed, mode }: Asked, ground: Ground, tally: Tally): Promise<void> {
  const { backend, waits } = job;
  const [first] = job.chains;
  if (first === undefined) return;
  // that routers outside lead to Pods makes more ends known
  const settings = random === 0 ? first.settings : { ...first.settings, outsideRoutesPods: true };
  const place = placeOfSettings(settings, all, backend, { mode });
  const chains = random === 0 ? job.chains : randomChains(place, settings, all, { count: random, seed, backend, mode });
  const longest = Math.max(...place.cluster.services.map(({ value }) => affinitySeconds(value.spec)), SHORTENED);
  const shorten = waits ? longest / SHORTENED : 1;
  const given = { program: await ground.program(), means: ground.means, shorten };
  const network = await RealNetwork.start(place, backend, addressesOf(chains), given);
  try {
    for (const name of place.network.nodes) {
      const found = await nodeDifferences(place, network, name);
      tally.nodes++;
      if (found.length > 0)
        tally.failures.push(`${settings.folder}: ${name} is made otherwise than assumed\n  ${found.join("\n  ")}`);
    }
    for (const chain of chains) {
      const turned = {
        turns: turnsOf(place, chain),
        place: (turn: number) => placeOfSettings(settings, all, backend, { mode, turn }),
      };
      const real = { chain, place, network, shorten, ...(mode === "ipvs" ? { turned } : {}) };
      await playChainReal(real, backend, tally);
    }
  } finally {
    tally.packets += network.packets;
    tally.scenarios.add(settings.folder);
    await network.stop();
  }
}

async function playChainReal(real: RealChain, backend: Backend, tally: Tally): Promise<void> {
  const { name, settings, lines } = real.chain;
  const { rows, skipped, failure } = await playReal(real);
  tally.rows += rows;
  tally.skipped += skipped;
  if (failure === undefined) tally.passed += rows - skipped;
  else {
    const before = name.startsWith("seed") ? lines.map((each) => (each.kind === "row" ? `\n  ${each.text}` : "")) : [];
    tally.failures.push(`${name} ${settings.folder} (${backend}): ${failure}${before.join("")}`);
  }
}

function affinitySeconds(spec: { sessionAffinityConfig?: { clientIP?: { timeoutSeconds?: number } } } = {}): number {
  return spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 0;
}

const options = {
  random: { type: "string", default: "0" },
  seed: { type: "string", default: "1" },
  mode: { type: "string", default: "iptables" },
} as const;

async function main(words: readonly string[]): Promise<number> {
  const { values, positionals: args } = parseArgs({ args: [...words], options, allowPositionals: true });
  const mode: RowMode = values.mode === "ipvs" ? "ipvs" : "iptables";
  const missing = mode === "ipvs" ? missingForGuest() : await missingTools();
  if (missing.length > 0) {
    console.log(`conformance:network cannot run: ${missing.join("; ")}`);
    return 2;
  }
  const all = chainsIn(mode, readChains());
  const wanted = ({ name, settings }: Chain): boolean =>
    args.length === 0 || args.some((arg) => name.startsWith(arg) || settings.folder.endsWith(`/${arg}`));
  const asked: Asked = { all, random: Number(values.random), seed: values.seed, mode };
  const jobs = jobsOf(all.filter(wanted), mode).filter(({ waits }) => asked.random === 0 || !waits);
  const folder = mkdtempSync(join(tmpdir(), "rulewalk-network-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const tally: Tally = { rows: 0, passed: 0, skipped: 0, packets: 0, nodes: 0, scenarios: new Set(), failures: [] };
  let next = 0;
  const worker = async (_: unknown, i: number): Promise<void> => {
    const ground = await groundOf(mode, join(folder, `lock.${i}`));
    for (let job = jobs[next++]; job !== undefined; job = jobs[next++]) {
      try {
        await play(job, asked, ground, tally);
      } catch (error) {
        tally.failures.push(`${job.chains[0]?.settings.folder} (${job.backend}): ${(error as Error).message}`);
      }
    }
    await ground.end();
  };
  await Promise.all(Array.from({ length: WORKERS[mode] }, worker));
  return report(tally);
}

function report({ rows, passed, skipped, packets, nodes, scenarios, failures }: Tally): number {
  for (const failure of failures) console.log(failure);
  console.log(
    `${rows} rows of ${scenarios.size} clusters (each row with every back end), ${nodes} nodes, ${packets} packets; ${skipped} rows not asked: the network does not know`,
  );
  const failed = failures.length + (rows === 0 ? 1 : 0);
  console.log(`${passed} passed, ${failed} failed`);
  return failed > 0 ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2));
