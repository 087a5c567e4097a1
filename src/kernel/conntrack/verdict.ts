import type { ConntrackEntry } from "../entry.ts";
import type { Walk } from "../walk.ts";
import { type TimeoutName, timeoutOf } from "./timeouts.ts";

/**
 * What a protocol's tracker says about a packet and the entry it was found by or made for: it belongs to it; it does not and
 * is INVALID; the entry was removed so that the packet starts a new one (`NF_REPEAT`).
 */
export type Verdict =
  | { readonly kind: "accepted" }
  | { readonly kind: "invalid"; readonly reason: string }
  | { readonly kind: "again" };

export const accepted: Verdict = { kind: "accepted" };
export const again: Verdict = { kind: "again" };

/** The packet is INVALID, with the reason in the words of the kernel's log or near them. */
export function invalid(reason: string): Verdict {
  return { kind: "invalid", reason };
}

/** Lets an entry live for a timeout from now on (`nf_ct_refresh_acct`). */
export function refresh(walk: Walk, entry: ConntrackEntry, name: TimeoutName): void {
  refreshFor(walk, entry, timeoutOf(walk.host.sysctls, name));
}

/** Lets an entry live for so many seconds from now on. */
export function refreshFor(walk: Walk, entry: ConntrackEntry, seconds: number): void {
  const expires = walk.state.now + seconds * 1000;
  if (entry.expires !== expires) walk.state.set(entry, "expires", expires);
}

/** Is the transport checksum wrong at a place where conntrack looks at it: in PREROUTING, with nf_conntrack_checksum on? */
export function checksumRefused(walk: Walk, packet: { readonly badChecksum: boolean }): boolean {
  return packet.badChecksum && walk.hook === "PREROUTING" && walk.host.sysctls.conntrackChecksum;
}
