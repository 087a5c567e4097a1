import type { CTTarget } from "../../rules/iptables/targets/ct.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";

/**
 * Has the packet an entry, a template or the word to be left alone already? Then CT and NOTRACK do nothing (`skb->_nfct`):
 * the first of them wins, and packets that come back over lo keep what they have.
 */
function isDecided(skb: Skb): boolean {
  return skb.entry !== undefined || skb.state !== "none" || skb.zone !== 0;
}

/** `notrack_tg`: conntrack leaves the packet alone. */
export function applyNotrack(_walk: Walk, skb: Skb): string | undefined {
  if (isDecided(skb)) return undefined;
  skb.state = "untracked";
  return "untracked";
}

/** Does the target ask for something whose effect is not modelled: a zone for one direction only, a helper, a timeout policy? */
export function isCTModelled({ zoneOriginal, zoneReply, helper, timeout }: CTTarget): boolean {
  return zoneOriginal === undefined && zoneReply === undefined && helper === undefined && timeout === undefined;
}

/** `xt_ct_target`. Which events are reported makes no difference to packets. */
export function applyCT(walk: Walk, skb: Skb, target: CTTarget): string | undefined {
  if (target.notrack) return applyNotrack(walk, skb);
  if (isDecided(skb) || target.zone === undefined) return undefined;
  // a zone has 16 bits; the mark is read when conntrack runs, which only another rule of raw could change
  skb.zone = target.zone === "mark" ? skb.mark & 0xffff : target.zone;
  return `zone ${skb.zone}`;
}
