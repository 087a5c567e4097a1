import { type IPFamily, ipFamilies } from "../net/family.ts";
import { type Backend, emptyRuleset, type Ruleset, type Table } from "../rules/iptables/ruleset.ts";
import type { Report } from "../text/diagnostic.ts";
import { unseenRuleset } from "./extract.ts";
import type { RulesDump } from "./rules.ts";

/** The rules of a node, of all runs of iptables-save together. */
export interface JoinedRules {
  readonly rules: Readonly<Record<IPFamily, Ruleset>>;
  /** That of the node: nft where both are in use. */
  readonly backend: Backend | undefined;
}

const isEmpty = ({ chains }: Table): boolean =>
  [...chains.values()].every(({ rules, policy = "ACCEPT" }) => rules.length === 0 && policy === "ACCEPT");

const isShown = ({ chains }: Table): boolean => [...chains.values()].some(({ unseen }) => unseen === undefined);

/** A later run brings further tables, or their newer state; what an extract does not show replaces nothing. */
function join(known: Ruleset, added: Ruleset): Ruleset {
  const tables = [...added.tables].filter(([name, table]) => !known.tables.has(name) || isShown(table));
  const all = new Map([...known.tables, ...tables]);
  return known.isExtract === true || added.isExtract === true ? { tables: all, isExtract: true } : { tables: all };
}

function ofFamily(runs: readonly RulesDump[], family: IPFamily): Ruleset {
  const own = runs
    .filter((run) => run.family === family)
    .reduce((all, { ruleset }) => join(all, ruleset), emptyRuleset);
  // rules that may be of this family as well say nothing about it
  const open = runs.some((run) => run.isAssumed && run.family !== family && run.ruleset.isExtract === true);
  return own.tables.size === 0 && open ? unseenRuleset : own;
}

/** The tables of the legacy back end beside those of nft, under names of their own. */
function beside(own: Ruleset, legacy: Ruleset): Ruleset {
  const named = [...legacy.tables].map(
    ([name, table]) => [`legacy:${name}`, { ...table, name: `legacy:${name}` }] as const,
  );
  const tables = new Map([...own.tables, ...named]);
  return own.isExtract === true || legacy.isExtract === true ? { tables, isExtract: true } : { tables };
}

/** The back ends that have rules. */
function backendsOf(runs: readonly RulesDump[]): ReadonlySet<Backend> {
  return new Set(
    runs.flatMap(({ backend, ruleset }) =>
      backend === undefined || [...ruleset.tables.values()].every(isEmpty) ? [] : [backend],
    ),
  );
}

/**
 * Puts together what runs of iptables-save show of one node. Rules of both back ends are kept apart, as the kernel keeps them:
 * a packet goes through both. A text that does not tell its back end belongs to the one that the others tell.
 */
export function joinRuns(runs: readonly RulesDump[], report: Report): JoinedRules {
  const both = backendsOf(runs).size === 2;
  const legacy = both ? runs.filter(({ backend }) => backend === "legacy") : [];
  const others = both ? runs.filter(({ backend }) => backend !== "legacy") : runs;
  const [IPv4, IPv6] = ipFamilies.map((family) => {
    const own = ofFamily(others, family);
    return both ? beside(own, ofFamily(legacy, family)) : own;
  }) as [Ruleset, Ruleset];
  if (both) {
    const message =
      "there are rules of both back ends of iptables (nft and legacy): packets go through both, and no dump tells which come first; tables of the legacy one are named legacy:filter and so on";
    report({ severity: "warning", code: "both-backends", message });
  }
  const told = runs.find(({ backend }) => backend !== undefined)?.backend;
  return { rules: { IPv4, IPv6 }, backend: both ? "nft" : told };
}
