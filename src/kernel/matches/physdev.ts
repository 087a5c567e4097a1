import type { PhysdevMatch } from "../../rules/iptables/matches/physdev.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";
import { askUnknown } from "./not-modelled.ts";

/**
 * `physdev_mt` for packets that are routed, or that this host sends or takes: such a packet is never on its way from one
 * port of a bridge to another, so it is not bridged and has no port that it leaves by. The port that it came in by is there when
 * its in-interface is a bridge and br_netfilter hands such packets to these tables: this the host does not tell, but may tell that it is none.
 */
export function physdevMatches(walk: Walk, skb: Skb, match: PhysdevMatch): boolean {
  if (match.isBridged === true || match.isOut === true || match.outInterface?.negated === false) return false;
  const { isIn, inInterface } = match;
  if (isIn === undefined && inInterface === undefined) return true;
  const device = skb.inInterface;
  if (device === undefined || device.loopback || device.bridge === false)
    return isIn !== true && inInterface?.negated !== false;
  if (isIn !== undefined && askUnknown(walk, skb, `the packet came by a port of a bridge ${device.name}`) !== isIn)
    return false;
  if (inInterface === undefined) return true;
  const what = `the packet came by port ${inInterface.value} of a bridge ${device.name}`;
  return askUnknown(walk, skb, what) !== inInterface.negated;
}
