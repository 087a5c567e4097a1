import type { DSCPTarget } from "../../rules/iptables/targets/dscp.ts";
import type { TCPMSSTarget } from "../../rules/iptables/targets/tcpmss.ts";
import type { TOSTarget } from "../../rules/iptables/targets/tos.ts";
import type { HLTarget, TTLTarget } from "../../rules/iptables/targets/ttl.ts";
import { tcpHeaderLength } from "../packet-length.ts";
import { reverseMTU } from "../routing/reverse-path.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";

/** `ttl_tg`, `hl_tg6`: the result stays within 0 … 255. */
export function applyHops(_walk: Walk, skb: Skb, { operation, value }: TTLTarget | HLTarget): string | undefined {
  const before = skb.ttl;
  const after = operation === "set" ? value : operation === "inc" ? before + value : before - value;
  skb.ttl = Math.max(0, Math.min(255, after));
  const name = skb.family === "IPv4" ? "TTL" : "hop limit";
  return skb.ttl === before ? undefined : `${name} ${before} -> ${skb.ttl}`;
}

function setTOS(skb: Skb, after: number): string | undefined {
  const before = skb.tos;
  skb.tos = after;
  return before === after ? undefined : `TOS 0x${before.toString(16)} -> 0x${after.toString(16)}`;
}

/** `dscp_tg`: the two bits of ECN stay. */
export function applyDSCP(_walk: Walk, skb: Skb, { dscp }: DSCPTarget): string | undefined {
  return setTOS(skb, (skb.tos & 3) | (dscp << 2));
}

/** `tos_tg`: octet := (octet & ~mask) ^ value. */
export function applyTOS(_walk: Walk, skb: Skb, { set }: TOSTarget): string | undefined {
  return setTOS(skb, ((skb.tos & ~set.mask) ^ set.value) & 0xff);
}

const MSS_OPTION = 2;
const MSS_OPTION_LENGTH = 4;
const MAX_TCP_HEADER = 60;

/** IP and TCP header without options. */
const headers = { IPv4: 40, IPv6: 60 } as const;
/** What a sender must assume where nothing is said (RFC 9293 and 8200). */
const defaultMSS = { IPv4: 536, IPv6: 1220 } as const;

/** The size that `--clamp-mss-to-pmtu` asks for: the smaller MTU of the way on and the way back, without the headers. */
function clampedMSS(walk: Walk, skb: Skb): number {
  const onward = skb.route?.kind === "unicast" ? skb.route.mtu : (skb.outInterface?.mtu ?? Number.POSITIVE_INFINITY);
  return Math.min(onward, reverseMTU(walk, skb) ?? Number.POSITIVE_INFINITY) - headers[skb.family];
}

/** Does the kernel drop the packet because a link is too narrow for its headers (`tcpmss_mangle_packet` fails)? */
export function isTooNarrow(walk: Walk, skb: Skb, { mss }: TCPMSSTarget): boolean {
  return mss === "clamp-to-pmtu" && skb.fragmentOffset === 0 && clampedMSS(walk, skb) <= 0;
}

/**
 * `tcpmss_mangle_packet`: lowers the option, never raises it. A packet without the option gets one, in front of the others
 * and at most 536 (IPv6: 1220), when it carries no data and its header has room.
 */
export function applyTCPMSS(walk: Walk, skb: Skb, { mss }: TCPMSSTarget): string | undefined {
  if (skb.fragmentOffset !== 0) return undefined;
  const wanted = mss === "clamp-to-pmtu" ? clampedMSS(walk, skb) : mss;
  const index = skb.options.findIndex(({ kind }) => kind === MSS_OPTION);
  const present = skb.options[index];
  if (present !== undefined) {
    if (present.value <= wanted) return undefined;
    skb.options = skb.options.map((option, i) => (i === index ? { kind: MSS_OPTION, value: wanted } : option));
    return `MSS ${present.value} -> ${wanted}`;
  }
  if (skb.payload > 0 || tcpHeaderLength(skb.options) + MSS_OPTION_LENGTH > MAX_TCP_HEADER) return undefined;
  const value = Math.min(wanted, defaultMSS[skb.family]);
  skb.options = [{ kind: MSS_OPTION, value }, ...skb.options];
  return `MSS ${value} added`;
}
