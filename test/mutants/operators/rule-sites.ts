import type { IPFamily } from "../../../src/net/family.ts";
import type { IPSet } from "../../../src/rules/ipset/model.ts";
import { formatRule } from "../../../src/rules/iptables/format.ts";
import type { Rule } from "../../../src/rules/iptables/model.ts";
import { type Chain, orderedChains, type Table } from "../../../src/rules/iptables/ruleset.ts";
import { writeRule } from "../../../src/rules/iptables/write-rule.ts";
import { chainKey, type Fault, type Operator, type Subject, withTable } from "./fault.ts";
import { isLoadable } from "./loadable.ts";

/** A rule where it stands. */
export interface RuleSite {
  readonly family: IPFamily;
  readonly table: Table;
  readonly chain: Chain;
  /** From 0. */
  readonly index: number;
  readonly rule: Rule;
  readonly sets: readonly IPSet[];
}

/** Rules as iptables-save prints them, without comments: places are one line. */
export const ruleText = (rule: Rule): string =>
  formatRule(writeRule({ ...rule, matches: rule.matches.filter(({ kind }) => kind !== "comment") }));

/** Every rule of a node's family. */
export function* ruleSites({ host, family, sets }: Subject): Generator<RuleSite> {
  for (const table of host.rules[family].tables.values())
    for (const chain of orderedChains(table))
      for (const [index, rule] of chain.rules.entries()) yield { family, table, chain, index, rule, sets };
}

/** The table with other rules in some of its chains. */
export function withChains(table: Table, changed: Readonly<Record<string, readonly Rule[]>>): Table {
  const chains = Object.entries(changed).map(([name, rules]): [string, Chain] => [
    name,
    { ...(table.chains.get(name) as Chain), rules: rules.map((rule) => ({ ...rule, chain: name })) },
  ]);
  return { ...table, chains: new Map([...table.chains, ...chains]) };
}

const placeOf = ({ table, chain, index }: RuleSite, what: string): string =>
  `${table.name} ${chain.name} ${index + 1}: ${what}`;

/** A fault of the table a rule stands in; none where no kernel would take the table. */
export function tableFault(
  operator: string,
  { host, family }: Subject,
  site: RuleSite,
  what: string,
  changed: Readonly<Record<string, readonly Rule[]>>,
): readonly Fault[] {
  const table = withChains(site.table, changed);
  if (!isLoadable(table)) return [];
  const chains = new Set(Object.keys(changed).map((name) => chainKey(table.name, name)));
  return [{ operator, place: placeOf(site, what), chains, host: () => withTable(host, family, table) }];
}

/** An operator that writes single rules otherwise: `change` gives all the ways to do so. */
export function ruleOperator(name: string, change: (site: RuleSite) => readonly Rule[]): Operator {
  return {
    name,
    *faults(subject) {
      for (const site of ruleSites(subject)) {
        for (const rule of change(site)) {
          const what = `${ruleText(site.rule)} became ${ruleText(rule)}`;
          yield* tableFault(name, subject, site, what, {
            [site.chain.name]: site.chain.rules.with(site.index, rule),
          });
        }
      }
    },
  };
}
