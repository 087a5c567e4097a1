import type { IPFamily } from "../../src/net/family.ts";
import type { Rule } from "../../src/rules/iptables/model.ts";
import { parseScript } from "../../src/rules/iptables/parse.ts";
import { readRule } from "../../src/rules/iptables/read-rule.ts";
import { type Chain, newTable, type Ruleset, type Table } from "../../src/rules/iptables/ruleset.ts";

/** A rule as text, and where it stands. */
export interface RuleText {
  readonly table: string;
  readonly chain: string;
  readonly text: string;
}

/** Rules as restore text, table by table. */
export function restoreText(rules: readonly RuleText[]): string {
  const tables = new Map<string, RuleText[]>();
  for (const rule of rules) tables.set(rule.table, [...(tables.get(rule.table) ?? []), rule]);
  return [...tables]
    .map(([table, own]) => `*${table}\n${own.map(({ chain, text }) => `-A ${chain} ${text}\n`).join("")}COMMIT\n`)
    .join("");
}

interface OpenChain {
  readonly policy: string | undefined;
  readonly rules: Rule[];
}

function openChains(table: string): Map<string, OpenChain> {
  const builtin = [...(newTable(table)?.chains.values() ?? [])];
  return new Map(builtin.map(({ name }) => [name, { policy: "ACCEPT", rules: [] }]));
}

function closed(name: string, { policy, rules }: OpenChain): Chain {
  return policy === undefined ? { name, rules } : { name, policy, rules };
}

/**
 * Every rule of a restore text in its chain, whatever the tools or the kernel would say about it: loops, targets in tables
 * that do not take them, jumps to chains that are not there. `:CHAIN` lines are not needed; one with a policy sets it.
 */
export function looseRuleset(text: string, family: IPFamily): Ruleset {
  const tables = new Map<string, Map<string, OpenChain>>();
  let chains = openChains("filter");
  for (const line of parseScript({ name: "rules", text }).lines) {
    if (line.kind === "table") {
      chains = tables.get(line.name) ?? openChains(line.name);
      tables.set(line.name, chains);
    } else if (line.kind === "chain") {
      const policy = line.policy === "-" ? undefined : line.policy;
      chains.set(line.name, { policy, rules: chains.get(line.name)?.rules ?? [] });
    } else if (line.kind === "rule") {
      const chain = chains.get(line.chain) ?? { policy: undefined, rules: [] };
      chains.set(line.chain, chain);
      chain.rules.push(readRule(line, family));
    }
  }
  const finished = [...tables].map(([name, own]): [string, Table] => [
    name,
    { name, chains: new Map([...own].map(([chain, open]) => [chain, closed(chain, open)])) },
  ]);
  return { tables: new Map(finished) };
}
