import type { SampleCluster } from "../../src/sample/cluster.ts";
import { canonical } from "./canonical.ts";
import { differences, families } from "./compare.ts";
import { answerTo, type OurAnswer, refusals } from "./feed.ts";
import type { OracleAnswer } from "./oracle.ts";

/** The release that the program around kube-proxy is built from. */
export const MINOR = 37;

/** How a cluster came out. */
export interface SampleComparison {
  /** kube-proxy's configuration was refused by both. */
  readonly refused: boolean;
  /** Every difference; empty when the answers are equal. */
  readonly differences: readonly string[];
  /** Kinds of the rules that were written. */
  readonly kinds: readonly string[];
}

/** Gives our answer for a family; a test hands in one that is wrong on purpose. */
export type Answer = typeof answerTo;

function answers(sample: SampleCluster, answer: Answer): ReadonlyMap<string, OurAnswer> {
  const question = { ...sample, minor: MINOR };
  return new Map(families.map(([family, key]) => [key, answer(question, family)]));
}

/** What of our answers differs from every run of kube-proxy; a family's restore text and health check go together. */
function differencesOfRuns(ours: ReadonlyMap<string, OurAnswer>, runs: OracleAnswer["runs"]): readonly string[] {
  if (runs === undefined || runs.length === 0) return ["kube-proxy gave no answer"];
  return families.flatMap(([family, key]) => {
    const own = ours.get(key) as OurAnswer;
    const found = runs.map((run) => {
      const theirs = run[key];
      return theirs === undefined
        ? ["no answer"]
        : differences(own, [
            { ...theirs, restoreCanonical: theirs.restoreCanonical ?? canonical(theirs.restore ?? "") },
          ]);
    });
    if (found.some((list) => list.length === 0)) return [];
    return (found[0] ?? []).map((difference) => `${family}: ${difference}`);
  });
}

/** Compares our answer with kube-proxy's to the same cluster. */
export function compareSample(
  sample: SampleCluster,
  theirs: OracleAnswer,
  answer: Answer = answerTo,
): SampleComparison {
  const refused = refusals({ config: sample.config, minor: MINOR });
  if (theirs.failed !== undefined) {
    return { refused: false, kinds: [], differences: [`kube-proxy failed: ${theirs.failed}`] };
  }
  if ((theirs.refused !== undefined) !== refused.length > 0) {
    const difference = `refused by kube-proxy: ${theirs.refused ?? "no"}; by us: ${refused.join("; ") || "no"}`;
    return { refused: false, kinds: [], differences: [difference] };
  }
  if (theirs.refused !== undefined) return { refused: true, kinds: [], differences: [] };
  try {
    const ours = answers(sample, answer);
    return {
      refused: false,
      kinds: [...ours.values()].flatMap(({ kinds }) => kinds),
      differences: differencesOfRuns(ours, theirs.runs),
    };
  } catch (error) {
    return { refused: false, kinds: [], differences: [`we failed: ${(error as Error).message}`] };
  }
}
