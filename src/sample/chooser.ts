import type { Random } from "../net/random.ts";
import type { Choice, Way, Weights } from "./weights.ts";

/** Makes one choice by its weights. */
export type Choose = <C extends Choice>(choice: C) => Way<C>;

/** What every part of a sample is made with. */
export interface Maker {
  readonly random: Random;
  readonly choose: Choose;
  readonly fork: (label: string) => Maker;
}

export function makerOf(random: Random, weights: Weights): Maker {
  const choose: Choose = (choice) => random.weighted(weights[choice]);
  return { random, choose, fork: (label) => makerOf(random.fork(label), weights) };
}
