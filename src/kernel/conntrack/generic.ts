import type { ConntrackEntry } from "../entry.ts";
import type { Walk } from "../walk.ts";
import { accepted, refresh, type Verdict } from "./verdict.ts";

/** Protocols without a tracker of their own, by addresses and protocol number only (nf_conntrack_proto_generic.c). */
export function trackGeneric(walk: Walk, entry: ConntrackEntry): Verdict {
  refresh(walk, entry, "generic_timeout");
  return accepted;
}

/** GRE (`nf_conntrack_gre_packet`), version 0: the long timeout and ASSURED come with the first packet after a reply. */
export function trackGRE(walk: Walk, entry: ConntrackEntry): Verdict {
  if (!entry.seenReply) {
    refresh(walk, entry, "gre_timeout");
    return accepted;
  }
  refresh(walk, entry, "gre_timeout_stream");
  if (!entry.assured) walk.state.set(entry, "assured", true);
  return accepted;
}
