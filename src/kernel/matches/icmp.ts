import type { ICMPMatch, ICMPv6Match } from "../../rules/iptables/matches/icmp.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";

/** Type 255 of IPv4 stands for all, also with a code. */
const ANY = 255;

/** `icmp_match`, `icmp6_match`: type, and code when given; later fragments never match. */
export function icmpMatches(_walk: Walk, skb: Skb, { icmp }: ICMPMatch | ICMPv6Match): boolean {
  if (skb.fragmentOffset !== 0) return false;
  const { value } = icmp;
  const fits =
    value === "any" ||
    (value.type === ANY && skb.family === "IPv4") ||
    (skb.icmpType === value.type && (value.code === undefined || skb.icmpCode === value.code));
  return fits !== icmp.negated;
}
