import type { Cluster } from "../../src/cluster/cluster.ts";
import { intentOf } from "../../src/intent/intent.ts";
import { seededRandom } from "../../src/net/random.ts";
import { sampleCluster } from "../../src/sample/cluster.ts";
import { explanations } from "./deviations.ts";
import { drawCall, faultsOf, faultText, type LawCounts, sourcesOf, targetsOf } from "./journey-law.ts";
import { type Mode, type Place, placeOf, settingOf, weightsFor } from "./place.ts";

/** What a run of the law over sampled clusters found. */
export interface LawResult {
  readonly counts: LawCounts;
  /** How many ways each known deviation explains. */
  readonly deviations: ReadonlyMap<string, number>;
  /** Ways that are not as promised and that nothing explains, each with the seed of its cluster. */
  readonly unexplained: readonly string[];
}

export interface LawOptions {
  readonly mode: Mode;
  /** The release: 37 for v1.37, which it is unless given. */
  readonly minor?: number;
  readonly from: number;
  readonly to: number;
  /** Packets for each cluster. */
  readonly calls: number;
  /** Stops when so many ways are unexplained. */
  readonly enough?: number;
  /** A change of what the promises are read from; the network stays as it is. */
  readonly misread?: (cluster: Cluster) => Cluster;
  /** A change of the operator's choices, in the same way. */
  readonly misjudge?: (facts: Place["facts"]) => Place["facts"];
}

function misreadPlace(place: Place, { misread, misjudge }: LawOptions): Place {
  if (misread === undefined && misjudge === undefined) return place;
  const facts = misjudge?.(place.facts) ?? place.facts;
  return { ...place, intent: intentOf(misread?.(place.cluster) ?? place.cluster, facts) };
}

/** Sends random packets through the networks of sampled clusters, and holds what becomes of them against promises. */
export function runLaw(options: LawOptions): LawResult {
  const { mode, minor = 37, from, to, calls, enough = Number.POSITIVE_INFINITY } = options;
  const counts: LawCounts = { outcomes: new Map(), unknown: 0, branches: 0 };
  const deviations = new Map<string, number>();
  const unexplained: string[] = [];
  for (let seed = from; seed < to && unexplained.length < enough; seed++) {
    const built = placeOf(settingOf(sampleCluster(seed, { weights: weightsFor(minor) })), mode, minor);
    if (built === undefined) continue;
    const place = misreadPlace(built, options);
    const [targets, sources] = [targetsOf(place), sourcesOf(place)];
    if (targets.length === 0) continue;
    const random = seededRandom(`intent ${seed}`);
    for (let i = 0; i < calls; i++) {
      const call = drawCall(random, place, targets, sources);
      for (const fault of call === undefined ? [] : faultsOf(place, call, counts)) {
        const known = explanations(fault, place);
        for (const name of known) deviations.set(name, (deviations.get(name) ?? 0) + 1);
        if (known.length === 0) unexplained.push(`seed ${seed}: ${faultText(fault)}`);
      }
    }
  }
  return { counts, deviations, unexplained };
}
