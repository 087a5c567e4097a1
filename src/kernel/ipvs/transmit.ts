import { answerError } from "../answer.ts";
import { view } from "../nat/rewrite.ts";
import type { Stop } from "../outcome.ts";
import { type Packet, protocols } from "../packet.ts";
import { packetLength } from "../packet-length.ts";
import { ipv6Kind, isLoopback4 } from "../routing/address.ts";
import type { RouteDecision } from "../routing/decision.ts";
import { routeOutput } from "../routing/output.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";
import { updateEntry } from "./conntrack.ts";
import type { Connection } from "./model.ts";

/** The packet was taken out of its hook and goes on as one that this host sends (`NF_STOLEN`). */
export interface Stolen {
  readonly kind: "stolen";
}

const stolen: Stolen = { kind: "stolen" };

const dropped = (why: "loopback" | "not-forwarded-here"): Stop => ({
  kind: "dropped",
  cause: { kind: "virtual-server", why },
});

const hasICMPPorts = (protocol: number): boolean =>
  protocol === protocols.tcp || protocol === protocols.udp || protocol === protocols.sctp;

function isLoopbackAddress(address: Skb["src"]): boolean {
  return typeof address === "number" ? isLoopback4(address) : ipv6Kind(address).loopback;
}

/** Does the source of a packet keep it on this host? In IPv6 only where it was sent here. */
function hasLoopbackSource({ src, inInterface }: Skb): boolean {
  if (typeof src === "number") return isLoopback4(src);
  return (inInterface === undefined || inInterface.loopback) && isLoopbackAddress(src);
}

type Way = Extract<RouteDecision, { kind: "unicast" }> | "local";

/** `__ip_vs_get_out_rt` (ipvs-mode §8.6.1–3): the way to the real server, by which the packet's TTL falls. */
function outRoute(walk: Walk, skb: Skb, { real }: Connection, aboutError: boolean): Way | Stop {
  const v4 = skb.family === "IPv4";
  const flow = { family: skb.family, dst: real, mark: 0, tos: 0, protocol: 0, sport: 0, dport: 0 };
  const decision = routeOutput(walk, flow);
  if (decision.kind === "refused" || decision.kind === "martian") {
    answerError(walk, skb, v4 ? 3 : 1, v4 ? 1 : 3);
    const type = decision.kind === "refused" ? decision.type : decision.reason;
    return { kind: "no-route", where: "real-server", type };
  }
  if (decision.kind === "local") {
    // an error that is only passed through is not taken in
    return aboutError && walk.hook === "FORWARD" ? dropped("not-forwarded-here") : "local";
  }
  if (hasLoopbackSource(skb)) return dropped("loopback");
  if (skb.ttl <= 1) {
    answerError(walk, skb, v4 ? 11 : 3, 0);
    return { kind: "dropped", cause: { kind: "ttl" } };
  }
  skb.ttl--;
  walk.record?.({ kind: "ttl", ttl: skb.ttl });
  const { mtu } = decision;
  if (isTooBig(skb, mtu, aboutError)) {
    if (!aboutError) answerError(walk, skb, v4 ? 3 : 2, v4 ? 4 : 0, mtu);
    return { kind: "dropped", cause: { kind: "too-big", mtu } };
  }
  return decision;
}

/** `ensure_mtu_is_adequate` */
function isTooBig(skb: Skb, mtu: number, aboutError: boolean): boolean {
  if (skb.family === "IPv4") return skb.df && !aboutError && packetLength(skb) > mtu;
  return (skb.largestPiece > 0 ? skb.largestPiece : packetLength(skb)) > mtu;
}

/** `ip_vs_nat_send_or_cont`: to a remote real server it goes from here, to a local one on in its hook. */
function sendOrContinue(walk: Walk, skb: Skb, connection: Connection, way: Way): Stolen | undefined {
  skb.isIPVS = true;
  updateEntry(walk, skb, connection, "in");
  if (way === "local") return undefined;
  skb.route = way;
  // what came in has no socket, and what goes out from here is bound to none
  if (skb.inInterface !== undefined) skb.owner = "none";
  skb.boundTo = undefined;
  return stolen;
}

/** From outside to a loopback address: not even ip_vs does so. */
function leadsToLoopback(skb: Skb, { real }: Connection, way: Way): boolean {
  const cameIn = skb.inInterface !== undefined && !skb.inInterface.loopback;
  return way === "local" && cameIn && isLoopbackAddress(real);
}

/** `ip_vs_nat_xmit` (ipvs-mode §8.6): the packet's destination becomes the real server. */
export function transmitToRealServer(walk: Walk, skb: Skb, connection: Connection): Stop | Stolen | undefined {
  const way = outRoute(walk, skb, connection, false);
  if (way !== "local" && way.kind !== "unicast") return way;
  if (leadsToLoopback(skb, connection, way)) return dropped("loopback");
  const before = walk.record === undefined ? undefined : view(skb);
  skb.dst = connection.real;
  skb.dport = connection.realPort;
  skb.ignoresDF = true;
  if (before !== undefined) walk.record?.({ kind: "translated", part: "destination", before, after: view(skb) });
  return sendOrContinue(walk, skb, connection, way);
}

/** `ip_vs_icmp_xmit`: an error about a reply goes to the real server, and quotes what that one sent. */
export function transmitError(walk: Walk, skb: Skb, connection: Connection): Stop | Stolen | undefined {
  const way = outRoute(walk, skb, connection, true);
  if (way !== "local" && way.kind !== "unicast") return way;
  if (leadsToLoopback(skb, connection, way)) return dropped("loopback");
  rewriteError(walk, skb, connection, "in");
  skb.ignoresDF = true;
  return sendOrContinue(walk, skb, connection, way);
}

/** `ip_vs_nat_icmp`: of an error to the real server (`in`) or from its side to the client (`out`). */
export function rewriteError(walk: Walk, skb: Skb, connection: Connection, direction: "in" | "out"): void {
  const before = walk.record === undefined ? undefined : view(skb);
  const inner = skb.inner as Packet;
  const ports = hasICMPPorts(inner.protocol) && inner.fragmentOffset === 0;
  if (direction === "in") {
    skb.dst = connection.real;
    skb.inner = { ...inner, src: connection.real, sport: ports ? connection.realPort : inner.sport };
  } else {
    skb.src = connection.virtual;
    skb.inner = { ...inner, dst: connection.virtual, dport: ports ? connection.virtualPort : inner.dport };
  }
  const part = direction === "in" ? "destination" : "source";
  if (before !== undefined) walk.record?.({ kind: "translated", part, before, after: view(skb) });
}
