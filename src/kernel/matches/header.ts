import type { DSCPMatch } from "../../rules/iptables/matches/dscp.ts";
import type { LengthMatch } from "../../rules/iptables/matches/length.ts";
import type { TOSMatch } from "../../rules/iptables/matches/tos.ts";
import type { HLMatch, HopTest, TTLMatch } from "../../rules/iptables/matches/ttl.ts";
import { packetLength } from "../packet-length.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";

function hopTest(hops: number, { operator, value }: HopTest): boolean {
  switch (operator) {
    case "eq":
      return hops === value;
    case "ne":
      return hops !== value;
    case "lt":
      return hops < value;
    case "gt":
      return hops > value;
  }
}

/** `ttl_mt` */
export function ttlMatches(_walk: Walk, skb: Skb, { ttl }: TTLMatch): boolean {
  return hopTest(skb.ttl, ttl);
}

/** `hl_mt6` */
export function hlMatches(_walk: Walk, skb: Skb, { hopLimit }: HLMatch): boolean {
  return hopTest(skb.ttl, hopLimit);
}

/** `dscp_mt`: the upper six bits. */
export function dscpMatches(_walk: Walk, skb: Skb, { dscp }: DSCPMatch): boolean {
  return (skb.tos >> 2 === dscp.value) !== dscp.negated;
}

/** `tos_mt` */
export function tosMatches(_walk: Walk, skb: Skb, { tos }: TOSMatch): boolean {
  return ((skb.tos & tos.value.mask) === tos.value.value) !== tos.negated;
}

/** `length_mt`: with the IP header. */
export function lengthMatches(_walk: Walk, skb: Skb, { length }: LengthMatch): boolean {
  const bytes = packetLength(skb);
  return (bytes >= length.value.from && bytes <= length.value.to) !== length.negated;
}
