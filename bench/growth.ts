import { compileIptablesText } from "../src/compile/iptables/compile.ts";
import { proxyState } from "../src/proxy/state.ts";
import { cluster, options, sha256 } from "./cluster.ts";
import { measure } from "./measure.ts";

const ENDPOINTS = 10;
// from 101 Services on there are more than 1000 endpoints, so that every size writes rules of the same kind
const SIZES = [101, 300, 1000, 3000, 10_000, 30_000];

console.log(`growth: decide and compile to restore text, ${ENDPOINTS} endpoints a Service`);
console.log(`  ${"Services".padStart(9)}${"ms".padStart(9)}${"µs a Service".padStart(15)}`);
const costs = SIZES.map((services) => {
  const subject = cluster(services, ENDPOINTS);
  const [figures] = measure({ [services]: () => compileIptablesText(proxyState(subject, options), { sha256 }) });
  const median = figures?.median ?? Number.NaN;
  const each = (1000 * median) / services;
  console.log(`  ${String(services).padStart(9)}${median.toFixed(1).padStart(9)}${each.toFixed(1).padStart(15)}`);
  return each;
});
const spread = Math.max(...costs) / Math.min(...costs);
console.log(`  largest cost a Service is ${spread.toFixed(2)}× the smallest\n`);
