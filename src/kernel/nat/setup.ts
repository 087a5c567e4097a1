import { invertTuple } from "../conntrack/tuple.ts";
import type { ConntrackEntry, Tuple } from "../entry.ts";
import { type Address, sameAddress } from "../packet.ts";
import type { Walk } from "../walk.ts";
import { tupleChoice } from "./choice.ts";
import type { Manip, Range } from "./range.ts";

function sameTuple(a: Tuple, b: Tuple): boolean {
  return a.sport === b.sport && a.dport === b.dport && sameAddress(a.src, b.src) && sameAddress(a.dst, b.dst);
}

/**
 * `nf_nat_setup_info`: makes one of a connection's two NAT decisions, if its entry is not confirmed yet. What the packets
 * will look like stands in the entry's reply tuple from then on.
 */
export function setupNAT(walk: Walk, entry: ConntrackEntry, range: Range, manip: Manip): void {
  if (entry.confirmed) return;
  const { state } = walk;
  const current = invertTuple(entry.reply);
  const { tuple, drawnFrom } = tupleChoice(walk, entry, current, range, manip);
  if (!sameTuple(current, tuple)) {
    state.set(entry, "reply", invertTuple(tuple));
    state.set(entry, manip === "source" ? "sourceChanged" : "destinationChanged", true);
    if (drawnFrom !== undefined)
      state.set(entry, manip === "source" ? "chosenPort" : "chosenDestinationPort", drawnFrom);
  }
  state.set(entry, manip === "source" ? "sourceDone" : "destinationDone", true);
}

/** The decision of a flow that no rule touches: addresses stay, but a source port that is taken moves (kernel-semantics §3.3). */
export function nullBinding(walk: Walk, entry: ConntrackEntry, manip: Manip): void {
  const address: Address = manip === "source" ? entry.reply.dst : entry.reply.src;
  setupNAT(
    walk,
    entry,
    { addresses: { from: address, to: address }, ports: undefined, base: undefined, random: false, persistent: false },
    manip,
  );
}
