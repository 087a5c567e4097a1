import { emulated } from "./compiled-node.ts";
import type { EmulatedNode } from "./emulated-node.ts";
import type { FreshNode } from "./fresh-node.ts";
import type { Guest } from "./guest.ts";
import type { Job, JobNode } from "./jobs.ts";
import { Lab } from "./lab.ts";
import { type CommandsRun, type Loaded, loadCompiledNode } from "./load-compiled.ts";
import { Planner } from "./plan.ts";
import { firstPacketDifference, play } from "./play-node.ts";
import { listDifferences } from "./proc.ts";
import type { Tally } from "./tally.ts";

/** A guest, and the releases whose single commands were run in one. */
export interface Worker {
  readonly guest: Guest;
  readonly done: CommandsRun;
}

/**
 * A guest that takes longer than this for a node's packets, besides pauses, has another clock than the emulator: the first connections
 * end after 3 s. On a busy machine a node gets fewer packets then, and more nodes are made.
 */
const SLOW = 2;
const FEWEST = 30;
/** Differences of one node that are told. */
const TOLD = 8;

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

/** Makes the node in the guest and in the emulator; with what came of loading it, where it was compiled. */
async function make(
  job: JobNode,
  { guest, done }: Worker,
): Promise<{ readonly lab: EmulatedNode; readonly loaded?: Loaded }> {
  if (job.kind === "compiled") {
    const loaded = await loadCompiledNode(guest, job.node, done);
    return { lab: emulated(job.node), loaded };
  }
  await guest.ask([nodeRequest(job.node)]);
  return { lab: new Lab(job.node.words, true) };
}

function tell(tally: Tally, { name }: Job, texts: readonly string[]): void {
  for (const text of texts.slice(0, TOLD)) tally.differences.push(`${name}: ${text}`);
}

/** Plays a node with so many packets; false when the guest was too slow for them. */
async function attempt(job: Job, made: JobNode, worker: Worker, packets: number, tally: Tally): Promise<boolean> {
  const { kind, node } = made;
  const cells = tally.cells[kind];
  const { lab, loaded } = await make(made, worker);
  if (loaded !== undefined && loaded.differences.length > 0) {
    tell(tally, job, loaded.differences);
    return true;
  }
  const { random, met } = job;
  const count = node.frontends.length === 0 || node.clients.length === 0 ? 0 : packets;
  const played = await play(worker.guest, lab, new Planner(lab, node, random.fork(`${packets}`), met), count);
  if (played.seconds > SLOW) return false;
  if (loaded !== undefined) {
    tally.loaded++;
    tally.lines += loaded.compared;
    tally.unordered += Number(loaded.unordered);
  }
  tally.drawn += played.drawn;
  const different = firstPacketDifference(played, ({ source, frontend }) => {
    tally.packets++;
    cells.add(source, frontend);
  });
  if (different !== undefined) {
    tell(tally, job, [different]);
    return true;
  }
  const lists = listDifferences(lab, played.lists);
  tally.entries += lists.compared;
  tell(tally, job, lists.differences);
  return true;
}

/** Plays one node in both; after the first difference nothing more of it is compared. What a tool refuses is a difference, too. */
export async function playJob(job: Job, worker: Worker, packets: number, tally: Tally): Promise<void> {
  let wanted = packets * job.share;
  try {
    const made = job.make();
    while (!(await attempt(job, made, worker, wanted, tally))) {
      if (wanted < FEWEST) throw new Error(`the guest needs more than ${SLOW} s for ${wanted} packets`);
      wanted = Math.floor(wanted / 2);
    }
  } catch (error) {
    const { message } = error as Error;
    if (/: no answer|the guest ended/.test(message)) throw error;
    tell(tally, job, [message]);
  }
}
