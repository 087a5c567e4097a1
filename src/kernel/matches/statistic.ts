import type { StatisticMatch } from "../../rules/iptables/matches/statistic.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";

const ALWAYS = 0x80000000;

/**
 * `statistic_mt`. `nth` keeps one counter a rule, which starts so that the (packet + 1)-th tested packet is the first hit,
 * and goes round after `every`.
 */
export function statisticMatches(walk: Walk, _skb: Skb, match: StatisticMatch): boolean {
  if (match.mode === "random") {
    const { threshold } = match;
    const below = threshold >= ALWAYS || (threshold > 0 && walk.chooser.below(threshold));
    return below !== match.negated;
  }
  const last = match.every - 1;
  const before = (walk.state.ofRule.get(match) as number | undefined) ?? last - match.packet;
  const count = before === last ? 0 : before + 1;
  walk.state.put<object, unknown>(walk.state.ofRule, match, count);
  return (count === 0) !== match.negated;
}
