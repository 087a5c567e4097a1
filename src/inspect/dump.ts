import type { IPFamily } from "../net/family.ts";
import type { Rule } from "../rules/iptables/model.ts";
import type { Backend } from "../rules/iptables/ruleset.ts";
import type { Place, Source } from "../text/diagnostic.ts";

/** A rule with the offset of the line it was read from. */
export interface LintRule extends Rule {
  readonly offset: number;
}

/** A chain; `offset` is that of the line that declares it, or of the table's when none does. */
export interface LintChain {
  readonly name: string;
  readonly offset: number;
  readonly builtin: boolean;
  readonly rules: readonly LintRule[];
}

/** A table as the text leaves it. */
export interface LintTable {
  readonly name: string;
  readonly offset: number;
  readonly chains: ReadonlyMap<string, LintChain>;
  /** The text says nothing of the built-in chains: it is an input of `iptables-restore --noflush`, not a whole table. */
  readonly partial: boolean;
  /** The text may not hold all of it: it is cut, or an extract. */
  readonly extract: boolean;
}

/** The tables of one family, as one run of iptables-save prints them. */
export interface Dump {
  /** The text that offsets are of: what was given, without what its way here has put into it. */
  readonly source: Source;
  /** The place of an offset in the text as it was given. */
  readonly placeOf: (offset: number) => Place;
  readonly family: IPFamily;
  readonly backend?: Backend;
  readonly tables: ReadonlyMap<string, LintTable>;
}

/** The chain a rule jumps or goes to, as far as it is not a target of its own. */
export function leadsTo(rule: Rule): string | undefined {
  const { target } = rule;
  return target !== undefined && (target.kind === "jump" || target.kind === "goto") ? target.chain : undefined;
}
