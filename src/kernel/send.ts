import { output, postrouting } from "./hooks.ts";
import type { Interface } from "./host.ts";
import type { Result } from "./outcome.ts";
import type { Address } from "./packet.ts";
import { packetLength } from "./packet-length.ts";
import { finish, finishHook, receivePacket, transmit } from "./receive.ts";
import type { RouteDecision } from "./routing/decision.ts";
import { joined6 } from "./routing/input.ts";
import { routeOutput } from "./routing/output.ts";
import type { Skb } from "./skb.ts";
import type { Walk } from "./walk.ts";

/** A packet that goes round between a host's own addresses more often than this runs in a circle. */
const MAX_LOOPS = 8;

/** A packet of a local process: routed first, then OUTPUT (kernel-semantics §1.2). `source` undefined: routing chooses. */
export function sendPacket(walk: Walk, skb: Skb, source: Address | undefined, outInterface?: string): Result {
  skb.local = true;
  skb.boundTo = outInterface;
  const decision = routeOutput(walk, {
    family: skb.family,
    dst: skb.dst,
    src: source,
    mark: skb.mark,
    tos: skb.tos,
    protocol: skb.protocol,
    sport: skb.sport,
    dport: skb.dport,
    outInterface,
  });
  walk.record?.({ kind: "routed", decision, again: false });
  if (decision.kind === "refused") return finish(walk, skb, { kind: "no-route", where: "send", type: decision.type });
  if (decision.kind === "martian") return finish(walk, skb, { kind: "no-route", where: "send", type: decision.reason });
  if (source === undefined && decision.source !== undefined) skb.src = decision.source;
  skb.route = decision;
  // a socket whose packets must not be cut is told at once
  if (skb.df && decision.kind === "unicast" && packetLength(skb) > decision.mtu)
    return finish(walk, skb, { kind: "dropped", cause: { kind: "too-big", mtu: decision.mtu } });
  return outputPacket(walk, skb);
}

/** `__ip_local_out` and what follows, for a packet that is routed. */
export function outputPacket(walk: Walk, skb: Skb): Result {
  skb.inInterface = undefined;
  skb.outInterface = outDevice(walk, skb);
  const stop = output(walk, skb);
  return stop === undefined ? afterOutput(walk, skb) : finishHook(walk, skb, stop);
}

/** A packet that ip_vs took away goes through OUTPUT, then out; POSTROUTING still sees the interface that it came in by. */
export function sendStolen(walk: Walk, skb: Skb): Result {
  const { inInterface } = skb;
  skb.inInterface = undefined;
  skb.outInterface = outDevice(walk, skb);
  const stop = output(walk, skb);
  skb.inInterface = inInterface;
  return stop === undefined ? afterOutput(walk, skb) : finishHook(walk, skb, stop);
}

/** `dst_output` */
function afterOutput(walk: Walk, skb: Skb): Result {
  const { route } = skb;
  if (route?.kind !== "unicast") return loopBack(walk, skb);
  return route.cast === "unicast" ? transmit(walk, skb, route) : castPacket(walk, skb, route);
}

/**
 * `ip_mc_output`, `ip6_finish_output2`: a broadcast goes out, and a copy of it comes in again by the same interface. Multicast does
 * so for groups that the host is a member of. Both pass POSTROUTING, the copy first in IPv4 and last in IPv6.
 */
function castPacket(walk: Walk, skb: Skb, route: Extract<RouteDecision, { kind: "unicast" }>): Result {
  if (!isHeardHere(walk, skb, route)) return transmit(walk, skb, route);
  const own: Walk = { ...walk, answers: [] };
  // a cloned buffer has no socket
  if (skb.family === "IPv4") {
    const copy: Skb = { ...skb, outInterface: route.device, owner: "none" };
    const stop = postrouting(own, copy);
    const sent = transmit(walk, skb, route);
    if (stop === undefined) hear(walk, own, copy, route);
    return sent;
  }
  const sent = transmit(walk, skb, route);
  const copy: Skb = { ...skb, inInterface: undefined, outInterface: route.device, owner: "none" };
  if (sent.outcome.kind === "transmitted" && postrouting(own, copy) === undefined) hear(walk, own, copy, route);
  return sent;
}

function isHeardHere(walk: Walk, skb: Skb, { cast, device }: Extract<RouteDecision, { kind: "unicast" }>): boolean {
  if (typeof skb.dst !== "number") return joined6(walk.host, device, skb.dst);
  return cast === "broadcast" || skb.dst === ALL_HOSTS;
}

/** The copy of an own broadcast comes in (`dev_loopback_xmit`). */
function hear(walk: Walk, own: Walk, copy: Skb, route: Extract<RouteDecision, { kind: "unicast" }>): void {
  copy.inInterface = route.device;
  copy.local = false;
  copy.heard = true;
  copy.route = { kind: "local", device: route.device, source: copy.dst, route: undefined, cast: route.cast };
  walk.record?.({ kind: "answer", what: "a copy for this host itself" });
  walk.answers.push(receivePacket(own, copy));
  walk.record?.({ kind: "answered" });
}

/** 224.0.0.1 */
const ALL_HOSTS = 0xe0000001;

/** The interface that a packet of this host leaves by: lo for the host's own addresses. */
function outDevice(walk: Walk, skb: Skb): Interface {
  const { route } = skb;
  return route?.kind === "unicast" ? route.device : walk.host.loopback;
}

/** Out by lo and in again: one packet buffer, whose entry and mark survive (kernel-semantics §1.2). */
function loopBack(walk: Walk, skb: Skb): Result {
  if (++walk.depth > MAX_LOOPS)
    return finish(walk, skb, { kind: "stuck", why: "the packet runs in a circle on this host" });
  skb.outInterface = walk.host.loopback;
  const stop = postrouting(walk, skb);
  if (stop !== undefined) return finish(walk, skb, stop);
  skb.inInterface = walk.host.loopback;
  skb.local = false;
  return receivePacket(walk, skb);
}
