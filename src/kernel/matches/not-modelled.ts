import type { Skb } from "../skb.ts";
import { currentRule, type Walk } from "../walk.ts";

/** Leaves a question that the emulator cannot decide to the chooser, with the rule it stands in (decision 11 of the design). */
export function askUnknown(walk: Walk, skb: Skb, what: string): boolean {
  const rule = currentRule(walk, skb);
  return walk.chooser.unknown(rule === undefined ? { what } : { rule, what });
}
