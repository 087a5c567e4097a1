/**
 * Sends random packets through random hosts with random, foreign, compiled and damaged rule sets: no walk may throw, and every
 * one must end. `npm run fuzz:kernel [-- --runs N --seed S --host H]`; prints ends by kind and the slowest packet, exits with 1
 * when anything failed. A failure begins with S/H, its seed and host: `--seed S --host H --runs 1` replays it.
 */
import { parseArgs } from "node:util";
import { clusterCases } from "../kernel/cluster-cases.ts";
import { foreignCases } from "../kernel/foreign.ts";
import { node } from "../kernel/topology.ts";
import { fuzz } from "./fuzz-run.ts";

const SHOWN = 10;
const CLUSTERS = 6;

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "100000" },
    seed: { type: "string", default: "1" },
    host: { type: "string", default: "0" },
  },
});
const begin = performance.now();
const cases = [...foreignCases(), ...clusterCases("1", CLUSTERS, node)];
const result = fuzz(Number(values.runs), values.seed, cases, Number(values.host));
const { runs, hosts, outcomes, failures, slowest, slowestOf } = result;
for (const failure of failures.slice(0, SHOWN)) console.log(failure);
for (const [kind, count] of [...outcomes].sort(([, a], [, b]) => b - a)) console.log(`${kind.padEnd(14)}${count}`);
console.log(`slowest packet ${slowest.toFixed(1)} ms: ${slowestOf}`);
console.log(`${runs} runs on ${hosts} hosts in ${((performance.now() - begin) / 1000).toFixed(0)} s`);
console.log(`${runs - failures.length} passed, ${failures.length} failed`);
process.exitCode = failures.length > 0 || runs === 0 ? 1 : 0;
