import type { IPVSMatch } from "../../rules/iptables/matches/ipvs.ts";
import { findReply, inverse } from "../ipvs/connections.ts";
import { protocols } from "../packet.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";
import { addressMatches } from "./address.ts";

const balances = (protocol: number): boolean =>
  protocol === protocols.tcp || protocol === protocols.udp || protocol === protocols.sctp;

/**
 * `ipvs_mt` (ipvs-mode §8.7): only packets that ip_vs has dealt with; all tests but the bare one look at the connection, which is
 * found by the packet as rewritten, client to real server: a reply's is not.
 */
export function ipvsMatches(walk: Walk, skb: Skb, match: IPVSMatch): boolean {
  if (match.ipvs !== undefined) return skb.isIPVS === match.ipvs;
  if (!skb.isIPVS) return false;
  const { protocol, address, port, direction, method, controlPort } = match;
  if (protocol !== undefined && (skb.protocol === protocol.value) === protocol.negated) return false;
  if (!balances(skb.protocol)) return false;
  const connection = findReply(walk.state.ipvs, inverse(skb));
  if (connection === undefined) return false;
  if (port !== undefined && (connection.virtualPort === port.value) === port.negated) return false;
  if (controlPort !== undefined && (connection.control?.virtualPort === controlPort.value) === controlPort.negated)
    return false;
  if (direction !== undefined && (skb.entry === undefined || (skb.direction === 1) !== (direction === "REPLY")))
    return false;
  // connections of other methods are not modelled: there are none
  if (method !== undefined && (method.value === "MASQ") === method.negated) return false;
  return address === undefined || addressMatches(connection.virtual, address.value) !== address.negated;
}
