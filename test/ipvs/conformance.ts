/**
 * Asks a real kernel's ip_vs, in a User-Mode Linux guest; root only. `npm run conformance:ipvs [-- OPTION …]`: makes up nodes with virtual
 * servers of every scheduler, sends packets through the guest and through the emulator, and compares what left, what arrived, and the
 * tables that remain. `--nodes N`, `--packets N` for each, `--seed S`, `--show N` differences. Exits with 1 when anything differs,
 * with 2 when it cannot run.
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Random, seededRandom } from "../../src/net/random.ts";
import { decodePacket } from "../kernel/decode.ts";
import { encodePacket } from "../kernel/encode.ts";
import { CellTable } from "./cell-table.ts";
import { certainSchedulers, type FreshNode, freshNode, kubeNode } from "./fresh-node.ts";
import { Guest, missingForGuest } from "./guest.ts";
import { Lab } from "./lab.ts";
import { type PlannedPacket, type PlannedStep, Planner } from "./plan.ts";
import { type GuestLists, listDifferences } from "./proc.ts";
import { readRecordings } from "./recordings.ts";
import { seenWords } from "./words.ts";

const options = {
  nodes: { type: "string", default: "120" },
  packets: { type: "string", default: "500" },
  seed: { type: "string", default: "1" },
  show: { type: "string", default: "20" },
} as const;

/** What the guest says of one packet. */
interface GuestPacket {
  readonly out: readonly (readonly [device: string, hex: string])[];
  readonly local: readonly string[];
  readonly errno: string | null;
}

const SCRIPT = fileURLToPath(new URL("../../../test/ipvs/guest.py", import.meta.url));

/** A node's making, for the guest. */
function nodeRequest({ words }: FreshNode): object {
  const { topo = {}, ipset = "", rules4 = "", rules6 = "", ipvs = "" } = words;
  const devices = Object.entries(topo.ifaces ?? {}).map(([name, { addrs = [], mtu = 1500 }]) => [
    name,
    { addresses: addrs, mtu },
  ]);
  return {
    do: "node",
    interfaces: Object.fromEntries(devices),
    dummies: Object.fromEntries(Object.entries(topo.dummies ?? {}).map(([name, { addrs = [] }]) => [name, addrs])),
    routes: topo.routes ?? [],
    ipset,
    rules4,
    rules6,
    ipvs,
    sysctls: {
      "net.ipv4.ip_forward": 1,
      "net.ipv6.conf.all.forwarding": 1,
      "net.ipv4.icmp_ratemask": 0,
      "net.ipv6.icmp.ratelimit": 0,
      ...topo.sysctl,
    },
  };
}

function stepRequest(step: PlannedStep): object {
  switch (step.kind) {
    case "packet": {
      const bytes = Buffer.from(encodePacket(step.packet)).toString("hex");
      return { do: "packet", from: step.from ?? null, bytes, mark: 0 };
    }
    case "change":
      return { do: "ipvs", text: `${step.line}\n` };
    case "sleep":
      return { do: "sleep", ms: step.ms };
  }
}

/** Pieces behind the first say nothing of their own. */
function seenByGuest(hex: string): object | undefined {
  const packet = decodePacket(Buffer.from(hex, "hex"));
  if (packet === undefined) return { undecodable: hex };
  return packet.fragmentOffset > 0 ? undefined : { ...seenWords(packet), tos: packet.tos };
}

const texts = (list: readonly (object | undefined)[]): string =>
  list
    .flatMap((each) => (each === undefined ? [] : [JSON.stringify(each)]))
    .sort()
    .join("\n");

/** How the emulator and the guest differ about a packet; empty where they do not. */
function difference({ results, unknown }: PlannedPacket, answer: GuestPacket): string {
  if (unknown.length > 0) return `  not modelled: ${unknown.join("; ")}`;
  const ours = results.flatMap(({ outcome, packet }) =>
    outcome.kind === "transmitted" ? [{ by: outcome.outInterface, ...seenWords(packet), tos: packet.tos }] : [],
  );
  const arrived = results.flatMap(({ outcome, packet }) =>
    outcome.kind === "delivered" ? [{ ...seenWords(packet), tos: packet.tos }] : [],
  );
  const theirs = answer.out.map(([by, hex]) => {
    const seen = seenByGuest(hex);
    return seen === undefined ? undefined : { by, ...seen };
  });
  const pairs = [
    ["out", texts(ours), texts(theirs)],
    ["local", texts(arrived), texts(answer.local.map(seenByGuest))],
  ] as const;
  return pairs
    .filter(([, a, b]) => a !== b)
    .map(
      ([what, a, b]) =>
        `  ${what}: emulator ${a || "nothing"}\n  ${what}: kernel   ${b || "nothing"} ${answer.errno ?? ""}`,
    )
    .join("\n");
}

interface Count {
  packets: number;
  entries: number;
  drawn: number;
  readonly differences: string[];
}

/**
 * A guest that takes longer than this for a node's packets, besides pauses, has another clock than the emulator: the first connections
 * end after 3 s. On a busy machine a node gets fewer packets then, and more nodes are made.
 */
const SLOW = 2;
const FEWEST = 30;

/** A plan, and what the guest made of it. */
interface Played {
  readonly lab: Lab;
  readonly steps: readonly PlannedStep[];
  readonly answers: readonly unknown[];
  readonly drawn: number;
}

async function askInTime(guest: Guest, node: FreshNode, random: Random, packets: number): Promise<Played> {
  const lab = new Lab(node.words, true);
  const planner = new Planner(lab, node, random.fork(`${packets}`));
  const steps = planner.plan(packets);
  const pauses = steps.reduce((sum, step) => sum + (step.kind === "sleep" ? step.ms / 1000 : 0), 0);
  const answers = await guest.ask([nodeRequest(node), ...steps.map(stepRequest), { do: "list" }]);
  if ((answers.at(-1) as GuestLists).seconds - pauses < SLOW) return { lab, steps, answers, drawn: planner.drawn };
  if (packets < FEWEST) throw new Error(`the guest needs more than ${SLOW} s for ${packets} packets`);
  return askInTime(guest, node, random, Math.floor(packets / 2));
}

/** Plays one node in both; after the first difference nothing more of it is compared. */
async function playNode(
  guest: Guest,
  node: FreshNode,
  random: Random,
  packets: number,
  cells: CellTable,
  count: Count,
) {
  const { lab, steps, answers, drawn } = await askInTime(guest, node, random, packets);
  count.drawn += drawn;
  for (const [i, step] of steps.entries()) {
    if (step.kind !== "packet") continue;
    const text = difference(step, answers[i + 1] as GuestPacket);
    if (text !== "") {
      const before = steps.slice(Math.max(0, i - 6), i).map((each) => `    ${describeStep(each)}`);
      count.differences.push(
        [`${describeStep(step)}`, text, "  before it:", ...before, `  ${JSON.stringify(node.words.topo?.sysctl)}`].join(
          "\n",
        ),
      );
      return;
    }
    count.packets++;
    cells.add(step.source, step.frontend.kind, step.frontend.scheduler, step.frontend.protocol);
  }
  const lists = listDifferences(lab, answers.at(-1) as GuestLists);
  count.entries += lists.compared;
  if (lists.differences.length > 0) count.differences.push(lists.differences.slice(0, 8).join("\n"));
}

function describeStep(step: PlannedStep): string {
  if (step.kind !== "packet") return JSON.stringify(step);
  return `${step.from ?? "node"}: ${JSON.stringify(seenWords(step.packet))} ${step.packet.chunks.join()} => ${step.results.map(({ outcome }) => outcome.kind).join()}`;
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options });
  const missing = missingForGuest();
  if (missing.length > 0) {
    console.log(`conformance:ipvs cannot run: missing are ${missing.join(", ")}`);
    return 2;
  }
  const guest = new Guest(SCRIPT);
  const cells = new CellTable();
  const count: Count = { packets: 0, entries: 0, drawn: 0, differences: [] };
  const begin = performance.now();
  try {
    await guest.boot();
    const [versions] = (await guest.ask([{ do: "versions" }])) as readonly { readonly lines: readonly string[] }[];
    console.log(versions?.lines.join("\n"));
    const all = seededRandom(values.seed);
    const kube = readRecordings().find(({ setup }) => setup === "kube")?.case ?? {};
    const wanted = Number(values.nodes) * Number(values.packets);
    // a node that differs early gives few packets: not for ever
    for (let n = 0; count.packets < wanted && n < Number(values.nodes) * 8; n++) {
      const random = all.fork(`node ${n}`);
      const first = (n * 3) % certainSchedulers.length;
      const given = [0, 1, 2].map((i) => certainSchedulers[(first + i) % certainSchedulers.length] as string);
      const own = freshNode(n % 4 === 3 ? "IPv6" : "IPv4", given, random.fork("node"));
      const node = n % 5 === 4 ? kubeNode(kube, given[0] as string) : own;
      await playNode(guest, node, random.fork("packets"), Number(values.packets), cells, count);
    }
  } finally {
    await guest.stop();
  }
  console.log(cells.toString());
  const empty = cells.empty();
  if (empty.length > 0) console.log(`${empty.length} cells without a packet: ${empty.slice(0, 12).join(", ")}`);
  for (const text of count.differences.slice(0, Number(values.show))) console.log(text);
  const seconds = ((performance.now() - begin) / 1000).toFixed(0);
  console.log(`${count.drawn} packets left out, for which the kernel draws a port at random`);
  console.log(`${count.packets} packets and ${count.entries} entries of tables compared in ${seconds} s`);
  console.log(`${count.packets} passed, ${count.differences.length} failed`);
  return count.differences.length > 0 || count.packets === 0 ? 1 : 0;
}

process.exitCode = await main();
