import type { TCPMatch } from "../../rules/iptables/matches/tcp.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";
import { askUnknown } from "./not-modelled.ts";
import { portFieldsMatch } from "./ports.ts";

/** `tcp_mt`. ECE and CWR cannot be named in a rule. */
export function tcpMatches(walk: Walk, skb: Skb, match: TCPMatch): boolean {
  if (skb.fragmentOffset === 1) {
    // tcp_mt drops a fragment that would overwrite the flags of the first one; nf_tables' own comparison does not
    askUnknown(walk, skb, "-m tcp drops a TCP fragment at offset 8");
    return false;
  }
  if (!portFieldsMatch(walk, skb, match)) return false;
  const { flags, option } = match;
  if (flags !== undefined && ((skb.flags & flags.value.mask) === flags.value.compare) === flags.negated) return false;
  return option === undefined || skb.options.some(({ kind }) => kind === option.value) !== option.negated;
}
