import { type Dyadic, dyadicToNumber, equalDyadic, oneDyadic } from "../net/dyadic.ts";

/** A chance as people say it: `≈1/3` for the kernel's 715827883/2^31, `1/2` where it is exactly that. */
export function chanceText(probability: Dyadic): string {
  if (equalDyadic(probability, oneDyadic)) return "always";
  const value = dyadicToNumber(probability);
  const denominator = Math.round(1 / value);
  if (denominator < 1000 && Math.abs(value * denominator - 1) < 1e-6)
    return value * denominator === 1 ? `1/${denominator}` : `≈1/${denominator}`;
  return value < 1e-6 ? value.toExponential(2) : value.toFixed(6);
}
