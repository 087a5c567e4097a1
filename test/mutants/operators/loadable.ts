import type { Rule } from "../../../src/rules/iptables/model.ts";
import { builtinChains, type Table } from "../../../src/rules/iptables/ruleset.ts";

/** Hooks of table nat that translations may be asked from (`nf_nat_setup_info`; `checkentry` of xt_nat and xt_MASQUERADE). */
const HOOKS: Readonly<Record<string, readonly string[]>> = {
  DNAT: ["PREROUTING", "OUTPUT"],
  MASQUERADE: ["POSTROUTING"],
};

const jumpsOf = (rules: readonly Rule[]): readonly string[] =>
  rules.flatMap(({ target }) => (target?.kind === "jump" || target?.kind === "goto" ? target.chain : []));

/** Chains that are reached from one, it included; `undefined` when they lead back to themselves. */
function reached(table: Table, from: string, above: readonly string[] = []): ReadonlySet<string> | undefined {
  if (above.includes(from)) return undefined;
  const found = new Set([from]);
  for (const next of jumpsOf(table.chains.get(from)?.rules ?? [])) {
    const behind = reached(table, next, [...above, from]);
    if (behind === undefined) return undefined;
    for (const name of behind) found.add(name);
  }
  return found;
}

/** Would a kernel take the table: no chain leads back to itself, and what translates is asked only from hooks where it may be. */
export function isLoadable(table: Table): boolean {
  for (const name of table.chains.keys()) if (reached(table, name) === undefined) return false;
  for (const hook of builtinChains.get(table.name) ?? []) {
    for (const name of reached(table, hook) ?? [])
      for (const { target } of table.chains.get(name)?.rules ?? [])
        if (target !== undefined && HOOKS[target.kind]?.includes(hook) === false) return false;
  }
  return true;
}
