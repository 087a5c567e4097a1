/**
 * Asks a real kernel about every row of the journey tables, in a network of namespaces for each cluster and back end; root
 * only. `npm run conformance:network [-- BEGINNING of chain names or scenarios …]`. Where chance decides, chains are played
 * until every branch of every row was seen; one that no row lists is a failure. Exits with 1 when the kernel says
 * otherwise, with 2 when it cannot run.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readEnd } from "../flows/packet-text.ts";
import { type Backend, backends } from "../kernel/tools.ts";
import { addressText } from "../routing/support.ts";
import { readBranch } from "./journey-row.ts";
import { type Chain, readChains, rowsOf } from "./journey-table.ts";
import { missingTools } from "./network-tools.ts";
import { placeOfSettings } from "./play-chain.ts";
import { playReal, type RealChain } from "./play-real.ts";
import { nodeDifferences } from "./real-check.ts";
import { RealNetwork } from "./real-network.ts";

const WORKERS = 3;
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

function jobsOf(chains: readonly Chain[]): Job[] {
  const groups = new Map<string, Chain[]>();
  for (const chain of chains) {
    const { folder, edit, outsideRoutesPods } = chain.settings;
    const waits = chain.lines.some(({ kind }) => kind === "wait");
    const key = JSON.stringify([waits, folder, edit, outsideRoutesPods]);
    groups.set(key, [...(groups.get(key) ?? []), chain]);
  }
  const jobs = [...groups].flatMap(([key, group]) =>
    backends.map((backend) => ({ chains: group, backend, waits: key.startsWith("[true") })),
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

async function play(job: Job, all: readonly Chain[], lockFile: string, tally: Tally): Promise<void> {
  const [first] = job.chains;
  if (first === undefined) return;
  const place = placeOfSettings(first.settings, all, job.backend);
  const own = rowsOf(all.filter(({ settings }) => settings.folder === first.settings.folder));
  const ends = own.flatMap(({ packet }) => [addressText(packet.src), addressText(packet.dst)]);
  const proxies = job.chains.flatMap(({ settings }) => settings.balancer?.proxy ?? []);
  const addresses = [...new Set([...ends, ...proxies, ...own.flatMap(({ branches }) => branches.flatMap(outsiders))])];
  const longest = Math.max(...place.cluster.services.map(({ value }) => affinitySeconds(value.spec)), SHORTENED);
  const shorten = job.waits ? longest / SHORTENED : 1;
  const network = await RealNetwork.start(place, job.backend, addresses, { lockFile, shorten });
  try {
    for (const name of place.network.nodes) {
      const found = await nodeDifferences(place, network, name);
      tally.nodes++;
      if (found.length > 0)
        tally.failures.push(
          `${first.settings.folder}: ${name} is made otherwise than assumed\n  ${found.join("\n  ")}`,
        );
    }
    for (const chain of job.chains) {
      const real: RealChain = { chain, place, network, shorten };
      const { rows, skipped, failure } = await playReal(real);
      tally.rows += rows;
      tally.skipped += skipped;
      if (failure === undefined) tally.passed += rows - skipped;
      else tally.failures.push(`${chain.name} ${chain.settings.folder} (${job.backend}): ${failure}`);
    }
  } finally {
    tally.packets += network.packets;
    tally.scenarios.add(first.settings.folder);
    await network.stop();
  }
}

function affinitySeconds(spec: { sessionAffinityConfig?: { clientIP?: { timeoutSeconds?: number } } } = {}): number {
  return spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 0;
}

async function main(args: readonly string[]): Promise<number> {
  const missing = await missingTools();
  if (missing.length > 0) {
    console.log(`conformance:network cannot run: ${missing.join("; ")}`);
    return 2;
  }
  const all = readChains();
  const wanted = ({ name, settings }: Chain): boolean =>
    args.length === 0 || args.some((arg) => name.startsWith(arg) || settings.folder.endsWith(`/${arg}`));
  const jobs = jobsOf(all.filter(wanted));
  const folder = mkdtempSync(join(tmpdir(), "rulewalk-network-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const tally: Tally = { rows: 0, passed: 0, skipped: 0, packets: 0, nodes: 0, scenarios: new Set(), failures: [] };
  let next = 0;
  const worker = async (_: unknown, i: number): Promise<void> => {
    for (let job = jobs[next++]; job !== undefined; job = jobs[next++]) {
      try {
        await play(job, all, join(folder, `lock.${i}`), tally);
      } catch (error) {
        tally.failures.push(`${job.chains[0]?.settings.folder} (${job.backend}): ${(error as Error).message}`);
      }
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, worker));
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
