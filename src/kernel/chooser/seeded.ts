import { seededRandom } from "../../net/random.ts";
import type { Chooser, NotModelled } from "../chooser.ts";
import { type Assumption, certainBelow, WHOLE } from "./answer.ts";
import { firstFreePort } from "./port.ts";

/** A chooser and what it assumed: an answer that rests on an assumption is no answer of the kernel's. */
export interface AssumingChooser extends Chooser {
  readonly assumptions: readonly Assumption[];
}

/**
 * Draws as the kernel does, the same for the same seed. What is not modelled is not a matter of luck: it is taken not to
 * hold, and said so in `assumptions`.
 */
export function seededChooser(seed: string | number): AssumingChooser {
  const random = seededRandom(seed);
  const assumptions: Assumption[] = [];
  return {
    assumptions,
    below: (threshold) => certainBelow(threshold) ?? random.below(WHOLE) < threshold,
    share: (shares) => {
      let rest = random.below(WHOLE);
      const index = shares.findIndex((share) => {
        rest -= share;
        return rest < 0;
      });
      if (index < 0) throw new RangeError("the shares do not add up to 2^31");
      return index;
    },
    port: (range, isFree) => firstFreePort(range, isFree, random.between(range.from, range.to)),
    unknown: (what: NotModelled) => {
      assumptions.push({ what, holds: false });
      return false;
    },
  };
}
