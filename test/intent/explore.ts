import { seededRandom } from "../../src/net/random.ts";
import { sampleCluster } from "../../src/sample/cluster.ts";
import { journeyText } from "../network/support.ts";
import { drawCall, type Fault, faultsOf, faultText, type LawCounts, sourcesOf, targetsOf } from "./journey-law.ts";
import { type Mode, placeOf, settingOf, VALID } from "./place.ts";

const [, , mode = "iptables", from = "0", to = "50", calls = "60", only = ""] = process.argv;
const counts: LawCounts = { outcomes: new Map(), unknown: 0, branches: 0 };
const kinds = new Map<string, { n: number; first: string }>();
for (let seed = Number(from); seed < Number(to); seed++) {
  const sample = sampleCluster(seed, { weights: VALID });
  const place = placeOf(settingOf(sample), mode as Mode);
  if (place === undefined) continue;
  const random = seededRandom(`law ${seed}`);
  const targets = targetsOf(place);
  const sources = sourcesOf(place);
  if (targets.length === 0) continue;
  for (let i = 0; i < Number(calls); i++) {
    const call = drawCall(random, place, targets, sources);
    if (call === undefined) continue;
    for (const fault of faultsOf(place, call, counts)) {
      const f: Fault = fault;
      const end = f.branch.journey.there.end.kind;
      const key = `${f.breaches.join("+")} | ${f.call.asked.from} | ${f.promise.outcome.kind} | ${end} | ${f.promise.clauses.map(({ field }) => field).join(" ")}`;
      const known = kinds.get(key);
      if (known === undefined)
        kinds.set(key, {
          n: 1,
          first: `seed ${seed}: ${faultText(f)}${process.env.LEGS ? `\n     ${JSON.stringify(sample.config)}\n     ${journeyText(f.branch.journey)} ${JSON.stringify("cause" in f.branch.journey.there.end ? f.branch.journey.there.end.cause : "")}` : ""}`,
        });
      else known.n++;
    }
  }
}
console.log(
  JSON.stringify({ outcomes: Object.fromEntries(counts.outcomes), unknown: counts.unknown, branches: counts.branches }),
);
for (const [key, { n, first }] of [...kinds].sort((a, b) => b[1].n - a[1].n))
  if (key.includes(only)) console.log(`${n} ${key}\n     ${first}`);
