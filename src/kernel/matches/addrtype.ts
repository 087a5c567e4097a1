import { type AddrtypeMatch, addressTypes } from "../../rules/iptables/matches/addrtype.ts";
import type { Negatable } from "../../rules/iptables/module.ts";
import type { Interface } from "../host.ts";
import type { Address } from "../packet.ts";
import { addressType } from "../routing/address-type.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";

const { UNICAST, MULTICAST, UNSPEC, LOCAL, ANYCAST, UNREACHABLE } = addressTypes;
/** Types of IPv6 that the form of the address decides: of these all must hold. */
const FORM = UNICAST | MULTICAST | UNSPEC;
/** Types of IPv6 that a look-up decides: of these one must hold. */
const LOOKED_UP = LOCAL | ANYCAST | UNREACHABLE;

/** `match_type` of IPv4: one of the list; `match_type6`: each of the form, and one of those that are looked up. */
function typeMatches(walk: Walk, skb: Skb, address: Address, wanted: number, device: Interface | undefined): boolean {
  const bits = addressType(walk.host, skb.family, address, device);
  if (skb.family === "IPv4") return (bits & wanted) !== 0;
  const form = wanted & FORM;
  if ((bits & form) !== form) return false;
  const lookedUp = wanted & LOOKED_UP;
  return lookedUp === 0 || (bits & lookedUp) !== 0;
}

/** `addrtype_mt_v1` (kernel-semantics §2.6). */
export function addrtypeMatches(walk: Walk, skb: Skb, match: AddrtypeMatch): boolean {
  const { limitInterface } = match;
  const device = limitInterface === "in" ? skb.inInterface : limitInterface === "out" ? skb.outInterface : undefined;
  const test = (address: Address, wanted: Negatable<number> | undefined): boolean =>
    wanted === undefined || typeMatches(walk, skb, address, wanted.value, device) !== wanted.negated;
  return test(skb.src, match.source) && test(skb.dst, match.destination);
}
