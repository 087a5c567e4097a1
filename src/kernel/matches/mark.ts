import type { ConnmarkMatch, MarkMatch } from "../../rules/iptables/matches/mark.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";

/** `mark_mt`: (mark & mask) = value, where the value is not masked first. */
export function markMatches(_walk: Walk, skb: Skb, { mark }: MarkMatch): boolean {
  return ((skb.mark & mark.value.mask) >>> 0 === mark.value.value) !== mark.negated;
}

/** `connmark_mt`: without an entry it never matches, inverted or not. */
export function connmarkMatches(_walk: Walk, skb: Skb, { mark }: ConnmarkMatch): boolean {
  return skb.entry !== undefined && ((skb.entry.mark & mark.value.mask) >>> 0 === mark.value.value) !== mark.negated;
}
