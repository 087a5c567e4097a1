import type { Host, Interface } from "../host.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";
import type { MartianReason, RouteDecision } from "./decision.ts";
import { addressKey, type FibResult, lookup } from "./fib.ts";
import { isLimitedBroadcast, isLoopbackAddress, isMulticast, isUnspecified, isZeroNet } from "./kinds.ts";
import { routeLocalnet } from "./output.ts";

const martian = (reason: MartianReason): RouteDecision => ({ kind: "martian", reason });

/** What a switch of an interface is, with what `default` says where the interface says nothing. */
function switchOf<K extends "rpFilter" | "acceptLocal" | "srcValidMark">(host: Host, device: Interface, name: K) {
  const { ipv4 } = host.sysctls;
  return { all: ipv4.get("all")?.[name], own: ipv4.get(device.name)?.[name] ?? ipv4.get("default")?.[name] };
}

/** The larger of `all` and the interface's own. */
export function rpFilter(host: Host, device: Interface): number {
  const { all, own } = switchOf(host, device, "rpFilter");
  return Math.max(all ?? 0, own ?? 0);
}

export function acceptLocal(host: Host, device: Interface): boolean {
  const { all, own } = switchOf(host, device, "acceptLocal");
  return all === true || own === true;
}

export function srcValidMark(host: Host, device: Interface): boolean {
  const { all, own } = switchOf(host, device, "srcValidMark");
  return all === true || own === true;
}

/** Routes a received packet (`ip_route_input_slow`, `ip6_route_input`; kernel-semantics §3.7). */
export function routeInput(walk: Walk, skb: Skb): RouteDecision {
  const device = skb.inInterface as Interface;
  return skb.family === "IPv4" ? routeInputV4(walk, skb, device) : routeInputV6(walk, skb, device);
}

function query(skb: Skb, device: Interface) {
  return {
    family: skb.family,
    destination: skb.dst,
    source: skb.src,
    mark: skb.mark,
    tos: skb.tos,
    inInterface: device.name,
    outInterface: undefined,
    protocol: skb.protocol,
    sport: skb.sport,
    dport: skb.dport,
  };
}

function toHere(walk: Walk, skb: Skb, found: FibResult | undefined, cast: "unicast" | "broadcast" | "multicast"): RouteDecision {
  const owner = walk.host.fib[skb.family].owners.get(addressKey(skb.dst));
  return {
    kind: "local",
    device: owner ?? walk.host.loopback,
    source: skb.dst,
    route: found?.kind === "route" ? found.route : undefined,
    cast,
  };
}

function forwarded(walk: Walk, skb: Skb, found: Extract<FibResult, { kind: "route" }>): RouteDecision {
  const { route, nextHop } = found;
  const out = nextHop === undefined ? undefined : walk.host.byName.get(nextHop.device);
  if (out === undefined) return { kind: "refused", type: "none", route };
  return {
    kind: "unicast",
    device: out,
    nextHop: nextHop?.gateway ?? { family: skb.family, address: skb.dst },
    source: undefined,
    mtu: route.mtu ?? out.mtu,
    route,
    cast: "unicast",
  };
}

function routeInputV4(walk: Walk, skb: Skb, device: Interface): RouteDecision {
  const { host } = walk;
  const { src, dst } = skb;
  if (isMulticast(dst)) {
    // without a membership the host takes only what every host is a member of
    if (dst !== 0xe0000001) return martian("destination-invalid");
    if (isMulticast(src) || isLimitedBroadcast(src) || (isLoopbackAddress(src) && !routeLocalnet(host, device)))
      return martian("source-invalid");
    return checkSource(walk, skb, device, undefined) ?? toHere(walk, skb, undefined, "multicast");
  }
  if (isMulticast(src) || isLimitedBroadcast(src)) return martian("source-invalid");
  if (isLimitedBroadcast(dst) || (isUnspecified(src) && isUnspecified(dst)))
    return (isZeroNet(src) ? undefined : checkSource(walk, skb, device, undefined)) ?? toHere(walk, skb, undefined, "broadcast");
  if (isZeroNet(src)) return martian("source-invalid");
  if (isZeroNet(dst)) return martian("destination-invalid");
  const localnet = routeLocalnet(host, device) || device.loopback;
  if (isLoopbackAddress(dst) && !localnet) return martian("destination-loopback");
  if (isLoopbackAddress(src) && !localnet) return martian("source-loopback");
  const found = lookup(walk, query(skb, device));
  if (found.kind !== "route")
    return { kind: "refused", type: found.kind === "none" ? "none" : found.type, route: found.kind === "none" ? undefined : found.route };
  switch (found.route.type) {
    case "broadcast":
      return checkSource(walk, skb, device, undefined) ?? toHere(walk, skb, found, "broadcast");
    case "local":
      return checkSource(walk, skb, device, undefined) ?? toHere(walk, skb, found, "unicast");
    case "unicast": {
      if (!host.sysctls.ipForward) return { kind: "refused", type: "unreachable", route: found.route };
      return checkSource(walk, skb, device, found.nextHop?.device) ?? forwarded(walk, skb, found);
    }
    default:
      return martian("destination-invalid");
  }
}

/** `fib_validate_source`: is the source possible on this interface? */
function checkSource(walk: Walk, skb: Skb, device: Interface, out: string | undefined): RouteDecision | undefined {
  const { host } = walk;
  if (device.loopback && out === undefined) return undefined;
  const filter = rpFilter(host, device);
  const { fib } = host;
  if (filter === 0) {
    if (acceptLocal(host, device)) return undefined;
    if (!fib.IPv4.customRules) {
      const own = fib.IPv4.owners.has(addressKey(skb.src)) || isLoopbackAddress(skb.src);
      return own ? martian("source-is-own") : undefined;
    }
  }
  const back = {
    family: "IPv4" as const,
    destination: skb.src,
    source: skb.dst,
    mark: srcValidMark(host, device) ? skb.mark : 0,
    tos: skb.tos,
    inInterface: out ?? "lo",
    outInterface: undefined,
    protocol: 0,
    sport: 0,
    dport: 0,
  };
  const found = lookup(walk, back);
  const lastResort = (): RouteDecision | undefined => (filter > 0 ? martian("reverse-path") : undefined);
  if (found.kind !== "route") return lastResort();
  if (found.route.type !== "unicast" && !(found.route.type === "local" && acceptLocal(host, device)))
    return martian(found.route.type === "local" ? "source-is-own" : "source-invalid");
  if (found.route.nextHops.some((hop) => hop.device === device.name)) return undefined;
  if (!device.addresses.some(({ family }) => family === "IPv4")) return lastResort();
  return filter === 1 ? martian("reverse-path") : undefined;
}

function routeInputV6(walk: Walk, skb: Skb, device: Interface): RouteDecision {
  const { src, dst } = skb;
  if (isMulticast(dst)) {
    // all nodes; other groups only with a membership: the host's own solicited-node groups
    if (typeof dst !== "number" && dst[1] === 0 && dst[2] === 0 && dst[3] === 1) return toHere(walk, skb, undefined, "multicast");
    return martian("destination-invalid");
  }
  const found = lookup(walk, query(skb, device));
  if (found.kind !== "route")
    return { kind: "refused", type: found.kind === "none" ? "none" : found.type, route: found.kind === "none" ? undefined : found.route };
  if (found.route.type === "local" || found.route.type === "anycast") return toHere(walk, skb, found, "unicast");
  if (found.route.type === "multicast") return martian("destination-invalid");
  const decision = forwarded(walk, skb, found);
  if (decision.kind === "unicast" && (isUnspecified(src) || isLoopbackAddress(src) || isMulticast(src))) return martian("source-invalid");
  return decision;
}

/** What IPv6 drops before PREROUTING (`ip6_rcv_core`). */
export function isRefusedEarly(skb: Skb): MartianReason | undefined {
  if (skb.family === "IPv4" || skb.inInterface?.loopback === true) return undefined;
  if (isLoopbackAddress(skb.src)) return "source-loopback";
  if (isLoopbackAddress(skb.dst)) return "destination-loopback";
  if (isMulticast(skb.src)) return "source-invalid";
  return undefined;
}


