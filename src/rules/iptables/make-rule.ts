import type { Rule } from "./model.ts";
import { defined } from "./module.ts";

/** A rule's fields while some of them may be missing. */
type Parts = { readonly [K in keyof Omit<Rule, "fragment">]-?: Rule[K] | undefined } & Pick<Rule, "chain" | "matches">;

/** The rule of its parts; the most frequent forms as literals, which are smaller and made faster. */
export function makeRule(parts: Parts): Rule {
  const { chain, counters, source, destination, inInterface, outInterface, protocol, matches, target } = parts;
  if (target !== undefined && counters === undefined && inInterface === undefined && outInterface === undefined) {
    if (source === undefined && protocol === undefined && destination === undefined) return { chain, matches, target };
    if (source !== undefined && protocol === undefined && destination === undefined)
      return { chain, source, matches, target };
    if (source === undefined && protocol !== undefined && destination === undefined)
      return { chain, protocol, matches, target };
    if (source === undefined && protocol !== undefined && destination !== undefined)
      return { chain, destination, protocol, matches, target };
    if (source !== undefined && protocol !== undefined && destination !== undefined)
      return { chain, source, destination, protocol, matches, target };
  }
  return defined<Rule>({ fragment: undefined, ...parts });
}
