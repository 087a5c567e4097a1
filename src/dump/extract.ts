import type { RulesExtract, TableExtract } from "../pasted/extract.ts";
import { builtinChains, type Chain, newTable, type Ruleset, type Table } from "../rules/iptables/ruleset.ts";

function markedChain(chain: Chain, { chains, policies }: TableExtract): Chain {
  const unseen = chains.get(chain.name);
  const policyUnseen = chain.policy !== undefined && policies.has(chain.name);
  if (unseen === undefined && !policyUnseen) return chain;
  return {
    ...chain,
    ...(unseen === undefined ? {} : { unseen }),
    ...(policyUnseen ? { policyUnseen } : {}),
  };
}

function markedTable(table: Table, extract: TableExtract): Table {
  return {
    name: table.name,
    chains: new Map([...table.chains].map(([name, chain]) => [name, markedChain(chain, extract)])),
  };
}

/** A table of which nothing is shown. */
function unseenTable(name: string): Table | undefined {
  const table = newTable(name);
  const all = builtinChains.get(name) ?? [];
  return table === undefined
    ? undefined
    : markedTable(table, {
        table: name,
        chains: new Map(all.map((chain) => [chain, "rules"])),
        policies: new Set(all),
      });
}

/** The ruleset with marks on the chains that an extract does not show as a whole, and with the tables that it may not show. */
export function asExtract(ruleset: Ruleset, { tables: extracts, mayHaveMore }: RulesExtract): Ruleset {
  const tables = new Map(ruleset.tables);
  for (const [name, extract] of extracts) {
    const table = tables.get(name);
    if (table !== undefined) tables.set(name, markedTable(table, extract));
  }
  if (mayHaveMore) {
    for (const name of builtinChains.keys()) {
      const table = tables.has(name) ? undefined : unseenTable(name);
      if (table !== undefined) tables.set(name, table);
    }
  }
  return { tables, isExtract: true };
}

/** Rules of which nothing is known. */
export const unseenRuleset: Ruleset = asExtract({ tables: new Map() }, { tables: new Map(), mayHaveMore: true });
