import type { ConntrackEntry } from "../entry.ts";
import { protocols } from "../packet.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";
import { accepted, checksumRefused, invalid, refresh, type Verdict } from "./verdict.ts";

/** A flow that is answered counts as a stream when it is older than this, in milliseconds. */
const STREAM_AFTER = 2000;

/**
 * UDP and UDP-Lite (`nf_conntrack_udp_packet`, `…udplite_packet`): the long timeout and ASSURED come with a packet after
 * the reply, for UDP not before 2 s after the first packet.
 */
export function trackUDP(walk: Walk, skb: Skb, entry: ConntrackEntry): Verdict {
  // the kernel checks UDP-Lite as if its pseudo header said UDP (udplite_error): the sums that are right are the ones it refuses
  const wrong = skb.protocol === protocols.udplite ? { badChecksum: true } : skb;
  if (checksumRefused(walk, wrong)) return invalid("bad checksum");
  const { state } = walk;
  if (!entry.confirmed) state.set(entry, "protocolState", { kind: "udp", streamFrom: state.now + STREAM_AFTER });
  const stream =
    skb.protocol === protocols.udplite ||
    (entry.protocolState?.kind === "udp" && state.now > entry.protocolState.streamFrom);
  if (!entry.seenReply || !stream) {
    refresh(walk, entry, "udp_timeout");
    return accepted;
  }
  refresh(walk, entry, "udp_timeout_stream");
  if (!entry.assured) state.set(entry, "assured", true);
  return accepted;
}
