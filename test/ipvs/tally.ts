import { CellTable } from "./cell-table.ts";
import { destinationKinds } from "./test-node.ts";

/** What a run compared, and what differed. */
export interface Tally {
  begin: number;
  packets: number;
  entries: number;
  drawn: number;
  /** Compiled nodes that the real tools took and printed back, and lines of what they printed. */
  loaded: number;
  lines: number;
  /** Of those: whose virtual servers the kernel's hash puts in order. */
  unordered: number;
  readonly cells: { readonly "made up": CellTable; readonly compiled: CellTable };
  readonly differences: string[];
}

export function newTally(): Tally {
  return {
    begin: performance.now(),
    packets: 0,
    entries: 0,
    drawn: 0,
    loaded: 0,
    lines: 0,
    unordered: 0,
    cells: {
      "made up": new CellTable(["cluster-ip", "node-port", "sticky", "empty", "other-port"]),
      compiled: new CellTable(destinationKinds),
    },
    differences: [],
  };
}

/** What no packet can be in, and why. */
const IMPOSSIBLE = [
  "a scheduler with other-port or health-check: no virtual server stands there",
  "the scheduler twos: it draws at random, and the guest's kernel has no module for it",
  "of made-up nodes external-ip, load-balancer and health-check: kube-proxy's words, which they do not know",
];

/** What a whole run has to reach. */
interface Goal {
  readonly packets: number;
  readonly least: number;
}

/** Prints all of it; 1 when something differs, or is missing in a whole run. */
export function printTally(tally: Tally, show: number, goal: Goal | undefined): number {
  const { packets, entries, drawn, loaded, lines, unordered, cells, differences } = tally;
  const faults: string[] = [];
  for (const [name, table] of Object.entries(cells)) {
    const below = table.below(goal?.least ?? 1);
    console.log(`\nPackets of flows through ${name} nodes, by source and destination, scheduler and protocol`);
    console.log(table.toString());
    console.log(`${table.cells().length} cells, the smallest of ${table.least()} packets`);
    if (below.length === 0) continue;
    const text = `${below.length} cells with fewer than ${goal?.least ?? 1} packets: ${below.slice(0, 12).join(", ")}`;
    if (goal === undefined) console.log(text);
    else faults.push(text);
  }
  console.log(`\nNot in the tables, as it cannot be: ${IMPOSSIBLE.map((each) => `\n  ${each}`).join("")}`);
  if (goal !== undefined && packets < goal.packets) faults.push(`${packets} packets are fewer than ${goal.packets}`);
  if (packets === 0 || loaded === 0) faults.push("nothing was compared");
  for (const text of [...differences.slice(0, show), ...faults]) console.log(text);
  const seconds = ((performance.now() - tally.begin) / 1000).toFixed(0);
  console.log(
    `${loaded} compiled nodes loaded by the real tools and printed back, ${lines} lines; of ${unordered} the kernel's hash orders the virtual servers, which were compared in any order`,
  );
  console.log(`${drawn} packets for which the kernel drew a port at random: the emulator was told it`);
  console.log(`${packets} packets and ${entries} entries of tables compared in ${seconds} s`);
  const failed = differences.length + faults.length;
  console.log(`${packets + loaded} passed, ${failed} failed`);
  return failed > 0 ? 1 : 0;
}
