import { type BuildOptions, buildCluster } from "../cluster/build.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { type CompiledIptables, compileIptables, compileIptablesText } from "../compile/iptables/compile.ts";
import { compileIPVS } from "../compile/ipvs/compile.ts";
import { type Manifests, readManifests } from "../manifest/read-manifests.ts";
import type { SHA256Hex } from "../net/sha256.ts";
import { type ProxyState, type ProxyStateOptions, proxyState } from "../proxy/state.ts";
import { formatScript } from "../rules/iptables/format.ts";
import { parseScript } from "../rules/iptables/parse.ts";
import type { Script } from "../rules/iptables/syntax.ts";
import type { Report, Source } from "../text/diagnostic.ts";
import { commandLines, saveText } from "../view/iptables-text.ts";
import { ipvsNodeFiles } from "../view/ipvs-text.ts";

/** The stages of a compilation in their order, and what each makes of what. Ipvs mode comes before the trees of iptables mode crowd the memory. */
export const stages = {
  read: "text → objects, checked against their fields",
  check: "objects → cluster: defaults, the API server's checks, order",
  decide: "cluster → what kube-proxy decides for the node",
  ipvs: "decisions → all texts of ipvs mode, but for JSON and words",
  compile: "decisions → rules with their origins, as a tree",
  write: "tree → restore text",
  restore: "decisions → restore text at once, as `compile` does",
  parse: "restore text → tree",
} as const;

export type Stage = keyof typeof stages;

/** What is taken through the stages: texts, and the node for each family. */
export interface StageSubject {
  readonly sources: readonly Source[];
  readonly build: BuildOptions;
  readonly states: readonly ProxyStateOptions[];
  readonly sha256: SHA256Hex;
}

/** How often a stage is run: `runs` times, then on until `enoughMs` have been spent, at most `mostRuns` times. */
export interface Repeats {
  readonly runs: number;
  readonly enoughMs: number;
  readonly mostRuns: number;
}

/** Milliseconds of each run in order; the first one also pays for code that has not run before. */
export interface StageTimes {
  readonly stage: Stage;
  readonly samples: readonly number[];
}

/** How much there was, over all families. */
export interface StageSizes {
  readonly inputBytes: number;
  readonly services: number;
  readonly servicePorts: number;
  readonly endpoints: number;
  readonly rules: number;
  readonly chains: number;
  readonly restoreBytes: number;
}

export interface StageRun {
  readonly times: readonly StageTimes[];
  readonly sizes: StageSizes;
}

/** What each stage leaves for the next ones; only the last run's. */
interface Kept {
  manifests?: Manifests;
  cluster?: Cluster;
  decided: readonly ProxyState[];
  compiled: readonly CompiledIptables[];
  texts: readonly string[];
  parsed: readonly Script[];
  ipvsTexts: readonly string[];
}

/** Every text that the tools of a node in ipvs mode print or take, as `compile --mode ipvs --out` writes them. */
function ipvsTexts(states: readonly ProxyState[]): readonly string[] {
  const results = states.map((state) => ({ state, compiled: compileIPVS(state) }));
  return [
    ...results.flatMap(({ state, compiled }) => [
      commandLines(compiled.commands, state.family),
      formatScript(compiled.restore),
      saveText(state, compiled, "nft", silent),
    ]),
    ...ipvsNodeFiles(results, silent).map(([, text]) => text),
  ];
}

/** Findings were told when the objects were read for the command; a second time nobody wants them. */
const silent: Report = () => {};

function steps(subject: StageSubject, kept: Kept): Readonly<Record<Stage, () => void>> {
  const { sources, build, states, sha256 } = subject;
  return {
    read: () => {
      kept.manifests = readManifests(sources, { validate: build.validate }, silent);
    },
    check: () => {
      if (kept.manifests !== undefined) kept.cluster = buildCluster(kept.manifests, build, silent);
    },
    decide: () => {
      const { cluster } = kept;
      if (cluster !== undefined) kept.decided = states.map((options) => proxyState(cluster, options));
    },
    compile: () => {
      kept.compiled = kept.decided.map((state) => compileIptables(state, { sha256 }));
    },
    write: () => {
      kept.texts = kept.compiled.map(({ restore }) => formatScript(restore));
    },
    restore: () => {
      kept.texts = kept.decided.map((state) => compileIptablesText(state, { sha256 }));
    },
    parse: () => {
      kept.parsed = kept.texts.map((text) => parseScript(text));
    },
    ipvs: () => {
      kept.ipvsTexts = ipvsTexts(kept.decided);
    },
  };
}

const sum = <T>(list: readonly T[], of: (item: T) => number): number =>
  list.reduce((total, item) => total + of(item), 0);

function sizesOf({ sources }: StageSubject, { cluster, decided, compiled, texts }: Kept): StageSizes {
  const tables = compiled.flatMap((each) => each.tables);
  return {
    inputBytes: sum(sources, ({ text }) => text.length),
    services: cluster?.services.length ?? 0,
    servicePorts: sum(decided, ({ ports }) => ports.length),
    endpoints: sum(decided, ({ endpointCount }) => endpointCount),
    rules: sum(tables, ({ rules }) => rules.length),
    chains: sum(tables, ({ chains }) => chains.length),
    restoreBytes: sum(texts, ({ length }) => length),
  };
}

/** Runs `step` as often as `repeats` says and gives the milliseconds of each run. */
export function timeRuns(step: () => void, repeats: Repeats, now: () => number): readonly number[] {
  const samples: number[] = [];
  for (
    let spent = 0;
    samples.length < repeats.runs || (spent < repeats.enoughMs && samples.length < repeats.mostRuns);
  ) {
    const start = now();
    step();
    const took = now() - start;
    samples.push(took);
    spent += took;
  }
  return samples;
}

/**
 * Takes a subject through all stages, each run several times before the next begins. The sizes in bytes are those of
 * texts in UTF-16 units, which are bytes as long as the text is ASCII.
 */
export function timeStages(
  subject: StageSubject,
  repeats: Repeats,
  now: () => number = () => performance.now(),
): StageRun {
  const kept: Kept = { decided: [], compiled: [], texts: [], parsed: [], ipvsTexts: [] };
  const run = steps(subject, kept);
  const times = (Object.keys(stages) as Stage[]).map((stage) => ({
    stage,
    samples: timeRuns(run[stage], repeats, now),
  }));
  return { times, sizes: sizesOf(subject, kept) };
}
