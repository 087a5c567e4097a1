import type { ConntrackEntry } from "../entry.ts";
import { type Packet, protocols, sameAddress } from "../packet.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";
import { type FoundEntry, findEntry } from "./table.ts";
import { invertTuple, tupleOf } from "./tuple.ts";
import { accepted, checksumRefused, invalid, refresh, type Verdict } from "./verdict.ts";

const QUERIES: ReadonlySet<number> = new Set([8, 13, 15, 17]);
const QUERIES_V6: ReadonlySet<number> = new Set([128, 139]);

/** ICMPv4 types that quote a packet (`icmp_is_err`). */
const ERRORS: ReadonlySet<number> = new Set([3, 4, 5, 11, 12]);

/** ICMPv6 types that are never tracked: MLD and neighbour discovery without redirects (`noct_valid_new`). */
const UNTRACKED_V6: ReadonlySet<number> = new Set([130, 131, 132, 133, 134, 135, 136, 143]);

/** The highest ICMP type that the kernel knows (`NR_ICMP_TYPES`). */
const HIGHEST_TYPE = 18;
const REDIRECT_V6 = 137;

/** What the check of ICMP messages (`nf_conntrack_handle_icmp`) finds. */
export type ICMPCheck =
  | { readonly kind: "query" }
  | { readonly kind: "untracked" }
  | { readonly kind: "invalid"; readonly reason: string }
  /** An error about a packet of a known connection; `direction` is the error's own. */
  | { readonly kind: "related"; readonly found: FoundEntry };

const query: ICMPCheck = { kind: "query" };
const untracked: ICMPCheck = { kind: "untracked" };
const refused = (reason: string): ICMPCheck => ({ kind: "invalid", reason });

/**
 * Looks at an ICMP or ICMPv6 message before it is tracked: an error belongs to the connection of the packet that it quotes
 * (kernel-semantics §5.1), discovery messages are left alone, queries and answers are tracked like other packets.
 */
export function checkICMP(walk: Walk, skb: Skb): ICMPCheck {
  const v6 = skb.protocol === protocols.icmpv6;
  // each protocol's check runs in its own family only; the tracker refuses the rest later
  if (v6 !== (skb.family === "IPv6")) return query;
  if (checksumRefused(walk, skb)) return refused("bad checksum");
  if (walk.hook === "PREROUTING" && walk.host.sysctls.conntrackChecksum) skb.isChecked = true;
  const type = skb.icmpType;
  if (v6) {
    if (UNTRACKED_V6.has(type)) return untracked;
    if (type === REDIRECT_V6) return fromLink(skb) ? relatedEntry(walk, skb) : refused("redirect from elsewhere");
    return type < 128 ? relatedEntry(walk, skb) : query;
  }
  if (type > HIGHEST_TYPE) return refused("unknown ICMP type");
  return ERRORS.has(type) ? relatedEntry(walk, skb) : query;
}

/** May a redirect be believed (`nf_conntrack_icmpv6_redirect`): sent by a link-local address on this very link? */
function fromLink(skb: Skb): boolean {
  const linkLocal = typeof skb.src !== "number" && skb.src[0] >>> 22 === 0xfe80 >>> 6;
  return linkLocal && skb.ttl === 255 && skb.icmpCode === 0;
}

/** The entry of the packet that an error quotes (`nf_conntrack_inet_error`); only the error's destination is compared with it. */
function relatedEntry(walk: Walk, skb: Skb): ICMPCheck {
  const quoted = skb.inner === undefined ? undefined : quotedTuple(skb, skb.inner);
  if (quoted === undefined) return refused("no packet quoted");
  const found = findEntry(walk.state, invertTuple(quoted), skb.zone);
  if (found === undefined) return refused("quotes a packet of no known connection");
  const { entry, direction } = found;
  const expected = (direction === 0 ? entry.original : entry.reply).dst;
  if (!sameAddress(expected, skb.dst)) return refused("not sent to the source of the quoted packet");
  return { kind: "related", found };
}

const quotedTuple = (skb: Skb, inner: Packet) => (inner.family === skb.family ? tupleOf(inner) : undefined);

/** Queries and answers of ICMP and ICMPv6 (`nf_conntrack_icmp_packet`, `…icmpv6_packet`): only a query starts an entry. */
export function trackICMP(walk: Walk, skb: Skb, entry: ConntrackEntry): Verdict {
  const v6 = skb.protocol === protocols.icmpv6;
  if (v6 !== (skb.family === "IPv6")) return invalid("ICMP of the other family");
  const started = entry.original.dport >>> 8;
  if (!(v6 ? QUERIES_V6 : QUERIES).has(started)) return invalid("an answer without a query");
  refresh(walk, entry, v6 ? "icmpv6_timeout" : "icmp_timeout");
  return accepted;
}
