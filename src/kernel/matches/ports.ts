import type { PortFields } from "../../rules/iptables/matches/ports.ts";
import type { PortRange } from "../../rules/iptables/values.ts";
import type { PortChoice } from "../chooser.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";
import { askUnknown } from "./not-modelled.ts";

/** How many ports of a range lie in at least one of the others, which may overlap. */
function covered(choice: PortChoice, ranges: readonly PortRange[]): number {
  let count = 0;
  let next = choice.from;
  while (next <= choice.to) {
    let end = -1;
    let begin = choice.to + 1;
    for (const { from, to } of ranges) {
      if (from <= next && to >= next) end = Math.max(end, to);
      else if (from > next) begin = Math.min(begin, from);
    }
    if (end < 0) {
      next = begin;
      continue;
    }
    count += Math.min(end, choice.to) - next + 1;
    next = end + 1;
  }
  return count;
}

/**
 * Is a port in one of the ranges? Where the kernel drew it at random from `choice`, this is known only when the whole
 * choice lies within them or outside; else it is left to the chooser.
 */
export function portIsIn(
  walk: Walk,
  skb: Skb,
  port: number,
  choice: PortChoice | undefined,
  ranges: readonly PortRange[],
): boolean {
  if (choice === undefined) {
    for (const { from, to } of ranges) if (port >= from && port <= to) return true;
    return false;
  }
  const inside = covered(choice, ranges);
  if (inside === 0) return false;
  if (inside === choice.to - choice.from + 1) return true;
  const list = ranges.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`)).join(", ");
  return askUnknown(walk, skb, `a port that the kernel drew from ${choice.from}-${choice.to} is in ${list}`);
}

function inRange(walk: Walk, skb: Skb, port: number, choice: PortChoice | undefined, range: PortRange): boolean {
  return choice === undefined ? port >= range.from && port <= range.to : portIsIn(walk, skb, port, choice, [range]);
}

/** `--sport` and `--dport`; later fragments have no ports and match nothing, inverted or not (xt_tcpudp.c, xt_sctp.c). */
export function portFieldsMatch(walk: Walk, skb: Skb, { source, destination }: PortFields): boolean {
  if (skb.fragmentOffset !== 0) return false;
  if (
    destination !== undefined &&
    inRange(walk, skb, skb.dport, skb.dportChoice, destination.value) === destination.negated
  )
    return false;
  return source === undefined || inRange(walk, skb, skb.sport, skb.sportChoice, source.value) !== source.negated;
}
