import { builtinChains } from "../rules/iptables/ruleset.ts";
import type { FragmentLine } from "./fragments.ts";
import { EVERY_TABLE, maskOf, type TableMask, tablesIn, tablesOfChain, tablesWithBuiltins } from "./tables-of.ts";

/** What is known of the table of lines without `*table`. */
export interface TableHints {
  /** All lines stand in one table: a COMMIT closes them. */
  readonly isOne: boolean;
  /** `-t` of the command at the prompt, or filter where a listing has none. */
  readonly told: string | undefined;
  /** Tables that stand elsewhere in the same run. */
  readonly others: TableMask;
}

/** The table of each line, or which ones it can be in where that is not told. */
export type Assigned = readonly TableMask[];

const isSingle = (mask: TableMask): boolean => mask !== 0 && (mask & (mask - 1)) === 0;
const FILTER = maskOf("filter");

/** filter where it is one of two with security: a table that only labels packets. */
const settled = (mask: TableMask): TableMask => (mask === (FILTER | maskOf("security")) ? FILTER : mask);

/** Chains that jump to each other stand in one table: what they can be in together. */
class Groups {
  readonly #parents = new Map<string, string>();
  readonly #masks = new Map<string, TableMask>();

  #root(chain: string): string {
    let at = chain;
    for (let next = this.#parents.get(at); next !== undefined; next = this.#parents.get(at)) at = next;
    return at;
  }

  narrow(chain: string, mask: TableMask): void {
    const root = this.#root(chain);
    this.#masks.set(root, this.of(root) & mask);
  }

  join(a: string, b: string): void {
    const [x, y] = [this.#root(a), this.#root(b)];
    if (x === y) return;
    this.#parents.set(x, y);
    this.#masks.set(y, this.of(x) & this.of(y));
  }

  of(chain: string): TableMask {
    return this.#masks.get(this.#root(chain)) ?? EVERY_TABLE;
  }
}

const BUILTIN: ReadonlySet<string> = new Set([...builtinChains.values()].flat());
const isBuiltin = (chain: string): boolean => BUILTIN.has(chain);

function ofLine({ chain, rule }: FragmentLine): TableMask {
  return rule?.tables ?? tablesOfChain(chain);
}

function groupsOf(lines: readonly FragmentLine[]): Groups {
  const groups = new Groups();
  for (const line of lines) {
    const { chain, rule } = line;
    // a built-in chain's name stands in several tables and says nothing of the lines beside it
    if (isBuiltin(chain)) continue;
    groups.narrow(chain, ofLine(line));
    if (rule?.jump !== undefined) {
      groups.narrow(rule.jump, tablesOfChain(rule.jump));
      groups.join(chain, rule.jump);
    }
  }
  return groups;
}

/** The tables that the lines without `*table` stand in, as far as chains, targets and jumps tell. */
export function inferTables(lines: readonly FragmentLine[], hints: TableHints): Assigned {
  if (hints.told !== undefined) return lines.map(() => maskOf(hints.told as string));
  const builtins = new Set(
    lines.filter(({ rule, chain }) => rule === undefined && isBuiltin(chain)).map(({ chain }) => chain),
  );
  const shape = tablesWithBuiltins(builtins);
  if (hints.isOne || shape !== 0) {
    let mask = lines.reduce((sum, line) => sum & ofLine(line), EVERY_TABLE & ~hints.others);
    if (!isSingle(mask) && (mask & shape) !== 0) mask &= shape;
    mask = settled(mask);
    if (hints.isOne || isSingle(mask)) return lines.map(() => mask);
  }
  const groups = groupsOf(lines);
  return lines.map((line) => {
    const { chain, rule } = line;
    const own = ofLine(line);
    const group = isBuiltin(chain) ? (rule?.jump === undefined ? EVERY_TABLE : groups.of(rule.jump)) : groups.of(chain);
    const both = own & group;
    return settled(both === 0 ? own : both);
  });
}

/** The one table of a mask, `undefined` for none and for several. */
export function onlyTable(mask: TableMask): string | undefined {
  return isSingle(mask) ? tablesIn(mask)[0] : undefined;
}
