import { protocols } from "../packet.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";
import type { Connection } from "./model.ts";

/** Has the packet an entry that is in conntrack's table, which the connection keeps (`ip_vs_conn_uses_old_conntrack`)? */
export function usesOldEntry(connection: Connection, skb: Skb): boolean {
  return connection.keepsConntrack && skb.entry?.confirmed === true;
}

/** `ip_vs_notrack` */
function notrack(skb: Skb): void {
  if (skb.entry === undefined) return;
  skb.entry = undefined;
  skb.state = "untracked";
  skb.direction = 0;
}

/**
 * `ip_vs_update_conntrack`: the entry of a first packet expects replies from the real server, or, where that one began, towards the
 * virtual server. A later packet's entry stays as it is. Without `net.ipv4.vs.conntrack` the packet loses its entry.
 */
export function updateEntry(walk: Walk, skb: Skb, connection: Connection, direction: "in" | "out"): void {
  if (!connection.keepsConntrack) {
    notrack(skb);
    return;
  }
  const { entry } = skb;
  if (entry === undefined || entry.confirmed || entry.dead || skb.direction !== 0) return;
  const { reply } = entry;
  const hasPorts = reply.protocol !== protocols.icmp && reply.protocol !== protocols.icmpv6;
  const changed =
    direction === "in"
      ? { ...reply, src: connection.real, sport: hasPorts ? connection.realPort : reply.sport }
      : { ...reply, dst: connection.virtual, dport: hasPorts ? connection.virtualPort : reply.dport };
  walk.state.set(entry, "reply", changed);
}
