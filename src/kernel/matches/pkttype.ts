import { addressTypes } from "../../rules/iptables/matches/addrtype.ts";
import type { PkttypeMatch } from "../../rules/iptables/matches/pkttype.ts";
import { addressType } from "../routing/address-type.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";
import { askUnknown } from "./not-modelled.ts";

/**
 * `pkttype_mt`: how the frame was addressed. What this host sends counts as unicast until it has been on a link; frames for
 * others never come as far as the tables. A packet to a unicast address is taken to have come in a unicast frame; of others it
 * depends on the link, which a host does not tell.
 */
export function pkttypeMatches(walk: Walk, skb: Skb, { type }: PkttypeMatch): boolean {
  if (type.value === "otherhost") return type.negated;
  if (skb.heard) return (type.value === heardType(walk, skb)) !== type.negated;
  if (skb.inInterface === undefined || skb.inInterface.noARP === true || isUnicast(walk, skb))
    return (type.value === "unicast") !== type.negated;
  return askUnknown(walk, skb, `the packet came in a ${type.value} frame`) !== type.negated;
}

/** An own broadcast that is heard counts by its destination. */
function heardType(walk: Walk, skb: Skb): "multicast" | "broadcast" {
  const bits = addressType(walk.host, skb.family, skb.dst);
  return (bits & addressTypes.MULTICAST) !== 0 ? "multicast" : "broadcast";
}

function isUnicast(walk: Walk, skb: Skb): boolean {
  const bits = addressType(walk.host, skb.family, skb.dst);
  return (bits & (addressTypes.BROADCAST | addressTypes.MULTICAST)) === 0;
}
