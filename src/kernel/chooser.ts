import type { RuleRef } from "./event.ts";

/**
 * Decides what the kernel leaves to chance, and which way to go where something is not modelled (decision 8 and 11 of the
 * design): followed by seed, by script, or through all branches.
 */
export interface Chooser {
  /** Is a random number of 31 bits below `threshold` (0 … 2^31)? Asked only for 0 < threshold < 2^31. */
  below(threshold: number): boolean;
  /** Index of one of several things, each with its share of 2^31; the shares add up to 2^31. */
  share(shares: readonly number[]): number;
  /** The numbers that `port` gives are those the kernel drew: they stand for themselves, not for the range. */
  readonly knowsPorts?: boolean;
  /**
   * A number from a range of which the kernel takes a random free one. Any answer for which `isFree` holds is right;
   * `undefined` when none is free.
   */
  port(range: PortChoice, isFree: (port: number) => boolean): number | undefined;
  /**
   * Virtual servers may stand anywhere in their round, or clients hash to anyone: whichever real server takes a new connection is asked of
   * `share`, each with an equal one, instead of the scheduler.
   */
  readonly anyTurn?: boolean;
  /** Does a condition hold that is not modelled? */
  unknown(what: NotModelled): boolean;
}

/** Both ends included. */
export interface PortChoice {
  readonly from: number;
  readonly to: number;
}

/** Something the emulator cannot decide: the rule it stands in, where it is one, and the words for it. */
export interface NotModelled {
  readonly rule?: RuleRef;
  readonly what: string;
}
