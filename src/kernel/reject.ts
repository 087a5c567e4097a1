import type { RejectWith } from "../rules/iptables/targets/reject.ts";
import { answerError, answerReset } from "./answer.ts";
import type { RuleRef } from "./event.ts";
import type { Stop } from "./outcome.ts";
import { protocols } from "./packet.ts";
import { packetLength } from "./packet-length.ts";
import type { Skb } from "./skb.ts";
import { currentRule, type Walk } from "./walk.ts";

/** ICMP type and code of each answer (kernel-semantics §2.9). */
const errors: Readonly<Record<Exclude<RejectWith, "tcp-reset">, readonly [type: number, code: number]>> = {
  "icmp-net-unreachable": [3, 0],
  "icmp-host-unreachable": [3, 1],
  "icmp-proto-unreachable": [3, 2],
  "icmp-port-unreachable": [3, 3],
  "icmp-net-prohibited": [3, 9],
  "icmp-host-prohibited": [3, 10],
  "icmp-admin-prohibited": [3, 13],
  "icmp6-no-route": [1, 0],
  "icmp6-adm-prohibited": [1, 1],
  "icmp6-addr-unreachable": [1, 3],
  "icmp6-port-unreachable": [1, 4],
  "icmp6-policy-fail": [1, 5],
  "icmp6-reject-route": [1, 6],
};

/** Protocols whose checksum REJECT does not look at (`nf_reject_verify_csum`). */
const UNCHECKED: ReadonlySet<number> = new Set([protocols.gre, protocols.esp, protocols.sctp, protocols.udplite]);

/**
 * Does REJECT find the packet's checksum wrong, and stay silent (`nf_ip_checksum`, `nf_reject_v6_csum_ok`)? It sums up all behind
 * the IP header, for every protocol that it does not know to be different: what has no such checksum fails but for one payload
 * in 65,535, and so do DCCP, whose checksum covers less, and the ICMP of the other family.
 */
function checksumFails(skb: Skb): boolean {
  const v4 = skb.family === "IPv4";
  const empty = packetLength(skb) === (v4 ? 20 : 40);
  if (!v4 && empty) return true;
  if (UNCHECKED.has(skb.protocol)) return false;
  switch (skb.protocol) {
    case protocols.tcp:
    case protocols.udp:
      return skb.badChecksum;
    case protocols.icmp:
      return !v4 || skb.badChecksum;
    case protocols.icmpv6:
      return v4 || skb.badChecksum;
    case protocols.dccp:
      return v4 || skb.payload > 0 || skb.badChecksum;
    default:
      return !empty;
  }
}

/** REJECT: the packet is dropped, and answered where the kernel answers (kernel-semantics §2.9). */
export function reject(walk: Walk, skb: Skb, answer: RejectWith): Stop {
  const rule = currentRule(walk, skb) as RuleRef;
  if (checksumFails(skb)) return { kind: "rejected", rule, with: answer, answered: false };
  const answered = answer === "tcp-reset" ? answerReset(walk, skb) : answerError(walk, skb, ...errors[answer]);
  return { kind: "rejected", rule, with: answer, answered };
}
