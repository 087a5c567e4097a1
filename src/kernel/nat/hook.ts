import { removeEntry } from "../conntrack/table.ts";
import { type TablePair, walkTables } from "../iptables/tables.ts";
import type { Stop } from "../outcome.ts";
import { protocols } from "../packet.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";
import type { Manip } from "./range.ts";
import { rewrite, rewriteError } from "./rewrite.ts";
import { nullBinding } from "./setup.ts";

function isICMP(skb: Skb): boolean {
  return skb.protocol === (skb.family === "IPv4" ? protocols.icmp : protocols.icmpv6);
}

/**
 * The NAT hook (`nf_nat_inet_fn`; kernel-semantics §3.1): the nat chains decide once for each kind of change of a
 * connection, a null binding where they do not; then the packet is rewritten as its entry says.
 */
export function natHook(walk: Walk, skb: Skb, tables: TablePair): Stop | undefined {
  const { entry } = skb;
  if (entry === undefined) return undefined;
  const manip: Manip = walk.hook === "PREROUTING" || walk.hook === "OUTPUT" ? "destination" : "source";
  if (skb.state === "related" && isICMP(skb)) {
    skb.isChecked = !skb.badChecksum;
    return rewriteError(walk, skb, entry, manip)
      ? undefined
      : { kind: "dropped", cause: { kind: "error-not-translated" } };
  }
  const undecided = skb.state !== "established" && !(manip === "source" ? entry.sourceDone : entry.destinationDone);
  if (undecided) {
    const done = (): boolean => (manip === "source" ? entry.sourceDone : entry.destinationDone);
    const stop = walkTables(walk, skb, tables, done);
    if (stop !== undefined) return stop;
    if (!done()) nullBinding(walk, entry, manip);
  } else if (leavesElsewhere(walk, skb)) {
    removeEntry(walk.state, entry);
    return { kind: "dropped", cause: { kind: "interface-changed" } };
  }
  return rewrite(walk, skb, entry, manip) ? undefined : { kind: "dropped", cause: { kind: "too-short" } };
}

/** `nf_nat_oif_changed`: the address of a masqueraded connection belongs to another interface than the one it leaves by now. */
function leavesElsewhere(walk: Walk, skb: Skb): boolean {
  const index = skb.entry?.masqueradeIndex ?? 0;
  return index !== 0 && walk.hook === "POSTROUTING" && skb.direction === 0 && skb.outInterface?.index !== index;
}
