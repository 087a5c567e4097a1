import { answerError } from "./answer.ts";
import { collect, isWhole } from "./defrag.ts";
import { forward, input, postrouting, prerouting } from "./hooks.ts";
import type { Interface } from "./host.ts";
import type { Stolen } from "./ipvs/transmit.ts";
import type { Outcome, Result, Stop } from "./outcome.ts";
import { packetLength } from "./packet-length.ts";
import type { RouteDecision } from "./routing/decision.ts";
import { entryFault6, forwardFault6, routeInput } from "./routing/input.ts";
import { sendStolen } from "./send.ts";
import { type Skb, toPacket } from "./skb.ts";
import type { Walk } from "./walk.ts";

/** The end of a packet's way. */
export function finish(walk: Walk, skb: Skb, outcome: Outcome): Result {
  const { mark, sportChoice } = skb;
  return {
    outcome,
    packet: toPacket(skb),
    mark,
    answers: walk.answers,
    ...(sportChoice === undefined ? {} : { sourcePortOf: sportChoice }),
  };
}

/** The end of a packet that a hook does not let go on: it was stopped, or taken away and sent on from here. */
export function finishHook(walk: Walk, skb: Skb, stop: Stop | Stolen): Result {
  return stop.kind === "stolen" ? sendStolen(walk, skb) : finish(walk, skb, stop);
}

/** A received packet, or one that this host sent to itself (`ip_rcv`): PREROUTING, then routing says where to. */
export function receivePacket(walk: Walk, skb: Skb): Result {
  skb.outInterface = undefined;
  const early = entryFault6(skb, skb.inInterface as Interface);
  if (early !== undefined) return finish(walk, skb, { kind: "dropped", cause: { kind: "martian", reason: early } });
  const { dst, route } = skb;
  const stop = prerouting(walk, skb);
  if (stop !== undefined) return finish(walk, skb, stop);
  // what came round by lo keeps the decision it was sent with, unless its destination changed since
  const decision = route?.kind === "local" && skb.dst === dst ? route : routeInput(walk, skb);
  walk.record?.({ kind: "routed", decision, again: false });
  skb.route = decision;
  switch (decision.kind) {
    case "martian":
      return finish(walk, skb, { kind: "dropped", cause: { kind: "martian", reason: decision.reason } });
    case "local": {
      // without conntrack the pieces of an IPv4 packet are put together only here (`ip_local_deliver`)
      if (skb.family === "IPv4" && !isWhole(skb) && !collect(walk, skb))
        return finish(walk, skb, { kind: "dropped", cause: { kind: "fragment-waits" } });
      const refused = input(walk, skb);
      if (refused !== undefined) return finishHook(walk, skb, refused);
      return finish(walk, skb, { kind: "delivered", inInterface: skb.inInterface?.name ?? "" });
    }
    case "unicast":
      return forwardPacket(walk, skb, decision);
    case "refused":
      return refusePacket(walk, skb, decision);
  }
}

/** `ip_error`, `ip6_pkt_discard`: no route, or one that refuses. */
function refusePacket(walk: Walk, skb: Skb, { type }: Extract<RouteDecision, { kind: "refused" }>): Result {
  if (type === "not-forwarding") return finish(walk, skb, { kind: "dropped", cause: { kind: "forwarding-off" } });
  const v4 = skb.family === "IPv4";
  const code = REFUSALS[skb.family][type];
  if (code !== undefined) answerError(walk, skb, v4 ? 3 : 1, code);
  return finish(walk, skb, { kind: "no-route", where: "receive", type });
}

/** The code of the ICMP error that tells the sender; a blackhole is silent. */
const REFUSALS = {
  IPv4: { none: 0, unreachable: 1, prohibit: 13, blackhole: undefined },
  IPv6: { none: 0, unreachable: 0, prohibit: 1, blackhole: undefined },
} as const;

/** `ip_forward`, `ip6_forward` (kernel-semantics §1.2, §5.2) */
function forwardPacket(walk: Walk, skb: Skb, decision: Extract<RouteDecision, { kind: "unicast" }>): Result {
  const v4 = skb.family === "IPv4";
  if (decision.cast !== "unicast") return finish(walk, skb, { kind: "dropped", cause: { kind: "not-forwardable" } });
  if (skb.ttl <= 1) {
    answerError(walk, skb, v4 ? 11 : 3, 0);
    return finish(walk, skb, { kind: "dropped", cause: { kind: "ttl" } });
  }
  const fault = forwardFault6(skb, decision.device);
  if (fault !== undefined) {
    if (fault === "not-neighbour") answerError(walk, skb, 1, 2);
    return finish(walk, skb, { kind: "dropped", cause: { kind: "not-forwardable" } });
  }
  const { mtu } = decision;
  const tooBig = packetLength(skb) > mtu && (!v4 || skb.df) && (skb.largestPiece === 0 || skb.largestPiece > mtu);
  if (tooBig) {
    answerError(walk, skb, v4 ? 3 : 2, v4 ? 4 : 0, mtu);
    return finish(walk, skb, { kind: "dropped", cause: { kind: "too-big", mtu } });
  }
  skb.ttl--;
  walk.record?.({ kind: "ttl", ttl: skb.ttl });
  skb.outInterface = decision.device;
  const stop = forward(walk, skb);
  if (stop !== undefined) return finishHook(walk, skb, stop);
  // ip_vs routes replies again
  return transmit(walk, skb, skb.route?.kind === "unicast" ? skb.route : decision);
}

/** Out by an interface: POSTROUTING, which sees the interface that a forwarded packet came in by, then the wire (`ip_output`). */
export function transmit(walk: Walk, skb: Skb, decision: Extract<RouteDecision, { kind: "unicast" }>): Result {
  skb.outInterface = decision.device;
  const stop = postrouting(walk, skb);
  if (stop !== undefined) return finish(walk, skb, stop);
  // an own packet that was routed again, to where it does not fit (`ip_fragment`)
  if (skb.local && skb.df && !skb.ignoresDF && packetLength(skb) > decision.mtu) {
    answerError(walk, skb, skb.family === "IPv4" ? 3 : 2, skb.family === "IPv4" ? 4 : 0, decision.mtu);
    return finish(walk, skb, { kind: "dropped", cause: { kind: "too-big", mtu: decision.mtu } });
  }
  return finish(walk, skb, {
    kind: "transmitted",
    outInterface: decision.device.name,
    nextHop: decision.nextHop.address,
    nextHopFamily: decision.nextHop.family,
  });
}
