/** A seeded source of choices: the same seed gives the same choices on every machine. */
export interface Random {
  /** An integer from 0 to `limit` - 1; `limit` from 1 to 2^32. */
  below(limit: number): number;
  /** An integer from `from` to `to`, both included. */
  between(from: number, to: number): number;
  /** True in `probability` of all cases. */
  chance(probability: number): boolean;
  /** One of a list that is not empty. */
  pick<T>(list: readonly T[]): T;
  /** A name with a probability proportional to its weight; weights are not negative, one at least is positive. */
  weighted<Name extends string>(weights: Readonly<Record<Name, number>>): Name;
  /** An independent source for a part of the work, so that a change of one part leaves the others as they were. */
  fork(label: string): Random;
}

/** FNV-1a over UTF-16 code units. */
function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** A bijective mixer of 32 bits (the "lowbias32" family); neighbours in come out far apart. */
function mix(value: number): number {
  let z = value >>> 0;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return (z ^ (z >>> 15)) >>> 0;
}

const GOLDEN_RATIO = 0x9e3779b9;
const TWO_TO_32 = 0x1_0000_0000;

/** A source for a seed; a number and its decimal text are the same seed. Not for secrets. */
export function seededRandom(seed: string | number): Random {
  const path = String(seed);
  let state = mix(hashText(path));
  const next = (): number => {
    state = (state + GOLDEN_RATIO) >>> 0;
    return mix(state);
  };
  const below = (limit: number): number => Math.floor((next() / TWO_TO_32) * limit);
  return {
    below,
    between: (from, to) => from + below(to - from + 1),
    chance: (probability) => next() < probability * TWO_TO_32,
    pick: (list) => {
      if (list.length === 0) throw new RangeError("there is nothing to pick from");
      return list[below(list.length)] as (typeof list)[number];
    },
    weighted: <Name extends string>(weights: Readonly<Record<Name, number>>) => {
      const names = Object.keys(weights) as Name[];
      const total = names.reduce((sum, name) => sum + weights[name], 0);
      let rest = (next() / TWO_TO_32) * total;
      const chosen = names.find((name) => {
        rest -= weights[name];
        return rest < 0;
      });
      if (chosen === undefined) throw new RangeError("no weight is positive");
      return chosen;
    },
    fork: (label) => seededRandom(`${path}/${label}`),
  };
}
