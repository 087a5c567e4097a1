import { countOf, type IntervalSet } from "../../net/intervals.ts";
import { lowerBound } from "../../net/sorted.ts";

/** How many of sorted numbers are in a set. */
export function countWithin(sorted: readonly bigint[], set: IntervalSet): number {
  return set.reduce((sum, { from, to }) => sum + lowerBound(sorted, to + 1n) - lowerBound(sorted, from), 0);
}

/** One address that stands for others like it, which were left out, and how many these are. */
export interface Spare {
  readonly address: bigint;
  readonly others: number;
}

/** Addresses of which some were left out. */
export interface Thinned {
  /** All that may be left out, in order. */
  readonly all: readonly bigint[];
  /** Those of them that are there all the same. */
  readonly there: Iterable<bigint>;
  readonly spares: readonly Spare[];
}

const holds = (set: IntervalSet, value: bigint): boolean => set.some(({ from, to }) => value >= from && value <= to);

/** How many addresses a set stands for: not those left out that lie in it, but those that its spares stand for. */
export function weightOf(set: IntervalSet, { all, there, spares }: Thinned): bigint {
  let sum = countOf(set) - BigInt(countWithin(all, set));
  for (const address of there) if (holds(set, address)) sum += 1n;
  for (const { address, others } of spares) if (holds(set, address)) sum += BigInt(others);
  return sum;
}
