import type { TCPMatch } from "../../rules/iptables/matches/tcp.ts";
import type { UDPMatch } from "../../rules/iptables/matches/udp.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";
import { askUnknown } from "./not-modelled.ts";
import { portFieldsMatch } from "./ports.ts";

/** `tcp_mt`. ECE and CWR cannot be named in a rule. */
export function tcpMatches(walk: Walk, skb: Skb, match: TCPMatch): boolean {
  if (skb.fragmentOffset !== 0) return laterFragmentMatches(walk, skb, "tcp");
  if (!portFieldsMatch(walk, skb, match)) return false;
  const { flags, option } = match;
  if (flags !== undefined && ((skb.flags & flags.value.mask) === flags.value.compare) === flags.negated) return false;
  return option === undefined || skb.options.some(({ kind }) => kind === option.value) !== option.negated;
}

/** `udp_mt`, for UDP-Lite too. */
export function udpMatches(walk: Walk, skb: Skb, match: UDPMatch): boolean {
  return skb.fragmentOffset === 0 ? portFieldsMatch(walk, skb, match) : laterFragmentMatches(walk, skb, "udp");
}

/**
 * Seen only where conntrack, which puts fragments together, is not in use. ip_tables matches no later fragment, and drops one
 * at offset 8 that could overwrite the flags of TCP's first; the nf_tables back end compares its payload as if that were ports.
 */
function laterFragmentMatches(walk: Walk, skb: Skb, module: "tcp" | "udp"): boolean {
  return askUnknown(walk, skb, `-m ${module} holds for a later fragment, which the back ends treat differently`);
}
