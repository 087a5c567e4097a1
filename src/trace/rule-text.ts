import type { RuleRef } from "../kernel/event.ts";
import type { Host } from "../kernel/host.ts";
import { formatRule } from "../rules/iptables/format.ts";
import type { Rule } from "../rules/iptables/model.ts";
import { writeRule } from "../rules/iptables/write-rule.ts";

function rulesOf(host: Host, { family, table, chain }: RuleRef): readonly Rule[] | undefined {
  return host.rules[family].tables.get(table)?.chains.get(chain)?.rules;
}

/** The rule itself; `undefined` when the host has none of that number. */
export function ruleAt(host: Host, rule: RuleRef): Rule | undefined {
  return rulesOf(host, rule)?.[rule.number - 1];
}

/** How many rules its chain has. */
export function chainLength(host: Host, rule: RuleRef): number {
  return rulesOf(host, rule)?.length ?? 0;
}

/** A rule as iptables-save prints it, without its chain; "" when the host has none of that number. */
export function ruleText(
  host: Host,
  place: RuleRef,
  { comments }: { readonly comments: boolean } = { comments: true },
): string {
  const rule = ruleAt(host, place);
  if (rule === undefined) return "";
  const { counters: _, ...plain } = rule;
  const matches = comments ? plain.matches : plain.matches.filter(({ kind }) => kind !== "comment");
  return formatRule({ ...writeRule({ ...plain, matches }), command: "-A" }).replace(/^-A \S+ ?/, "");
}

/** `KUBE-SERVICES rule 14 (nat)` */
export function ruleName({ table, chain, number }: RuleRef): string {
  return `${chain} rule ${number} (table ${table})`;
}
