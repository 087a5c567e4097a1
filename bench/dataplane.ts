/**
 * `node dataplane.js SERVICES RUNS RULES [IPVSADM IPSET]`: loads what iptables-save printed, in ipvs mode also `ipvsadm -Sn` and
 * `ipset save`, and traces packets; times go to stdout as JSON.
 */
import { readFileSync } from "node:fs";
import { timeRuns } from "../src/cli/stage-times.ts";
import type { Host } from "../src/kernel/host.ts";
import { flowPacket, loadNode, type NodeTexts, Tracer } from "./node.ts";
import type { DataplaneTimes } from "./results.ts";

const [services = "1", runs = "3", ...files] = process.argv.slice(2);
const count = Number(services);
const [rules = "", ipvsadm, ipset] = files.map((file) => readFileSync(file, "utf8"));
const texts: NodeTexts = { rules, ...(ipvsadm === undefined || ipset === undefined ? {} : { ipvsadm, ipset }) };
const lines = Object.values(texts).reduce((sum, text: string) => sum + text.split("\n").length - 1, 0);
/** In ipvs mode there is nothing to walk rule by rule. */
const mode: "iptables" | "ipvs" = texts.ipvsadm === undefined ? "iptables" : "ipvs";
const now = (): number => performance.now();

/** New flows a sample, indexed; rule by rule a packet may take as long as there are Services. */
const FLOWS = 2000;
const LINEAR_FLOWS: number = Math.max(20, Math.min(FLOWS, Math.floor(600_000 / count)));
const repeats = { runs: Number(runs) + 1, enoughMs: 400, mostRuns: 400 };

let host: Host | undefined;
const load = timeRuns(
  () => {
    host = undefined;
    host = loadNode(texts);
  },
  { runs: Number(runs), enoughMs: 400, mostRuns: 100 },
  now,
);
if (host === undefined) throw new Error("no host");
const node = host;

/** Milliseconds of each sample; only what `measured` does counts. The first one warms the code up and is left out. */
function sample<T>(prepare: () => T, measured: (prepared: T) => number): readonly number[] {
  const samples: number[] = [];
  for (
    let spent = 0;
    samples.length < repeats.runs || (spent < repeats.enoughMs && samples.length < repeats.mostRuns);
  ) {
    const prepared = prepare();
    const start = now();
    if (measured(prepared) === 0) throw new Error("no events");
    const took = now() - start;
    samples.push(took);
    spent += took;
  }
  return samples.slice(1);
}

let flow = 0;
const newFlows = (many: number, among: number) => Array.from({ length: many }, () => flowPacket(flow++, among));

const cold = (many: number, among: number, indexed: boolean): readonly number[] =>
  sample(
    () => ({ tracer: new Tracer(node, indexed), packets: newFlows(many, among) }),
    ({ tracer, packets }) => tracer.trace(packets),
  );

const warm = sample(
  () => {
    const tracer = new Tracer(node, true);
    const packets = newFlows(FLOWS, count);
    tracer.trace(packets);
    return { tracer, packets };
  },
  ({ tracer, packets }) => tracer.trace(packets),
);

/** To so few Services that their rules stay in the processor's cache. */
const FEW = 20;

const packets = (many: number) => ({ count: many, of: "packet" });
const times: readonly DataplaneTimes[] = [
  { stage: "load", work: { count: lines, of: "line" }, samples: load },
  { stage: "cold trace", work: packets(FLOWS), samples: cold(FLOWS, count, true) },
  { stage: "cold trace, few Services", work: packets(FLOWS), samples: cold(FLOWS, Math.min(count, FEW), true) },
  ...(mode === "ipvs"
    ? []
    : [{ stage: "cold trace, linear", work: packets(LINEAR_FLOWS), samples: cold(LINEAR_FLOWS, count, false) }]),
  { stage: "warm trace", work: packets(FLOWS), samples: warm },
];
const named = mode === "ipvs" ? times.map((each) => ({ ...each, stage: `ipvs: ${each.stage}` })) : times;
process.stdout.write(JSON.stringify(named));
