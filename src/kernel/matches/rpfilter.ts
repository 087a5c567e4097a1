import type { RpfilterMatch } from "../../rules/iptables/matches/rpfilter.ts";
import { reversePathOk } from "../routing/reverse-path.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";

const BROADCAST = 0xffffffff;
/** 224.0.0.0/24: multicast that stays on its link. */
const LOCAL_MULTICAST = 0xe00000;

/** Packets that `rpfilter_mt` lets through without a look-up. */
function isExempt(skb: Skb): boolean {
  if (skb.heard || skb.inInterface?.loopback === true) return true;
  if (typeof skb.src !== "number") return skb.src.every((word) => word === 0);
  const isZeroNet = skb.src >>> 24 === 0;
  return isZeroNet && (skb.dst === BROADCAST || (typeof skb.dst === "number" && skb.dst >>> 8 === LOCAL_MULTICAST));
}

/** `-m rpfilter`: true when the way back to the source is good; `--invert` turns this round. */
export function rpfilterMatches(walk: Walk, skb: Skb, match: RpfilterMatch): boolean {
  return (isExempt(skb) || reversePathOk(walk, skb, match)) !== match.invert;
}
