import type { Rule } from "../../../src/rules/iptables/model.ts";
import { orderedChains } from "../../../src/rules/iptables/ruleset.ts";
import { chainKey, type Fault, type Operator, type Subject, withTable } from "./fault.ts";
import { type RuleSite, ruleSites, ruleText, tableFault } from "./rule-sites.ts";

/** An operator on where a rule stands. */
function placeOperator(name: string, faults: (site: RuleSite, subject: Subject) => readonly Fault[]): Operator {
  return {
    name,
    *faults(subject) {
      for (const site of ruleSites(subject)) yield* faults(site, subject);
    },
  };
}

const without = ({ chain, index }: RuleSite): readonly Rule[] => chain.rules.toSpliced(index, 1);

/** Of the chains behind a site's own, the last being followed by the first, those that anybody made. */
function neighbours({ table, chain }: RuleSite): readonly string[] {
  const names = orderedChains(table).map((each) => each.name);
  const at = names.indexOf(chain.name);
  return [...names.slice(at + 1), ...names.slice(0, at)].filter(
    (each) => table.chains.get(each)?.policy === undefined || chain.policy !== undefined,
  );
}

/** Faults of where rules stand: none of them writes a rule otherwise. */
export const placeOperators: readonly Operator[] = [
  placeOperator("drop a rule", (site, subject) =>
    tableFault("drop a rule", subject, site, ruleText(site.rule), { [site.chain.name]: without(site) }),
  ),
  placeOperator("swap a rule with the next", (site, subject) => {
    const { chain, index, rule } = site;
    const next = chain.rules[index + 1];
    if (next === undefined) return [];
    const rules = chain.rules.with(index, next).with(index + 1, rule);
    return tableFault("swap a rule with the next", subject, site, `${ruleText(rule)} behind ${ruleText(next)}`, {
      [chain.name]: rules,
    });
  }),
  placeOperator("move a rule to the head of its chain", (site, subject) => {
    // the second rule is swapped with the first
    if (site.index < 2) return [];
    return tableFault("move a rule to the head of its chain", subject, site, ruleText(site.rule), {
      [site.chain.name]: [site.rule, ...without(site)],
    });
  }),
  placeOperator("move a rule to a neighbour chain", (site, subject) => {
    for (const name of neighbours(site)) {
      const rules = site.table.chains.get(name)?.rules ?? [];
      const made = tableFault(
        "move a rule to a neighbour chain",
        subject,
        site,
        `${ruleText(site.rule)} to the head of ${name}`,
        { [site.chain.name]: without(site), [name]: [site.rule, ...rules] },
      );
      if (made.length > 0) return made;
    }
    return [];
  }),
  {
    name: "drop what a chain holds",
    *faults({ host, family }) {
      for (const table of host.rules[family].tables.values())
        for (const chain of table.chains.values()) {
          if (chain.rules.length < 2) continue;
          const empty = { ...table, chains: new Map([...table.chains, [chain.name, { ...chain, rules: [] }]]) };
          yield {
            operator: this.name,
            place: `${table.name} ${chain.name}: ${chain.rules.length} rules`,
            chains: new Set([chainKey(table.name, chain.name)]),
            host: () => withTable(host, family, empty),
          };
        }
    },
  },
];
