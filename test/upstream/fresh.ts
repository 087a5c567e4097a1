import { sampleCluster } from "../../src/sample/cluster.ts";
import { compareSample } from "./compare-sample.ts";
import { buildOracle, Oracle } from "./oracle.ts";
const oracle = new Oracle(buildOracle(console.log));
const n = Number(process.argv[2] ?? 50);
let bad = 0, refused = 0, more = 0;
const kinds = new Map<string, number>();
const t = performance.now();
for (let i = 0; i < n; i++) {
  const sample = sampleCluster(`x/${i}`);
  let result = compareSample(sample, await oracle.ask(sample));
  if (result.differences.length > 0) {
    more++;
    result = compareSample(sample, await oracle.ask(sample, 12));
  }
  if (result.refused) refused++;
  for (const kind of result.kinds) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  if (result.differences.length > 0 && bad++ < 8) console.log(i, result.differences.join("\n").slice(0, 1500));
}
oracle.close();
console.log({ n, bad, refused, more, ms: performance.now() - t });
console.log([...kinds].sort((a, b) => a[1] - b[1]).map(([k, c]) => `${k} ${c}`).join("\n"));
