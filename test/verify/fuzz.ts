/**
 * Classes of random packets: on every golden scenario and the examples, on foreign and compiled rule sets, and on random rules.
 * `npm run fuzz:classes [-- --rounds N --seed S]`; prints what was tried and why classes were not exact, exits with 1 when one was
 * wrong. A failure names the place that shows it again with the same seed.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { seededRandom } from "../../src/net/random.ts";
import { drawScene, sceneHost } from "../arbitrary/scene.ts";
import { ruleSetScenes } from "../kernel-laws/rule-set-scenes.ts";
import { placeOf } from "../network/support.ts";
import { type LawCounts, noCounts } from "./class-law.ts";
import { movesFault } from "./host-law.ts";
import { networkFault } from "./network-law.ts";

const GOLDEN = fileURLToPath(new URL("../../../golden/scenarios", import.meta.url));
const PACKETS = 10;
const SCENES = 20;
const SHOWN = 20;

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "5" }, seed: { type: "string", default: "1" } },
});
const reasons: string[] = [];
let failures = 0;

function report(what: string, fault: string | undefined): void {
  if (fault === undefined) return;
  failures++;
  console.log(`${what}: ${fault.split("\n")[0]}`);
}

function networks(seed: string, counts: LawCounts): void {
  const names = readdirSync(GOLDEN, { withFileTypes: true }).filter((each) => each.isDirectory());
  const folders = ["examples/shop", ...names.map(({ name }) => join("golden/scenarios", name))];
  for (const folder of folders) {
    if (folder.endsWith("source-range-with-host-bits")) continue;
    const random = seededRandom(`${seed} ${folder}`);
    const place = placeOf(folder, [], { outsideRoutesPods: random.chance(0.5) });
    report(folder, networkFault(random, place, PACKETS, random.chance(0.5), counts, reasons));
  }
}

function hosts(seed: string, counts: LawCounts): void {
  for (const { name, host, moves } of ruleSetScenes(seed, PACKETS))
    for (const history of [false, true]) report(name, movesFault(seed, host, moves, history, counts, reasons));
}

function anyRules(seed: string, counts: LawCounts): void {
  for (let i = 0; i < SCENES; i++) {
    const name = `${seed} ${i}`;
    const scene = drawScene(name, { circles: false, uncertain: 1, moves: PACKETS, odd: 0.2, damaged: 0.1 });
    report(`scene ${name}`, movesFault(name, sceneHost(scene), scene.moves, i % 2 === 0, counts, reasons));
  }
}

const kinds = { networks, "rule sets": hosts, "any rules": anyRules };
for (const [kind, run] of Object.entries(kinds)) {
  const counts = noCounts();
  for (let round = 0; round < Number(values.rounds); round++) run(`${values.seed}/${round}`, counts);
  const { classes, exact, members, outside } = counts;
  console.log(`${kind}: ${classes} classes, ${exact} of them exact, ${members} members, ${outside} outside`);
}
const tally = new Map<string, number>();
for (const reason of reasons) {
  const key = reason.replace(/rule \d+ of \S+ in \S+/, "a rule").replace(/\d+/g, "N");
  tally.set(key, (tally.get(key) ?? 0) + 1);
}
for (const [reason, count] of [...tally].sort(([, a], [, b]) => b - a).slice(0, SHOWN))
  console.log(`${count} × ${reason}`);
console.log(failures === 0 ? "all classes hold" : `${failures} failed`);
process.exitCode = failures === 0 ? 0 : 1;
