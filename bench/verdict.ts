import { median } from "../src/cli/statistics.ts";

/** The samples of one case, a list for each process that ran it. */
export type Runs = readonly (readonly number[])[];

/** How two sets of samples compare; all figures are costs, so less is better. */
export interface Verdict {
  readonly verdict: "better" | "same" | "worse";
  /** Median now over median before. */
  readonly ratio: number;
  /** The ratio that noise explains: the verdict is `same` from 1 / bound to bound. */
  readonly bound: number;
  /** Share of pairs (a sample before, a sample now) in which now costs more, ties half: 0.5 when they are alike. */
  readonly superiority: number;
  /** Every process now lies on the same side of every process before, by their medians. */
  readonly apart: boolean;
}

/** A smaller change is never called one: code is laid out anew by any edit, which alone moves figures by some percent. */
const LEAST_BOUND = 1.05;
/** For cases with one process on a side, whose differences from process to process cannot be seen. */
const LEAST_BOUND_ALONE = 1.15;
/** Share of pairs on one side from which on distributions do not overlap enough to be the same. */
const CLEAR = 0.95;

/** Largest over smallest median of the processes of one side. */
function disagreement(medians: readonly number[]): number {
  return Math.max(...medians) / Math.min(...medians);
}

/** Share of pairs in which the one of `now` is larger, ties half. */
export function superiorityOf(before: readonly number[], now: readonly number[]): number {
  const sorted = [...before].sort((a, b) => a - b);
  let wins = 0;
  for (const value of now) wins += (countBelow(sorted, value, false) + countBelow(sorted, value, true)) / 2;
  return wins / (before.length * now.length);
}

/** How many of the sorted values are below `value`, or also at it. */
function countBelow(sorted: readonly number[], value: number, orAt: boolean): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const at = sorted[middle] as number;
    if (at < value || (orAt && at === value)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Compares two measurements of one case. A change is called one only when three things agree: the medians differ by more
 * than the processes of either side differ among themselves, nearly all pairs of samples point the same way, and no
 * process of one side lies among those of the other.
 */
export function compareRuns(before: Runs, now: Runs): Verdict {
  const [old, young] = [before.map(median), now.map(median)];
  const ratio = median(young) / median(old);
  const superiority = superiorityOf(before.flat(), now.flat());
  const least = Math.min(before.length, now.length) > 1 ? LEAST_BOUND : LEAST_BOUND_ALONE;
  const bound = Math.max(least, disagreement(old), disagreement(young));
  const above = Math.min(...young) > Math.max(...old);
  const below = Math.max(...young) < Math.min(...old);
  const worse = ratio > bound && superiority >= CLEAR && above;
  const better = ratio < 1 / bound && superiority <= 1 - CLEAR && below;
  return { verdict: worse ? "worse" : better ? "better" : "same", ratio, bound, superiority, apart: above || below };
}
