/**
 * Asks a real kernel about every row of the flow tables, each flow in a network namespace of its own; root only.
 * `node dist/test/flows/verify.js [--record] [BEGINNING of flow names …]`. Where chance decides, the kernel's answer must be one of the
 * row's, and a flow that is to go on from another one is played again. Exits with 1 when the kernel says otherwise,
 * with 2 without root.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Oracle } from "../kernel/oracle.ts";
import type { Observation, SeenPacket } from "../kernel/step.ts";
import type { Backend } from "../kernel/tools.ts";
import { allFit, drawnNumber, type Seen, seenText } from "./fate.ts";
import { countRows, type Flow, readFlows } from "./flow-table.ts";
import { flowNode, otherDumps, topologies, writeDumps } from "./node.ts";
import { type Expected, readRow } from "./row.ts";

/** Flows that wait are waited for together. */
const WORKERS = 6;
/** The kernel leaves a way of 1/9 out so often once in 10^5 flows. */
const TRIES = 100;

/** The pieces that the kernel cut a packet into are one packet to the rows, as they are to the emulator. */
function joined(packets: readonly SeenPacket[]): SeenPacket[] {
  const whole: SeenPacket[] = [];
  for (const seen of packets) {
    const at = whole.findIndex(
      ({ packet }) => packet.moreFragments && packet.identification === seen.packet.identification,
    );
    const first = whole[at];
    if (seen.packet.fragmentOffset === 0 || first === undefined) whole.push(seen);
    else {
      const payload = first.packet.payload + seen.packet.payload;
      whole[at] = { ...first, packet: { ...first.packet, payload, moreFragments: seen.packet.moreFragments } };
    }
  }
  return whole;
}

function seenIn({ out, local }: Observation): Seen[] {
  const at = (where: Seen["where"]) => (packet: SeenPacket) => ({
    where,
    device: packet.interface,
    packet: packet.packet,
    mark: packet.mark,
    drawn: "not shown" as const,
  });
  return [...joined(out).map(at("out")), ...joined(local).map(at("local"))];
}

const ERRORS: Readonly<Record<string, string>> = {
  none: "ENETUNREACH",
  unreachable: "EHOSTUNREACH",
  prohibit: "EACCES",
  blackhole: "EINVAL",
  "source-not-own": "ENETUNREACH",
  "no-source": "EADDRNOTAVAIL",
};

/** Does the kernel show the reason for which a packet stopped? A rule counts, a send fails; the rest leaves no trace but silence. */
function stopFits(stop: string, { rules, errno }: Observation): boolean {
  const [kind, ...words] = stop.split(" ");
  if (kind === "send") return errno === (ERRORS[words[1] ?? ""] ?? "EINVAL");
  const [table, chain, number] = words;
  if ((kind !== "dropped" && kind !== "rejected") || !/^\d+$/.test(number ?? "")) return true;
  return rules.some((hit) => hit.table === table && hit.chain === chain && hit.number === Number(number));
}

function observationText(observation: Observation): string {
  const { errno, rules } = observation;
  const hits = rules.map(({ table, chain, number }) => `${table} ${chain} ${number}`).join(", ");
  return [`errno ${errno ?? "none"}`, ...seenIn(observation).map(seenText), `rules: ${hits}`].join("\n    ");
}

const fits = (expected: Expected, observation: Observation): boolean =>
  allFit(expected.seen, seenIn(observation)) && stopFits(expected.stop, observation);

/** What a flow came to in the kernel. */
interface Verdict {
  readonly failure?: string;
  /** The flow went on to its end. */
  readonly whole: boolean;
  /** Rows that were asked, and alternatives of rows that the kernel took. */
  readonly taken: readonly string[];
}

async function play(flow: Flow, backend: Backend, lockFile: string): Promise<Verdict> {
  const { topology, texts } = flowNode(flow, backend);
  const oracle = await Oracle.start(topology, lockFile);
  const taken: string[] = [];
  let drawn: number | undefined;
  try {
    await oracle.load(texts);
    for (const [i, line] of flow.lines.entries()) {
      if (line.kind === "wait") {
        await oracle.sleep(1000 * line.seconds);
        continue;
      }
      const { step, expected } = readRow(line.text.replaceAll("drawn", `${drawn}-${drawn}`));
      const { observations } = await oracle.send([step], "packet");
      const [observation] = observations;
      if (observation === undefined) throw new Error("no observation");
      const at = expected.findIndex((each) => fits(each, observation));
      const found = expected[at];
      if (found === undefined) {
        const failure = `line ${line.line} (${backend}): ${line.text}\n  the kernel says\n    ${observationText(observation)}`;
        return { failure, whole: false, taken };
      }
      taken.push(`${line.line}/${at}`);
      if (at > 0) return { whole: i === flow.lines.length - 1, taken };
      drawn = drawnNumber(found.seen, seenIn(observation)) ?? drawn;
    }
    return { whole: true, taken };
  } finally {
    await oracle.stop();
  }
}

async function verify(flow: Flow, backend: Backend, lockFile: string, taken: Set<string>): Promise<string | undefined> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const verdict = await play(flow, backend, lockFile);
    for (const row of verdict.taken) taken.add(`${flow.name} ${row}`);
    if (verdict.failure !== undefined) return verdict.failure;
    if (verdict.whole) return undefined;
  }
  return `${flow.name}: the kernel never took the first of the ways`;
}

/** Compares the dumps that the emulated nodes are made from with what the real ones print, or writes them. */
async function checkNodes(lockFile: string, record: boolean): Promise<string[]> {
  const failures: string[] = [];
  for (const topology of topologies) {
    const oracle = await Oracle.start(topology, lockFile);
    const dumps = await oracle.dumps();
    await oracle.stop();
    if (record) writeDumps(topology, dumps);
    else failures.push(...otherDumps(topology, dumps).map((name) => `${name} is not as stored; --record writes it`));
  }
  return failures;
}

async function main(args: readonly string[]): Promise<number> {
  if (process.getuid?.() !== 0) {
    console.log("the flows cannot be verified: it needs root, for network namespaces of its own");
    return 2;
  }
  const names = args.filter((name) => name !== "--record");
  const flows = readFlows().filter(({ name }) => names.length === 0 || names.some((begin) => name.startsWith(begin)));
  const jobs = flows.flatMap((flow) => flow.backends.map((backend) => ({ flow, backend })));
  // flows that wait come first: the others are done meanwhile
  const seconds = ({ lines }: Flow): number =>
    lines.reduce((sum, line) => sum + (line.kind === "wait" ? line.seconds : 0), 0);
  jobs.sort((a, b) => seconds(b.flow) - seconds(a.flow));
  const folder = mkdtempSync(join(tmpdir(), "rulewalk-flows-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const failures = await checkNodes(join(folder, "lock"), args.includes("--record"));
  const taken = new Set<string>();
  let next = 0;
  const worker = async (_: unknown, i: number): Promise<void> => {
    for (let job = jobs[next++]; job !== undefined; job = jobs[next++]) {
      try {
        const failure = await verify(job.flow, job.backend, join(folder, `lock.${i}`), taken);
        if (failure !== undefined) failures.push(`${job.flow.name}\n${failure}`);
      } catch (error) {
        failures.push(`${job.flow.name} (${job.backend}): ${(error as Error).message}`);
      }
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, worker));
  for (const failure of failures) console.log(failure);
  console.log(
    `${countRows(flows)} rows in ${flows.length} flows, ${jobs.length} times played; ${taken.size} ends seen in the kernel`,
  );
  console.log(`${jobs.length - failures.length} passed, ${failures.length} failed`);
  return failures.length > 0 || jobs.length === 0 ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2));
