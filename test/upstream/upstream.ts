/**
 * Compares our compiler with the real kube-proxy on fresh clusters: `npm run conformance:upstream -- [--mode iptables|ipvs]
 * [--clusters N] [--seed S] [--out DIR] [--self-test] [--golden]`; with `--golden` on the golden scenarios. The self-test makes the compiler wrong on purpose, one fault after the other,
 * and wants to see each of them noticed and shown by at most two Services. Exits with 1 when anything differs, and with 2 when it cannot be asked.
 */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type RuleKind, ruleKinds } from "../../src/compile/iptables/provenance.ts";
import { ipvsItemKinds, ipvsRuleKinds } from "../../src/compile/ipvs/provenance.ts";
import { type SampleCluster, sampleCluster } from "../../src/sample/cluster.ts";
import { featureUnits } from "../../src/sample/features.ts";
import { compareGoldens } from "./compare-golden.ts";
import { compareIPVSSample, ipvsSample, ipvsSettings } from "./compare-ipvs-sample.ts";
import { compareSample, type SampleComparison } from "./compare-sample.ts";
import { type Fault, faults, faultyAnswer, faultyIPVSAnswer, ipvsFaults } from "./faults.ts";
import { buildOracle, MissingTool, Oracle, type OracleAnswer } from "./oracle.ts";
import { FeatureCoverage } from "./pairs.ts";
import { writeScenario } from "./scenario.ts";
import { shrink } from "./shrink.ts";

/** How often kube-proxy is started again where the order of its maps may have made the difference. */
const MORE_RUNS = 12;
/** Questions asked ahead, so that both programs work at the same time. */
const AHEAD = 4;
/** Mismatches that are shrunk and shown. */
const SHOWN = 5;
const MISSING_SHOWN = 20;

/** Kinds that only the releases before 1.25 write (compile/iptables/classic.ts). */
const CLASSIC: ReadonlySet<RuleKind> = new Set([
  "external-ip-masquerade",
  "node-port-masquerade",
  "node-port-loopback-masquerade",
  "no-local-endpoint-drop",
  "firewall-open",
  "firewall-masquerade",
  "firewall-drop",
]);

type Compare = (sample: SampleCluster, theirs: OracleAnswer) => SampleComparison;

/** What is asked and compared in a proxy mode. */
interface Mode {
  /** As the program around kube-proxy knows it. */
  readonly asked: string;
  readonly sample: (seed: string) => SampleCluster;
  readonly compare: Compare;
  /** Kinds of what is written, as the coverage table lists them. */
  readonly kinds: readonly string[];
  /** Settings of the mode that a cluster gives, beside the generator's own features. */
  readonly settings: (sample: SampleCluster) => readonly string[];
  readonly faults: readonly Fault[];
  readonly faulty: (fault: Fault) => Promise<{ readonly compare: Compare; readonly remove: () => void }>;
}

const iptablesMode: Mode = {
  asked: "",
  sample: (seed) => sampleCluster(seed),
  compare: compareSample,
  kinds: (Object.keys(ruleKinds) as RuleKind[]).filter((kind) => !CLASSIC.has(kind)),
  settings: () => [],
  faults,
  faulty: async (fault) => {
    const { answer, remove } = await faultyAnswer(fault);
    return { compare: (sample, theirs) => compareSample(sample, theirs, answer), remove };
  },
};

const ipvsMode: Mode = {
  asked: "ipvs",
  sample: ipvsSample,
  compare: compareIPVSSample,
  kinds: [...Object.keys(ipvsRuleKinds), ...Object.keys(ipvsItemKinds)],
  settings: ({ config }) =>
    ipvsSettings.map((name) => `ipvs.${name}=${JSON.stringify(config.ipvs?.[name]) ?? "absent"}`),
  faults: ipvsFaults,
  faulty: async (fault) => {
    const { answer, remove } = await faultyIPVSAnswer(fault);
    return { compare: (sample, theirs) => compareIPVSSample(sample, theirs, answer), remove };
  },
};

const modes: ReadonlyMap<string, Mode> = new Map([
  ["iptables", iptablesMode],
  ["ipvs", ipvsMode],
]);

/** Compares a sample, asking again where kube-proxy may be of several minds. */
async function compareFresh(
  oracle: Oracle,
  sample: SampleCluster,
  mode: Mode,
  compare = mode.compare,
): Promise<SampleComparison> {
  const first = compare(sample, await oracle.ask(sample, 1, mode.asked));
  if (first.differences.length === 0) return first;
  return compare(sample, await oracle.ask(sample, MORE_RUNS, mode.asked));
}

/** What kind of difference it is: the shrunk example must show the same. */
const kindOf = (differences: readonly string[]): string => (differences[0] ?? "").split("\n")[0]?.slice(0, 24) ?? "";

async function showMismatch(
  oracle: Oracle,
  mode: Mode,
  { seed, sample }: { readonly seed: string; readonly sample: SampleCluster },
  folder: string,
): Promise<void> {
  const kind = kindOf((await compareFresh(oracle, sample, mode)).differences);
  const smallest = await shrink(sample, async (smaller) => {
    const { differences } = await compareFresh(oracle, smaller, mode);
    return differences.length > 0 && kindOf(differences) === kind;
  });
  const { differences } = await compareFresh(oracle, smallest, mode);
  console.log(`seed ${seed} differs (- kube-proxy, + ours); the smallest cluster that does:`);
  console.log(writeScenario(folder, smallest, `found by npm run conformance:upstream with seed ${seed}`));
  console.log(differences.join("\n"));
}

interface Tally {
  readonly mode: Mode;
  readonly kinds: Map<string, number>;
  readonly settings: Map<string, number>;
  readonly features: FeatureCoverage;
  passed: number;
  refused: number;
  again: number;
}

function coverageTable({ mode, kinds, settings, features }: Tally): string {
  const { possible, missing, unknown } = features.result();
  const counted = (count: number | undefined, name: string): string => `  ${String(count ?? 0).padStart(8)}  ${name}`;
  const lines = [
    "compared, by kind:",
    ...mode.kinds.map((kind) => counted(kinds.get(kind), kind)),
    ...(settings.size === 0 ? [] : ["clusters by setting of the mode:"]),
    ...[...settings].sort().map(([name, count]) => counted(count, name)),
    "clusters by feature:",
    features.table(),
    `pairs of features: ${possible - missing.length} of ${possible} possible ones came up`,
  ];
  if (missing.length > 0) {
    const more = missing.length > MISSING_SHOWN ? [`  … and ${missing.length - MISSING_SHOWN} more`] : [];
    lines.push("pairs that did not come up:", ...missing.slice(0, MISSING_SHOWN).map((pair) => `  ${pair}`), ...more);
  }
  if (unknown.length > 0) lines.push(`features that no choice has: ${unknown.join(", ")}`);
  return lines.join("\n");
}

/** The clusters of a run with the answers asked ahead, in order. */
async function* asked(oracle: Oracle, mode: Mode, seed: string, clusters: number) {
  const ahead: { readonly seed: string; readonly sample: SampleCluster; readonly answer: ReturnType<Oracle["ask"]> }[] =
    [];
  for (let i = 0; i < clusters || ahead.length > 0; ) {
    while (i < clusters && ahead.length < AHEAD) {
      const sample = mode.sample(`${seed}/${i}`);
      ahead.push({ seed: `${seed}/${i}`, sample, answer: oracle.ask(sample, 1, mode.asked) });
      i++;
    }
    const next = ahead.shift();
    if (next !== undefined) yield { ...next, answer: await next.answer };
  }
}

const addTo = (counts: Map<string, number>, name: string): void => {
  counts.set(name, (counts.get(name) ?? 0) + 1);
};

async function run(oracle: Oracle, mode: Mode, seed: string, clusters: number, out: string): Promise<number> {
  const tally: Tally = {
    mode,
    kinds: new Map(),
    settings: new Map(),
    features: new FeatureCoverage(),
    passed: 0,
    refused: 0,
    again: 0,
  };
  const failed: { readonly seed: string; readonly sample: SampleCluster }[] = [];
  for await (const { seed: own, sample, answer } of asked(oracle, mode, seed, clusters)) {
    let result = mode.compare(sample, answer);
    if (result.differences.length > 0) {
      tally.again++;
      result = await compareFresh(oracle, sample, mode);
    }
    if (result.differences.length > 0) failed.push({ seed: own, sample });
    else tally.passed++;
    if (result.refused) tally.refused++;
    else tally.features.add(featureUnits(sample));
    // what kube-proxy hooks in by single commands is compared with every cluster
    for (const kind of result.refused ? [] : ["jump", ...result.kinds]) addTo(tally.kinds, kind);
    for (const setting of mode.settings(sample)) addTo(tally.settings, setting);
  }
  console.log(coverageTable(tally));
  for (const [i, mismatch] of failed.slice(0, SHOWN).entries()) {
    await showMismatch(oracle, mode, mismatch, join(out, `mismatch-${i + 1}`));
  }
  if (failed.length > SHOWN)
    console.log(
      `further seeds that differ: ${failed
        .slice(SHOWN)
        .map((f) => f.seed)
        .join(" ")}`,
    );
  console.log(
    `seed ${seed}: ${tally.refused} configurations refused by both, ${tally.again} clusters asked ${MORE_RUNS} times more`,
  );
  console.log(`${tally.passed} passed, ${failed.length} failed`);
  return failed.length === 0 && tally.passed > 0 ? 0 : 1;
}

/** Looks for a fresh cluster that shows the fault and cuts it down; gives a line to print and whether all is well. */
async function seeFault(
  oracle: Oracle,
  mode: Mode,
  fault: Fault,
  seed: string,
  clusters: number,
): Promise<readonly [boolean, string]> {
  const { compare, remove } = await mode.faulty(fault);
  try {
    for (let i = 0; i < clusters; i++) {
      const sample = mode.sample(`${seed}/${i}`);
      if ((await compareFresh(oracle, sample, mode, compare)).differences.length === 0) continue;
      const smallest = await shrink(sample, async (smaller) => {
        const { differences } = await compareFresh(oracle, smaller, mode, compare);
        return differences.length > 0 && (await compareFresh(oracle, smaller, mode)).differences.length === 0;
      });
      const services = smallest.objects.filter(({ kind }) => kind === "Service").length;
      return [services <= 2, `noticed in cluster ${i}, shown by ${services} Services: ${fault.name} (${fault.file})`];
    }
    return [false, `not noticed in ${clusters} clusters: ${fault.name} (${fault.file})`];
  } finally {
    remove();
  }
}

async function selfTest(oracle: Oracle, mode: Mode, seed: string, clusters: number): Promise<number> {
  let failed = 0;
  for (const fault of mode.faults) {
    const [passed, line] = await seeFault(oracle, mode, fault, seed, clusters);
    console.log(line);
    if (!passed) failed++;
  }
  console.log(`${mode.faults.length - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      mode: { type: "string", default: "iptables" },
      clusters: { type: "string", default: "200" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      out: { type: "string" },
      "self-test": { type: "boolean", default: false },
      golden: { type: "boolean", default: false },
    },
  });
  const clusters = Number(values.clusters);
  if (!Number.isInteger(clusters) || clusters < 1) {
    console.error(`--clusters takes a positive number, not ${values.clusters}`);
    return 2;
  }
  const mode = modes.get(values.mode);
  if (mode === undefined) {
    console.error(`--mode takes ${[...modes.keys()].join(" or ")}, not ${values.mode}`);
    return 2;
  }
  const oracle = new Oracle(buildOracle(console.error));
  try {
    if (values.golden) {
      const { passed, failed } = await compareGoldens(oracle, mode === ipvsMode ? "ipvs" : "iptables");
      console.log(`${passed} passed, ${failed} failed`);
      return failed === 0 && passed > 0 ? 0 : 1;
    }
    if (values["self-test"]) return await selfTest(oracle, mode, values.seed, clusters);
    return await run(oracle, mode, values.seed, clusters, values.out ?? mkdtempSync(join(tmpdir(), "rulewalk-")));
  } finally {
    oracle.close();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = error instanceof MissingTool || (error as { code?: string }).code?.startsWith("ERR_PARSE") ? 2 : 1;
}
