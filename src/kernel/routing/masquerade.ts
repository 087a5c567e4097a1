import type { IPFamily } from "../../net/family.ts";
import type { Interface } from "../host.ts";
import type { Address } from "../packet.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";
import { selectAddress, selectIPv6Source } from "./select.ts";

/** The source that MASQUERADE gives a packet that leaves by its out-interface (kernel-semantics §3.5); `undefined`: none. */
export function masqueradeAddress(walk: Walk, skb: Skb): Address | undefined {
  const out = skb.outInterface;
  if (out === undefined) return undefined;
  if (skb.family === "IPv6") return selectIPv6Source(walk.host, out, skb.dst);
  const { route } = skb;
  const nextHop = route?.kind === "unicast" && route.nextHop.family === "IPv4" ? route.nextHop.address : skb.dst;
  return selectAddress(walk.host, out, nextHop, "global");
}

/** The first address of an interface, which REDIRECT sends received packets to. */
export function firstAddress(device: Interface, family: IPFamily): Address | undefined {
  return device.addresses.find((given) => given.family === family)?.address;
}
