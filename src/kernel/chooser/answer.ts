import type { NotModelled } from "../chooser.ts";

/** What a chooser was asked and what it said, as plain data. Ports are not among them: they are never branched. */
export type Answer =
  /** 31 random bits were below `threshold`, or not. */
  | { readonly kind: "below"; readonly threshold: number; readonly yes: boolean }
  /** One of several things, each with its share of 2^31. */
  | { readonly kind: "share"; readonly shares: readonly number[]; readonly index: number }
  /** Something that is not modelled was taken to hold, or not. */
  | { readonly kind: "unknown"; readonly what: NotModelled; readonly yes: boolean };

/** The answers of a whole run in order: with them the run can be repeated. */
export type Script = readonly Answer[];

/** What was taken to hold (or not) about something that is not modelled. */
export interface Assumption {
  readonly what: NotModelled;
  readonly holds: boolean;
}

/** The whole of what 31 random bits can be. */
export const WHOLE = 0x80000000;

/** The answer of `below` where chance has no say, or `undefined`. */
export function certainBelow(threshold: number): boolean | undefined {
  return threshold <= 0 ? false : threshold >= WHOLE ? true : undefined;
}

/** The only index with a share, or `undefined` when there are several. */
export function certainShare(shares: readonly number[]): number | undefined {
  const first = nextShare(shares, 0);
  return first !== undefined && nextShare(shares, first + 1) === undefined ? first : undefined;
}

/** The first index from `from` on that has a share. */
export function nextShare(shares: readonly number[], from: number): number | undefined {
  for (let i = from; i < shares.length; i++) if ((shares[i] as number) > 0) return i;
  return undefined;
}
