import type { AddressRange, IprangeMatch } from "../../rules/iptables/matches/iprange.ts";
import type { Address } from "../packet.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";
import { compareAddresses, plainAddress } from "./address.ts";

function within(address: Address, { from, to }: AddressRange): boolean {
  return compareAddresses(address, plainAddress(from)) >= 0 && compareAddresses(address, plainAddress(to)) <= 0;
}

/** `iprange_mt4`, `iprange_mt6`: both ends belong to the range. */
export function iprangeMatches(_walk: Walk, skb: Skb, { source, destination }: IprangeMatch): boolean {
  if (source !== undefined && within(skb.src, source.value) === source.negated) return false;
  return destination === undefined || within(skb.dst, destination.value) !== destination.negated;
}
