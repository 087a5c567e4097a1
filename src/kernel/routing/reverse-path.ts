import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";

export interface ReversePathOptions {
  readonly loose: boolean;
  readonly validMark: boolean;
  readonly acceptLocal: boolean;
}

/** Minimal: left to the chooser. */
export function reversePathOk(walk: Walk, _skb: Skb, _options: ReversePathOptions): boolean {
  return walk.chooser.unknown({ what: "the way back to the source leaves by the in-interface" });
}

/** Minimal: the MTU of the interface that the packet came in by. */
export function reverseMTU(_walk: Walk, skb: Skb): number {
  return skb.inInterface?.mtu ?? 65536;
}
