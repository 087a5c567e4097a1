import { setClosing } from "./conntrack/track.ts";
import { isICMPError, makePacket, protocols, tcpFlag } from "./packet.ts";
import { isUnset } from "./routing/address.ts";
import { routeICMPError } from "./routing/masquerade.ts";
import { routeAgain } from "./routing/output.ts";
import { outputPacket } from "./send.ts";
import { makeSkb, type Skb, toPacket } from "./skb.ts";
import type { Walk } from "./walk.ts";

/** `nf_ct_attach`: an answer belongs to the connection of the packet it answers, as related to it. */
function attach(answer: Skb, to: Skb): void {
  if (to.entry === undefined) return;
  answer.entry = to.entry;
  answer.state = "related";
  answer.direction = to.direction === 0 ? 1 : 0;
}

/** A walk of its own for a packet that this host sends meanwhile; state, chance and events are the same. */
function walkOfAnswer(walk: Walk): Walk {
  return { ...walk, answers: [], hook: "OUTPUT", ruleNumber: 0 };
}

/** Was the packet routed as broadcast or multicast? Nothing answers such a packet. */
function cameToMany({ route }: Skb): boolean {
  return (route?.kind === "local" || route?.kind === "unicast") && route.cast !== "unicast";
}

/** Is no ICMP error sent about this packet (`icmp_send`, `icmp6_send`, RFC 1122 §3.2.2)? */
function isSilent(skb: Skb): boolean {
  if (skb.fragmentOffset !== 0) return true;
  if (cameToMany(skb)) return true;
  if (isICMPError(skb)) return true;
  if (typeof skb.dst !== "number") return skb.dst[0] >>> 24 === 0xff || isUnset(skb.src);
  return skb.protocol === protocols.icmp && (skb.icmpType > 18 || NEVER_ANSWERED.has(skb.icmpType));
}

/** ICMP types that `icmp_pointers` marks as errors besides those that are; types behind 18 are unknown there. */
const NEVER_ANSWERED: ReadonlySet<number> = new Set([1, 2, 6, 7, 9, 10]);

/** Sends an ICMP error about a packet, if the kernel would; false when it stays silent. */
export function answerError(walk: Walk, skb: Skb, type: number, code: number, mtu = 0): boolean {
  if (isSilent(skb)) return false;
  const v4 = skb.family === "IPv4";
  const way = routeICMPError(walk, skb);
  if (way.kind !== "local" && way.kind !== "unicast") return false;
  // a source that is anybody's does not tell who sent the packet (RFC 4443 §2.4)
  if (skb.family === "IPv6" && way.route?.type === "anycast") return false;
  const packet = makePacket({
    family: skb.family,
    src: way.source ?? skb.dst,
    dst: skb.src,
    protocol: v4 ? protocols.icmp : protocols.icmpv6,
    icmpType: type,
    icmpCode: code,
    icmpMtu: mtu,
    inner: toPacket(skb),
    tos: v4 ? (skb.tos & 0x1e) | 0xc0 : 0,
  });
  const answer = makeSkb(packet, 0);
  answer.local = true;
  answer.owner = "kernel";
  answer.route = way;
  attach(answer, skb);
  walk.record?.({ kind: "answer", what: `ICMP ${type}/${code}` });
  walk.answers.push(outputPacket(walkOfAnswer(walk), answer));
  walk.record?.({ kind: "answered" });
  return true;
}

/** `nf_send_reset`: a RST with the packet's addresses swapped; false when none is sent. */
export function answerReset(walk: Walk, skb: Skb): boolean {
  if (skb.fragmentOffset !== 0 || (skb.flags & tcpFlag.RST) !== 0) return false;
  if (cameToMany(skb)) return false;
  const acked = (skb.flags & tcpFlag.ACK) !== 0;
  const length = skb.payload + (skb.flags & tcpFlag.SYN ? 1 : 0) + (skb.flags & tcpFlag.FIN ? 1 : 0);
  const packet = makePacket({
    family: skb.family,
    src: skb.dst,
    dst: skb.src,
    protocol: protocols.tcp,
    sport: skb.dport,
    dport: skb.sport,
    flags: acked ? tcpFlag.RST : tcpFlag.RST | tcpFlag.ACK,
    seq: acked ? skb.ack : 0,
    ack: acked ? 0 : (skb.seq + length) >>> 0,
    window: 0,
    df: skb.family === "IPv4",
  });
  const answer = makeSkb(packet, 0);
  answer.local = true;
  answer.owner = "none";
  const own = walkOfAnswer(walk);
  const decision = routeAgain(own, answer);
  if (decision.kind === "refused" || decision.kind === "martian") return false;
  answer.route = decision;
  attach(answer, skb);
  if (skb.entry !== undefined) setClosing(walk, skb.entry);
  walk.record?.({ kind: "answer", what: "TCP RST" });
  walk.answers.push(outputPacket(own, answer));
  walk.record?.({ kind: "answered" });
  return true;
}
