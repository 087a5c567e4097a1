import type { Address } from "../packet.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";
import { isOwn } from "./output.ts";

/**
 * The source of an ICMP error about a packet: the address that it was sent to when that is this host's own, else left to
 * routing (`icmp_send`, `icmp6_send`).
 */
export function errorSource(walk: Walk, skb: Skb): Address | undefined {
  const { route } = skb;
  if (skb.family === "IPv4") return route?.kind === "local" && route.cast === "unicast" ? skb.dst : undefined;
  return isOwn(walk.host, "IPv6", skb.dst) ? skb.dst : undefined;
}
