import type { MultiportMatch } from "../../rules/iptables/matches/multiport.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";
import { portIsIn } from "./ports.ts";

/** `multiport_mt`: `!` inverts the whole; later fragments never match. */
export function multiportMatches(walk: Walk, skb: Skb, { side, ports, negated }: MultiportMatch): boolean {
  if (skb.fragmentOffset !== 0) return false;
  const found =
    (side !== "destination" && portIsIn(walk, skb, skb.sport, skb.sportChoice, ports)) ||
    (side !== "source" && portIsIn(walk, skb, skb.dport, skb.dportChoice, ports));
  return found !== negated;
}
