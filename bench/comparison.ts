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
  /** Measured only then, or only now, or with another amount of work. */
  readonly onlyBefore: readonly string[];
  readonly onlyNow: readonly string[];
}

const countOf = ({ runs }: Measurement): number => runs.reduce((sum, { samples }) => sum + samples.length, 0);

/** A case that was given more work since is another case. */
const keyOf = ({ id, unit, work }: Measurement): string => `${id} ${work.count} ${work.of} ${unit}`;

/** Compares two runs of the bench, times as multiples of the probe, so that runs on different machines can be compared. */
export function compareResults(before: Results, now: Results): Comparison {
  const old = new Map(before.measurements.map((each) => [keyOf(each), each]));
  const keys = new Map(now.measurements.map((each) => [keyOf(each), each]));
  const compared = now.measurements.flatMap((each) => {
    const counterpart = old.get(keyOf(each));
    if (counterpart === undefined) return [];
    const verdict = compareRuns(relativeRuns(counterpart), relativeRuns(each));
    return [{ id: each.id, ...verdict, counts: [countOf(counterpart), countOf(each)] as const }];
  });
  return {
    compared,
    onlyBefore: [...old].flatMap(([key, { id }]) => (keys.has(key) ? [] : [id])),
    onlyNow: [...keys].flatMap(([key, { id }]) => (old.has(key) ? [] : [id])),
  };
}
