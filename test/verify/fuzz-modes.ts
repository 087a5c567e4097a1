import { parseArgs } from "node:util";
import { modes } from "../intent/place.ts";
import { compareModes } from "./modes-law.ts";
import { holdSample } from "./promises-law.ts";

/**
 * `npm run laws -- [--minutes M] [--from SEED] [--step N] [--services N] [--one-node]`: over sampled clusters, packet class by packet class:
 * iptables mode against ipvs mode, and each mode against what Kubernetes promises. `--one-node`: of each cluster one node and family, by
 * its seed. `--step`: every Nth seed, for several runs at once.
 */
const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
    from: { type: "string", default: "0" },
    step: { type: "string", default: "1" },
    services: { type: "string" },
    "one-node": { type: "boolean", default: false },
  },
});
const scope = {
  oneNode: values["one-node"],
  ...(values.services === undefined ? {} : { services: Number(values.services) }),
};
const MOST_SHOWN = 40;

/** What one of the comparisons came to. */
interface Tally {
  readonly title: string;
  classes: number;
  /** Of them those that differ, or of which something is promised. */
  told: number;
  readonly excused: Map<string, number>;
  findings: number;
}

function add(
  tally: Tally,
  classes: number,
  told: number,
  excused: ReadonlyMap<string, number>,
  news: readonly string[],
) {
  tally.classes += classes;
  tally.told += told;
  for (const [id, count] of excused) tally.excused.set(id, (tally.excused.get(id) ?? 0) + count);
  for (const text of news) if (tally.findings++ < MOST_SHOWN) console.log(text);
}

function print({ title, classes, told, excused, findings }: Tally, word: string): void {
  console.log(`${title}: ${classes} classes, ${told} ${word}, ${findings} findings`);
  for (const [id, count] of [...excused].sort(([, a], [, b]) => b - a)) console.log(`  ${count} ${id}`);
}

const tally = (title: string): Tally => ({ title, classes: 0, told: 0, excused: new Map(), findings: 0 });
const between = tally("iptables mode against ipvs mode");
const promised = modes.map((mode) => tally(`${mode} mode against what Kubernetes promises`));

const end = performance.now() + Number(values.minutes) * 60_000;
let clusters = 0;
for (let seed = Number(values.from); performance.now() < end; seed += Number(values.step)) {
  const found = compareModes(seed, scope);
  if (found === undefined) continue;
  clusters++;
  add(between, found.classes, found.differing, found.excused, found.findings);
  for (const [i, mode] of modes.entries()) {
    const held = holdSample(seed, mode, scope);
    if (held === undefined) continue;
    const said = [...held.promised.values()].reduce((sum, count) => sum + count, 0);
    const unknown = held.unknown === 0 ? [] : [`seed ${seed}, ${mode}: ${held.unknown} ways with an unknown end`];
    add(promised[i] as Tally, held.classes, said, held.excused, [...held.findings, ...unknown]);
  }
}
print(between, "treated differently");
for (const each of promised) print(each, "with a promise");
const findings = [between, ...promised].reduce((sum, each) => sum + each.findings, 0);
console.log(`${clusters} clusters passed, ${findings} findings`);
if (findings > 0) process.exitCode = 1;
