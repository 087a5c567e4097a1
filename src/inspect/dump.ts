import type { IPFamily } from "../net/family.ts";
import type { Rule } from "../rules/iptables/model.ts";
import type { Backend } from "../rules/iptables/ruleset.ts";
import type { Source } from "../text/diagnostic.ts";

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
}

/** The tables of one family, as one run of iptables-save prints them. */
export interface Dump {
  readonly source: Source;
  readonly family: IPFamily;
  readonly backend?: Backend;
  readonly tables: ReadonlyMap<string, LintTable>;
}

/** The chain a rule jumps or goes to, as far as it is not a target of its own. */
export function leadsTo(rule: Rule): string | undefined {
  const { target } = rule;
  return target !== undefined && (target.kind === "jump" || target.kind === "goto") ? target.chain : undefined;
}
