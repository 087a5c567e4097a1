import type { ChunkTest, SCTPMatch } from "../../rules/iptables/matches/sctp.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";
import { portFieldsMatch } from "./ports.ts";

/** `match_packet` of xt_sctp.c, for chunk types without flags. */
function chunksMatch(chunks: readonly number[], { mode, types }: ChunkTest): boolean {
  if (types === "all") return mode !== "all";
  switch (mode) {
    case "all":
      return types.every((type) => chunks.includes(type));
    case "any":
      return chunks.some((type) => types.includes(type));
    case "only":
      return chunks.every((type) => types.includes(type));
  }
}

/** `-m sctp`: ports, and the types of the packet's chunks. */
export function sctpMatches(walk: Walk, skb: Skb, match: SCTPMatch): boolean {
  if (!portFieldsMatch(walk, skb, match)) return false;
  const { chunks } = match;
  if (chunks !== undefined && skb.chunks.length === 0) {
    walk.hotdrop = true;
    return false;
  }
  return chunks === undefined || chunksMatch(skb.chunks, chunks.value) !== chunks.negated;
}
