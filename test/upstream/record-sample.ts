/**
 * Records what the real kube-proxy answers to sampled clusters, for the tests that run without it:
 * `node dist/test/upstream/record-sample.js`. Of many clusters those are kept that show the most pairs of features.
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { type SampleCluster, sampleCluster } from "../../src/sample/cluster.ts";
import { featureUnits } from "../../src/sample/features.ts";
import type { WeightChanges } from "../../src/sample/weights.ts";
import { canonical } from "./canonical.ts";
import { MINOR } from "./compare-sample.ts";
import { buildOracle, Oracle, type OracleAnswer } from "./oracle.ts";
import { FeatureCoverage } from "./pairs.ts";
import type { Recorded, RecordedStep } from "./records.ts";

const file = new URL(`../../../test/upstream/records/v1.${MINOR}-iptables-sample.ndjson.gz`, import.meta.url);
const CANDIDATES = 300;
const KEPT = 60;
const RUNS = 13;
/** Large clusters are left to conformance: each is a megabyte. */
const weights: WeightChanges = { "cluster.endpoints": { large: 0 } };

/** Candidates in the order in which each adds the most pairs; those that nothing is left for come last. */
function mostTelling(samples: readonly SampleCluster[]): readonly SampleCluster[] {
  const coverage = new FeatureCoverage();
  const left = new Set(samples);
  const kept: SampleCluster[] = [];
  while (kept.length < KEPT && left.size > 0) {
    const gains = [...left].map((sample) => ({ sample, gain: coverage.gain(featureUnits(sample)) }));
    const best = gains.reduce((a, b) => (b.gain > a.gain ? b : a)).sample;
    coverage.add(featureUnits(best));
    left.delete(best);
    kept.push(best);
  }
  return kept;
}

type Run = NonNullable<OracleAnswer["runs"]>[number];

function step(run: Run): RecordedStep {
  return Object.fromEntries(
    Object.entries(run).map(([family, { restore, commands, healthCheck }]) => [
      family,
      { commands: commands ?? [], restoreCanonical: canonical(restore ?? ""), healthCheck: healthCheck ?? {} },
    ]),
  );
}

function recordOf(name: string, { objects, config, host, nodeName }: SampleCluster, runs: readonly Run[]): Recorded {
  const steps = [...new Map(runs.map((run) => [JSON.stringify(step(run)), step(run)])).values()];
  const [first = {}, ...others] = steps;
  const interfaces = (host.interfaces ?? []).map((device) => ({
    name: device.name ?? "",
    addrs: device.addresses ?? [],
  }));
  return {
    name,
    minor: MINOR,
    request: {
      mode: "iptables",
      config: config as Recorded["request"]["config"],
      node: { name: nodeName, ips: [], interfaces, podCIDRs: [] },
      host: { nfacct: host.nfacct ?? false, conntrackTCPLiberal: host.conntrackTCPLiberal ?? false },
      steps: [objects],
    },
    answer: { steps: [first] },
    ...(others.length > 0 ? { alternatives: others.map((other) => ({ "0": other })) } : {}),
  };
}

const oracle = new Oracle(buildOracle(console.error));
const candidates: { readonly name: string; readonly sample: SampleCluster; readonly runs: readonly Run[] }[] = [];
for (let i = 0; i < CANDIDATES; i++) {
  const sample = sampleCluster(`recorded/${i}`, { weights });
  const { runs, failed } = await oracle.ask(sample, RUNS);
  if (failed !== undefined) throw new Error(failed);
  if (runs !== undefined) candidates.push({ name: `sample-${i}`, sample, runs });
}
oracle.close();
const kept = mostTelling(candidates.map(({ sample }) => sample));
const records = candidates
  .filter(({ sample }) => kept.includes(sample))
  .map(({ name, sample, runs }) => recordOf(name, sample, runs));
writeFileSync(file, gzipSync(records.map((record) => `${JSON.stringify(record)}\n`).join(""), { level: 9 }));
console.log(`${records.length} records in ${fileURLToPath(file)}`);
