import type { IPFamily } from "../../net/family.ts";
import type { IPv6Words } from "../../net/ip.ts";
import type { Interface } from "../host.ts";
import { type Address, protocols } from "../packet.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";
import { ipv6Kind, isUnset, ownerOf, scopes } from "./address.ts";
import type { RouteDecision } from "./decision.ts";
import { routeOutput } from "./output.ts";
import { SCOPE_UNIVERSE, selectAddress4, selectAddress6 } from "./source.ts";

/**
 * The address that MASQUERADE gives a packet that leaves by `skb.outInterface` (kernel-semantics §3.5): IPv4 the
 * interface's primary global address whose prefix holds the next hop, else its first, else another interface's; IPv6 the
 * source that RFC 6724 picks for the destination. `undefined`: there is none, the packet is dropped. (IPv4 packets from
 * 0.0.0.0 are not masqueraded at all; that is the target's affair.)
 */
export function masqueradeAddress(walk: Walk, skb: Skb): Address | undefined {
  const device = skb.outInterface;
  if (device === undefined) return undefined;
  if (typeof skb.dst !== "number") return selectAddress6(walk.host, device, skb.dst);
  const hop = skb.route?.kind === "unicast" ? skb.route.nextHop.address : skb.dst;
  // a gateway of the other family says nothing of the addresses here
  const near = typeof hop === "number" ? hop : skb.dst;
  const address = selectAddress4(walk.host, device, near, SCOPE_UNIVERSE);
  return address === 0 ? undefined : address;
}

/**
 * The address of an interface that REDIRECT sends received packets to (`nf_nat_redirect_ipv4`, `_ipv6`): the first; in
 * IPv6 the first that is in use and, where the packet's destination is of link or site scope, of that scope.
 */
export function firstAddress(device: Interface, family: IPFamily, destination?: Address): Address | undefined {
  if (family === "IPv4") return device.addresses.find((own) => own.family === "IPv4")?.address;
  const wanted = destination === undefined || typeof destination === "number" ? undefined : ipv6Kind(destination);
  for (const { address, tentative } of device.addresses) {
    if (typeof address === "number" || tentative === true) continue;
    const { scope, mapped } = ipv6Kind(address);
    if (mapped || (wanted !== undefined && wanted.scope !== scopes.global && wanted.scope !== scope)) continue;
    return address;
  }
  return undefined;
}

function error6(walk: Walk, skb: Skb, source: IPv6Words, destination: IPv6Words): Address | undefined {
  if (ownerOf(walk.host, destination) !== undefined) return destination;
  const flow = {
    family: "IPv6",
    dst: source,
    mark: 0,
    tos: 0,
    protocol: protocols.icmpv6,
    sport: 0,
    dport: 0,
  } as const;
  const route = routeOutput(walk, flow);
  const preferred = route.kind === "local" || route.kind === "unicast" ? route.route?.preferredSource : undefined;
  if (preferred !== undefined) return preferred;
  return skb.inInterface === undefined ? undefined : selectAddress6(walk.host, skb.inInterface, source);
}

/**
 * The way of an ICMP error that this host sends about a packet it has routed, and with it the error's source
 * (kernel-semantics §2.9, §5.2). IPv4: the packet's destination where it is for this host, else what routing gives for
 * the way back (`icmp_errors_use_inbound_ifaddr` 0: no address of the in-interface as such; `__icmp_send`). IPv6: the
 * destination where it is an own address, else the in-interface's best for the sender (`icmp6_send`). Anything but
 * `local` or `unicast`: no error is sent.
 */
export function routeICMPError(walk: Walk, skb: Skb): RouteDecision {
  const { family, src, dst } = skb;
  const back = { family, dst: src, mark: 0, tos: skb.tos, sport: 0, dport: 0 } as const;
  if (typeof src === "number" || typeof dst === "number") {
    const own = skb.route?.kind === "local" ? dst : undefined;
    return routeOutput(walk, { ...back, src: own, protocol: protocols.icmp });
  }
  const linkLocal = ipv6Kind(src).scope === scopes.link;
  const chosen = error6(walk, skb, src, dst);
  return routeOutput(walk, {
    ...back,
    src: isUnset(chosen) ? undefined : chosen,
    anySource: true,
    outInterface: linkLocal ? skb.inInterface?.name : undefined,
    protocol: protocols.icmpv6,
  });
}
