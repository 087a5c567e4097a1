import { type Measurement, type Results, relativeRuns } from "./results.ts";
import { compareRuns, type Verdict } from "./verdict.ts";

/** One measurement against its counterpart. */
export interface Compared extends Verdict {
  readonly id: string;
  /** Samples before and now. */
  readonly counts: readonly [before: number, now: number];
}

export interface Comparison {
  readonly compared: readonly Compared[];
  /** Measured only then, or only now. */
  readonly onlyBefore: readonly string[];
  readonly onlyNow: readonly string[];
}

const countOf = ({ runs }: Measurement): number => runs.reduce((sum, { samples }) => sum + samples.length, 0);

/** Compares two runs of the bench, times as multiples of the probe, so that runs on different machines can be compared. */
export function compareResults(before: Results, now: Results): Comparison {
  const old = new Map(before.measurements.map((each) => [each.id, each]));
  const ids = new Set(now.measurements.map(({ id }) => id));
  const compared = now.measurements.flatMap((each) => {
    const counterpart = old.get(each.id);
    if (counterpart === undefined) return [];
    const verdict = compareRuns(relativeRuns(counterpart), relativeRuns(each));
    return [{ id: each.id, ...verdict, counts: [countOf(counterpart), countOf(each)] as const }];
  });
  return {
    compared,
    onlyBefore: [...old.keys()].filter((id) => !ids.has(id)),
    onlyNow: [...ids].filter((id) => !old.has(id)),
  };
}
