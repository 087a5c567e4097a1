import type { ConnmarkTarget } from "../../rules/iptables/targets/connmark.ts";
import type { MarkTarget } from "../../rules/iptables/targets/mark.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";

/** `0x0 -> 0x4000` behind a name, or nothing when both are the same. */
function changeOf(name: string, before: number, after: number): string | undefined {
  return before === after ? undefined : `${name} 0x${before.toString(16)} -> 0x${after.toString(16)}`;
}

/** `mark_tg`: mark := (mark & ~mask) ^ value. */
export function applyMark(_walk: Walk, skb: Skb, { set }: MarkTarget): string | undefined {
  const before = skb.mark;
  skb.mark = ((before & ~set.mask) ^ set.value) >>> 0;
  return changeOf("mark", before, skb.mark);
}

/** `connmark_tg`: nothing without an entry. */
export function applyConnmark(walk: Walk, skb: Skb, target: ConnmarkTarget): string | undefined {
  const { entry } = skb;
  if (entry === undefined) return undefined;
  if (target.operation === "restore") {
    const before = skb.mark;
    skb.mark = ((before & ~target.packetMask) ^ (entry.mark & target.connectionMask)) >>> 0;
    return changeOf("mark", before, skb.mark);
  }
  const before = entry.mark;
  const after =
    target.operation === "set"
      ? ((before & ~target.set.mask) ^ target.set.value) >>> 0
      : ((before & ~target.connectionMask) ^ (skb.mark & target.packetMask)) >>> 0;
  if (after !== before) walk.state.set(entry, "mark", after);
  return changeOf("connection mark", before, after);
}
