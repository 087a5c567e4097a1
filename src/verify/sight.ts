import type { Chooser } from "../kernel/chooser.ts";
import { evaluateMatch } from "../kernel/matches/evaluate.ts";
import { type RecentTable, setRecentTable } from "../kernel/matches/recent-table.ts";
import type { Skb } from "../kernel/skb.ts";
import type { Walk } from "../kernel/walk.ts";
import { type Interval, type IntervalSet, intervalsOf } from "../net/intervals.ts";
import { upperBound } from "../net/sorted.ts";
import type { Match } from "../rules/iptables/model.ts";
import { type Box, type Field, fieldContent, type Part } from "./field.ts";

/** Which fields still are as the packet had them when it was sent; the others were written by NAT. */
export type Sent = Readonly<Record<Field, boolean>>;

/** A packet at a rule. */
export interface Sight {
  readonly walk: Walk;
  readonly skb: Skb;
  readonly universe: Box;
  /** Now, and as it entered the host: what conntrack keeps as its original tuple. */
  readonly sent: Sent;
  readonly entered: Sent;
  /** What the host remembered by name (`state.ofName`) as the packet entered it. */
  readonly known: ReadonlyMap<string, unknown>;
  /** Its `recent` lists as they were before the rule, by the names that the rule asks for. */
  readonly lists: ReadonlyMap<string, RecentTable>;
  readonly memory: HostMemory;
}

/** What was found out about matches that only look at a host and at fields as sent; good for as long as the host is the same. */
export interface HostMemory {
  /** Of matches that look at an address with the host's routes, by what else they look at. */
  readonly addresses: Map<string, Map<object, Condition>>;
  /** Of sets that are as they were listed, by the packets there are. */
  readonly sets: WeakMap<Box, Map<object, readonly Condition[]>>;
}

export const makeMemory = (): HostMemory => ({ addresses: new Map(), sets: new WeakMap() });

/** One condition of a rule, in terms of the fields that are as sent. */
export type Condition =
  /** Depends on none of them. */
  | { readonly kind: "constant"; readonly holds: boolean }
  /** Asks what is left to chance or not modelled, or drops the packet on the spot. */
  | { readonly kind: "asks" }
  /** A field is in a set; for some of its values it is asked (`asked`). */
  | { readonly kind: "in"; readonly field: Field; readonly set: IntervalSet; readonly asked: IntervalSet }
  /** The packet is in one of several parts. */
  | { readonly kind: "either"; readonly parts: readonly Part[] }
  /** Depends on these fields in a way that is no product of sets. */
  | { readonly kind: "coupled"; readonly fields: readonly Field[]; readonly why: string };

export const constant = (holds: boolean): Condition => ({ kind: "constant", holds });
export const asks: Condition = { kind: "asks" };

const nothing: IntervalSet = [];

export function inField(field: Field, set: IntervalSet, asked: IntervalSet = nothing): Condition {
  return { kind: "in", field, set, asked };
}

/** Does a match hold for a packet as it is; `undefined` where it asks or drops. The state stays as it was. */
export function tryMatch({ walk, lists }: Pick<Sight, "walk" | "lists">, skb: Skb, match: Match): boolean | undefined {
  let asked = false;
  const note = (): false => {
    asked = true;
    return false;
  };
  const chooser: Chooser = {
    below: note,
    unknown: note,
    share: () => (note() ? 1 : 0),
    port: () => (note() ? 1 : undefined),
  };
  const own: Walk = { ...walk, chooser, record: undefined, observe: undefined, answers: [], hotdrop: false };
  const mark = walk.state.mark();
  try {
    for (const [name, list] of lists) setRecentTable(walk.state, name, list);
    const holds = evaluateMatch(own, skb, match);
    return asked || own.hotdrop ? undefined : holds;
  } finally {
    walk.state.rollback(mark);
  }
}

/** A match that depends on none of the fields. */
export function constantMatch(sight: Sight, match: Match): Condition {
  const holds = tryMatch(sight, sight.skb, match);
  return holds === undefined ? asks : constant(holds);
}

/** A set cut where a number of ascending `edges` begins something new; the parts in order. */
export function cutAt(set: IntervalSet, edges: readonly bigint[]): Interval[] {
  const pieces: Interval[] = [];
  for (const { from, to } of set) {
    let begin = from;
    for (let next = upperBound(edges, from); next < edges.length && (edges[next] as bigint) <= to; next++) {
      pieces.push({ from: begin, to: (edges[next] as bigint) - 1n });
      begin = edges[next] as bigint;
    }
    pieces.push({ from: begin, to });
  }
  return pieces;
}

/** A match that depends on one field, and on it in the same way for all numbers between two ascending edges. */
export function matchByEdges(sight: Sight, match: Match, field: Field, edges: readonly bigint[]): Condition {
  const probe: Skb = { ...sight.skb };
  const [holding, asked]: [Interval[], Interval[]] = [[], []];
  for (const piece of cutAt(sight.universe[field], edges)) {
    (probe as Record<Field, unknown>)[field] = fieldContent(field, piece.from, probe.family);
    const holds = tryMatch(sight, probe, match);
    if (holds === undefined) asked.push(piece);
    else if (holds) holding.push(piece);
  }
  return inField(field, intervalsOf(holding), intervalsOf(asked));
}
