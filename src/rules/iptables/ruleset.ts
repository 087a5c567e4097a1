import type { Rule } from "./model.ts";
import type { Counters } from "./syntax.ts";

/** Which variant of the tools works on the rules: they differ in a few points. */
export type Backend = "nft" | "legacy";

/**
 * What an extract of a dump leaves open about a chain: `rules` when some may stand anywhere in it that are not shown (or none
 * is shown at all), `end` when only behind the last that is.
 */
export type Unseen = "rules" | "end";

/** A chain with its rules in order. Built-in chains have a policy and, for it, counters. */
export interface Chain {
  readonly name: string;
  readonly policy?: string;
  readonly counters?: Counters;
  readonly rules: readonly Rule[];
  /** Only in what was read from an extract. */
  readonly unseen?: Unseen;
  /** The policy is assumed: an extract does not show it. */
  readonly policyUnseen?: true;
}

/** A table: its built-in chains and those that were made, by name. */
export interface Table {
  readonly name: string;
  readonly chains: ReadonlyMap<string, Chain>;
}

/** The tables of one family, the one that was used first comes first. */
export interface Ruleset {
  readonly tables: ReadonlyMap<string, Table>;
  /** The rules were read from an extract: others than those that are here may be in force. */
  readonly isExtract?: true;
}

/** No tables: a namespace nobody has touched. */
export const emptyRuleset: Ruleset = { tables: new Map() };

/** The built-in chains of each table in hook order. */
export const builtinChains: ReadonlyMap<string, readonly string[]> = new Map([
  ["filter", ["INPUT", "FORWARD", "OUTPUT"]],
  ["nat", ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"]],
  ["mangle", ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"]],
  ["raw", ["PREROUTING", "OUTPUT"]],
  ["security", ["INPUT", "FORWARD", "OUTPUT"]],
]);

/** A table as it is when nobody has touched it: empty built-in chains that accept. `undefined` for an unknown name. */
export function newTable(name: string): Table | undefined {
  const names = builtinChains.get(name);
  if (names === undefined) return undefined;
  return { name, chains: new Map(names.map((chain) => [chain, { name: chain, policy: "ACCEPT", rules: [] }])) };
}

/** The chains of a table as iptables-save lists them: built-in ones in hook order, then the others in byte order. */
export function orderedChains(table: Table): readonly Chain[] {
  const builtin: Chain[] = [];
  for (const name of builtinChains.get(table.name) ?? []) {
    const chain = table.chains.get(name);
    if (chain !== undefined) builtin.push(chain);
  }
  const others = [...table.chains.values()].filter((chain) => chain.policy === undefined);
  return [...builtin, ...others.sort(others.some(({ name }) => SURROGATE.test(name)) ? byBytes : byCodeUnits)];
}

/** The order of UTF-8 bytes is that of code units as long as there are no surrogates, and the engine's own is fast. */
const SURROGATE = /[\ud800-\udfff]/;

function byCodeUnits(a: Chain, b: Chain): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

function byBytes(a: Chain, b: Chain): number {
  return compareBytes(a.name, b.name);
}

/** Order of the UTF-8 bytes, which is the order of code points. */
function compareBytes(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(i);
    if (left === right) continue;
    // surrogates stand for code points above all others
    const isHigh = (code: number): boolean => code >= 0xd800 && code <= 0xdfff;
    if (isHigh(left) !== isHigh(right)) return isHigh(left) ? 1 : -1;
    return left - right;
  }
  return a.length - b.length;
}
