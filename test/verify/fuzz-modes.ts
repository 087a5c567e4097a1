import { parseArgs } from "node:util";
import { compareModes } from "./modes-law.ts";

/** `npm run laws -- [--minutes M] [--from SEED] [--services N]`: iptables mode against ipvs mode over sampled clusters, packet class by packet class. */
const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
    from: { type: "string", default: "0" },
    services: { type: "string" },
  },
});
const end = performance.now() + Number(values.minutes) * 60_000;
const excused = new Map<string, number>();
let [clusters, classes, differing, findings] = [0, 0, 0, 0];
for (let seed = Number(values.from); performance.now() < end; seed++) {
  const found = compareModes(seed, values.services === undefined ? undefined : Number(values.services));
  if (found === undefined) continue;
  clusters++;
  classes += found.classes;
  differing += found.differing;
  for (const [id, count] of found.excused) excused.set(id, (excused.get(id) ?? 0) + count);
  for (const text of found.findings) if (findings++ < 40) console.log(text);
}
console.log(`${clusters} clusters, ${classes} classes, ${differing} treated differently`);
for (const [id, count] of [...excused].sort(([, a], [, b]) => b - a)) console.log(`  ${count} ${id}`);
console.log(`${clusters} passed, ${findings} failed`);
if (findings > 0) process.exitCode = 1;
