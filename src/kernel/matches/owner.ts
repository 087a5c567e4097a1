import type { OwnerMatch } from "../../rules/iptables/matches/owner.ts";
import type { Negatable } from "../../rules/iptables/module.ts";
import type { NumberRange } from "../../rules/iptables/values.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";
import { askUnknown } from "./not-modelled.ts";

/**
 * `owner_mt`. A packet that this host did not send has no socket: then the match holds when each of its tests is negated. Of
 * what this host sends the owner may not be known.
 */
export function ownerMatches(walk: Walk, skb: Skb, match: OwnerMatch): boolean {
  const { uid, gid } = match;
  if (!skb.local) {
    return match.socketExists !== true && uid?.negated !== false && gid?.negated !== false;
  }
  const { owner } = skb;
  if (owner === "none" || owner === "kernel") {
    const wanted = owner === "none" ? match.socketExists !== true : match.socketExists !== false;
    return wanted && uid?.negated !== false && gid?.negated !== false;
  }
  if (owner === undefined) return askUnknown(walk, skb, "-m owner holds for a packet of an unknown owner");
  if (match.socketExists === false) return false;
  if (uid !== undefined && !rangeTest(owner.uid, uid)) return false;
  if (gid === undefined) return true;
  const { from, to } = gid.value;
  if (match.supplementaryGroups === true && (owner.gid < from || owner.gid > to)) {
    const other = askUnknown(walk, skb, `one of the owner's supplementary groups is in ${from}-${to}`);
    return other !== gid.negated;
  }
  return rangeTest(owner.gid, gid);
}

function rangeTest(id: number, { value, negated }: Negatable<NumberRange>): boolean {
  return (id >= value.from && id <= value.to) !== negated;
}
