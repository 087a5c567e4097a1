import type { RuleRef } from "../kernel/event.ts";
import type { Host } from "../kernel/host.ts";
import { formatRule } from "../rules/iptables/format.ts";
import { writeRule } from "../rules/iptables/write-rule.ts";

/** A rule as iptables-save prints it, without its chain; "" when the host has none of that number. */
export function ruleText(host: Host, { family, table, chain, number }: RuleRef): string {
  const rule = host.rules[family].tables.get(table)?.chains.get(chain)?.rules[number - 1];
  if (rule === undefined) return "";
  const { counters: _, ...plain } = rule;
  return formatRule({ ...writeRule(plain), command: "-A" }).replace(/^-A \S+ ?/, "");
}

/** `KUBE-SERVICES rule 14 (nat)` */
export function ruleName({ table, chain, number }: RuleRef): string {
  return `${chain} rule ${number} (table ${table})`;
}
