import { compileIptables, compileIptablesText } from "../src/compile/iptables/compile.ts";
import { proxyState } from "../src/proxy/state.ts";
import { formatScript } from "../src/rules/iptables/format.ts";
import { cluster, options, sha256 } from "./cluster.ts";
import { measure, peakMegabytes, table } from "./measure.ts";

const SERVICES = 10_000;
const ENDPOINTS = 10;

const subject = cluster(SERVICES, ENDPOINTS);
const state = proxyState(subject, options);

/** What the compiler hashes and writes, for a probe that does only that. */
const hashed: string[] = [];
const text = compileIptablesText(state, {
  sha256: (input) => {
    hashed.push(input);
    return sha256(input);
  },
});
const lines = text.split("\n");

/** The floor: hash the same names and join the same lines, with no thought about either. */
function probe(): number {
  let kept = 0;
  for (const input of hashed) kept ^= sha256(input).length;
  return lines.join("\n").length + kept;
}

const found = measure({
  "probe: hash the names, join the lines": probe,
  "decide and compile to restore text": () => compileIptablesText(proxyState(subject, options), { sha256 }),
  "decide only": () => proxyState(subject, options).ports.length,
  "compile to restore text only": () => compileIptablesText(state, { sha256 }),
});
const peak = peakMegabytes();
const tree = measure({
  "compile to a tree with origins": () => compileIptables(state, { sha256 }),
  "compile to a tree, then write it": () => formatScript(compileIptables(state, { sha256 }).restore),
});

const title = `compile ${SERVICES} Services × ${ENDPOINTS} endpoints: ${lines.length} lines, ${text.length} bytes`;
console.log(table(title, [...found, ...tree]));
console.log(`  peak memory with the text: ${peak} MB; with the tree: ${peakMegabytes()} MB\n`);
