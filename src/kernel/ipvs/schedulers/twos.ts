import type { Destination } from "../model.ts";
import { connectionLoad } from "./load.ts";
import { isUsable, type Scheduler } from "./scheduler.ts";

const WHOLE = 2 ** 31;

/**
 * Shares of 2^31 with which each is drawn: one of the numbers from 0 to the sum of the weights (`get_random_u32_below`, to the nearest
 * part), of which the first has one more than its weight.
 */
function sharesOf(weights: readonly number[]): number[] {
  const count = weights.reduce((sum, weight) => sum + weight, 1);
  const edge = (i: number): number => Math.floor(Math.ceil((i * 2 * WHOLE) / count) / 2);
  let at = 0;
  return weights.map((weight, i) => {
    const from = at;
    at += weight + (i === 0 ? 1 : 0);
    return edge(at) - edge(from);
  });
}

/** The power of two random choices (`ip_vs_twos.c`): two are drawn by weight, the less loaded for its weight is taken. */
export const twos: Scheduler<undefined> = {
  start: () => undefined,
  counts: "all",
  choose: ({ service, chooser }) => {
    const usable = service.destinations.filter(isUsable);
    const [first] = usable;
    if (first === undefined) return undefined;
    const shares = sharesOf(usable.map(({ weight }) => weight));
    const draw = (): Destination => (usable.length === 1 ? first : (usable[chooser.share(shares)] as Destination));
    const one = draw();
    const other = draw();
    const isBetter = other.weight * connectionLoad(one) > one.weight * connectionLoad(other);
    return { destination: isBetter ? other : one, reason: { kind: "random" } };
  },
};
