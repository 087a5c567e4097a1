import type { Ruleset, Table } from "../../rules/iptables/ruleset.ts";
import type { Builtin, Hook } from "../event.ts";
import type { Stop } from "../outcome.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";
import { walkTable } from "./walk-table.ts";

/** A table of one name: that of the host's back end, and that of the legacy one beside it, if there is one. */
export interface TablePair {
  readonly own: Table | undefined;
  readonly legacy: Table | undefined;
}

/** The tables of one family by their names. */
export type TablePairs = Readonly<Record<Builtin, TablePair>>;

/** The tables of a family for the hooks that run them; made once (`makeHost`). */
export function pairTables({ tables }: Ruleset): TablePairs {
  const pair = (name: Builtin): TablePair => ({ own: tables.get(name), legacy: tables.get(`legacy:${name}`) });
  return {
    raw: pair("raw"),
    mangle: pair("mangle"),
    nat: pair("nat"),
    filter: pair("filter"),
    security: pair("security"),
  };
}

function hasSay(table: Table, hook: Hook): boolean {
  const chain = table.chains.get(hook);
  return chain !== undefined && (chain.rules.length > 0 || (chain.policy ?? "ACCEPT") !== "ACCEPT");
}

/**
 * The tables in the order in which they run. Both back ends hook in with the same priority, and the one that came later runs
 * first (`nf_hook_entries_grow`): which that was no dump tells.
 */
function inOrder(walk: Walk, { own, legacy }: TablePair): readonly Table[] {
  if (legacy === undefined) return own === undefined ? [] : [own];
  if (own === undefined) return [legacy];
  if (!hasSay(own, walk.hook) || !hasSay(legacy, walk.hook)) return [own, legacy];
  walk.legacyFirst ??= new Map();
  let first = walk.legacyFirst.get(own.name);
  if (first === undefined) {
    const what = `table ${own.name} of the legacy back end comes before that of nft`;
    first = walk.chooser.unknown({ what });
    walk.legacyFirst.set(own.name, first);
  }
  return first ? [legacy, own] : [own, legacy];
}

/** Walks the tables of a name one after the other, until one stops the packet or `enough` says so. */
export function walkTables(walk: Walk, skb: Skb, pair: TablePair, enough?: () => boolean): Stop | undefined {
  if (pair.legacy === undefined) return walkOne(walk, skb, pair.own);
  for (const table of inOrder(walk, pair)) {
    const stop = walkTable(walk, skb, table, walk.hook);
    if (stop !== undefined) return stop;
    if (enough?.() === true) return undefined;
  }
  return undefined;
}

/** Walks one table, if it is there. */
export function walkOne(walk: Walk, skb: Skb, table: Table | undefined): Stop | undefined {
  return table === undefined ? undefined : walkTable(walk, skb, table, walk.hook);
}
