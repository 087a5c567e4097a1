import { builtinChains, type Unseen } from "../rules/iptables/ruleset.ts";
import type { Fragment, FragmentLine } from "./fragments.ts";

/** A table of which a text may not hold everything. */
export interface TableExtract {
  readonly table: string;
  /** Chains that the text does not show as a whole, also those that rules only name. */
  readonly chains: ReadonlyMap<string, Unseen>;
  /** Built-in chains whose policy is not shown. */
  readonly policies: ReadonlySet<string>;
}

/** What is not in a text of rules. */
export interface RulesExtract {
  readonly tables: ReadonlyMap<string, TableExtract>;
  /** The text is cut where further tables may have stood: none that it does not show is known to be empty. */
  readonly mayHaveMore: boolean;
}

/** Built-in chains that a table has in every kernel; nat's INPUT came with 2.6.36. */
const expected = (table: string): readonly string[] =>
  (builtinChains.get(table) ?? []).filter((chain) => table !== "nat" || chain !== "INPUT");

/** Where a chain stands in what iptables-save prints: built-in ones in hook order, then the others by name. */
function comparePosition(table: string, a: string, b: string): number {
  const builtin = builtinChains.get(table) ?? [];
  const [x, y] = [builtin.indexOf(a), builtin.indexOf(b)];
  if (x >= 0 || y >= 0) return (x < 0 ? builtin.length : x) - (y < 0 ? builtin.length : y);
  return a < b ? -1 : a > b ? 1 : 0;
}

function inSaveOrder(table: string, rules: readonly FragmentLine[]): boolean {
  return rules.every(({ chain }, i) => i === 0 || comparePosition(table, rules[i - 1]?.chain ?? "", chain) <= 0);
}

interface Shown {
  readonly declared: ReadonlySet<string>;
  readonly rules: readonly FragmentLine[];
  /** Chains with rules, chains that rules jump to. */
  readonly filled: ReadonlySet<string>;
  readonly named: ReadonlySet<string>;
}

function shownBy(lines: readonly FragmentLine[]): Shown {
  const rules = lines.filter(({ rule }) => rule !== undefined);
  return {
    declared: new Set(lines.filter(({ rule }) => rule === undefined).map(({ chain }) => chain)),
    rules,
    filled: new Set(rules.map(({ chain }) => chain)),
    named: new Set(rules.flatMap(({ rule }) => rule?.jump ?? [])),
  };
}

/** How much of a table one fragment shows. */
export type Extent =
  /** From its first line to COMMIT, or a listing that shows every built-in chain. */
  | "whole"
  /** To its COMMIT, in the order of iptables-save. */
  | "end"
  /** From its beginning, in the order of iptables-save. */
  | "beginning"
  /** Lines of it, between which others may be missing. */
  | "lines";

export function extentOf(fragment: Fragment, table: string, isListing: boolean): Extent {
  const { opening, closing, gaps, generated, completed, lines } = fragment;
  if (gaps) return "lines";
  if (opening !== undefined && closing !== undefined) return "whole";
  const { rules, declared } = shownBy(lines);
  const ordered = inSaveOrder(table, rules);
  if (opening !== undefined) return generated && ordered ? "beginning" : "lines";
  if (closing !== undefined) return completed && ordered ? "end" : "lines";
  return isListing && expected(table).every((chain) => declared.has(chain)) ? "whole" : "lines";
}

/** Which chains of a table the lines leave open. */
export function tableExtract(table: string, lines: readonly FragmentLine[], extent: Extent): TableExtract {
  const shown = shownBy(lines);
  const { declared, filled, named, rules } = shown;
  const builtin = expected(table);
  const all = new Set([...builtin, ...declared, ...filled, ...named]);
  const chains = new Map<string, Unseen>();
  // an input of iptables-restore --noflush; one that fills built-in chains makes those that it does not name empty
  const isPartial =
    extent === "whole" &&
    all.size > builtin.length &&
    !builtin.some((chain) => declared.has(chain) || filled.has(chain));
  const undeclared = builtin.filter((chain) => !declared.has(chain));
  for (const chain of all) {
    const unseen = unseenOf(chain);
    if (unseen !== undefined) chains.set(chain, unseen);
  }
  const isRestored = extent === "whole" && !isPartial;
  return { table, chains, policies: new Set(isRestored ? [] : undeclared) };

  function unseenOf(chain: string): Unseen | undefined {
    switch (extent) {
      case "lines":
        return "rules";
      case "whole":
        return !isPartial || declared.has(chain) ? undefined : "rules";
      case "end": {
        // all declarations stand before all rules
        if (declared.size > 0) return undefined;
        const first = rules[0]?.chain;
        return first === undefined || comparePosition(table, chain, first) <= 0 ? "rules" : undefined;
      }
      case "beginning": {
        const last = rules.at(-1)?.chain;
        if (last === undefined) return "rules";
        const order = comparePosition(table, chain, last);
        return order < 0 ? undefined : order === 0 ? "end" : "rules";
      }
    }
  }
}

/** Does the extract leave anything open? */
export function leavesOpen({ tables, mayHaveMore }: RulesExtract): boolean {
  return mayHaveMore || [...tables.values()].some(({ chains, policies }) => chains.size > 0 || policies.size > 0);
}
