import { type Random, seededRandom } from "../../src/net/random.ts";
import { cellClusters, goldenClusters, sampledClusters } from "./compiled-clusters.ts";
import { type ClusterGiven, type CompiledNode, compiledNode } from "./compiled-node.ts";
import { type FreshNode, freshNode, kubeNode } from "./fresh-node.ts";
import type { Met } from "./plan.ts";
import { readRecordings } from "./recordings.ts";
import type { Tally } from "./tally.ts";
import { certainSchedulers } from "./test-node.ts";

/** A node to be played. */
export interface Job {
  readonly name: string;
  readonly random: Random;
  /** How many packets more than usual it gets. */
  readonly share: number;
  /** Cells that need no more packets. */
  readonly met?: Met;
  /** Made when its turn comes. */
  readonly make: () => JobNode;
}

/** A node of our own making, or one that was compiled. */
export type JobNode =
  | { readonly kind: "made up"; readonly node: FreshNode }
  | { readonly kind: "compiled"; readonly node: CompiledNode };

const MADE_UP = 80;
const SAMPLED = 40;

/** The nodes of a cluster. */
const compiledJobs = (given: ClusterGiven, seed: string, share = 1): readonly Job[] =>
  given.nodes.map((node) => {
    const name = `${given.name} ${node} 1.${given.minor} ${given.config.ipvs?.scheduler}`;
    return {
      name,
      make: () => ({ kind: "compiled", node: compiledNode(given, node) }),
      random: seededRandom(`${seed}/${name}`),
      share,
    };
  });

/** A node of our own making, or a recorded one of kube-proxy's, with three schedulers from the `n`-th on. */
function madeUp(seed: string, n: number, scheduler?: string): Job {
  const kube = readKube();
  const random = seededRandom(`${seed}/node ${n}`);
  const first = (n * 3) % certainSchedulers.length;
  const others = [0, 1, 2].map((i) => certainSchedulers[(first + i) % certainSchedulers.length] as string);
  const given = scheduler === undefined ? others : [scheduler, scheduler, scheduler];
  const own = freshNode(n % 4 === 3 ? "IPv6" : "IPv4", given, random.fork("node"));
  const node = n % 5 === 4 && scheduler === undefined ? kubeNode(kube, given[0] as string) : own;
  return {
    name: `${n} ${node.name}`,
    make: () => ({ kind: "made up", node }),
    random: random.fork("packets"),
    share: 1,
  };
}

let kubeWords: Parameters<typeof kubeNode>[0] | undefined;
function readKube(): NonNullable<typeof kubeWords> {
  kubeWords ??= readRecordings().find(({ setup }) => setup === "kube")?.case ?? {};
  return kubeWords;
}

/** All nodes, mixed so that a beginning of the list has some of every kind. */
export function jobs(seed: string): readonly Job[] {
  const parts = [
    Array.from({ length: MADE_UP }, (_, n) => madeUp(seed, n)),
    cellClusters().flatMap((given) => compiledJobs(given, seed, 2)),
    goldenClusters().flatMap((given) => compiledJobs(given, seed)),
    sampledClusters(seed, SAMPLED).flatMap((given) => compiledJobs(given, seed)),
  ];
  return parts
    .flatMap((part) => part.map((job, i) => ({ job, at: (i + 0.5) / part.length })))
    .sort((a, b) => a.at - b.at)
    .map(({ job }) => job);
}

/** Nodes for cells with fewer than `least` packets, and so many more. */
export function topUps(seed: string, { cells }: Tally, least: number, more: number): readonly Job[] {
  const schedulersOf = (keys: readonly string[]): ReadonlySet<string> =>
    new Set(keys.map((key) => key.split(" ")[2] ?? "").map((name) => (name === "-" ? "rr" : name)));
  const wanted = schedulersOf(cells["made up"].below(least));
  const compiled = schedulersOf(cells.compiled.below(least));
  return [
    ...[...wanted].map((scheduler, i) => ({ ...madeUp(`${seed}/more`, i, scheduler), met: cells["made up"].met })),
    ...cellClusters()
      .filter(({ config }) => compiled.has(config.ipvs?.scheduler ?? ""))
      .flatMap((given) => compiledJobs(given, seed, 2).slice(0, 1))
      .map((job) => ({ ...job, met: cells.compiled.met })),
    ...Array.from({ length: more }, (_, n) => madeUp(`${seed}/further`, n)),
  ];
}
