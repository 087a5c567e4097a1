import type { Walk } from "../kernel/walk.ts";
import { ipFamilies } from "../net/family.ts";
import type { Chain } from "../rules/iptables/ruleset.ts";

const wholes = new WeakMap<Chain, readonly number[]>();

/** Notes of a chain with fewer rules where each stands (from 0) in the whole one. */
export function notePositions(chain: Chain, positions: readonly number[]): void {
  wholes.set(chain, positions);
}

/** The number of the rule that a packet is at, in the chain as the node has it. */
export function numberOf({ host, table, chain, ruleNumber }: Walk): number {
  for (const family of ipFamilies) {
    const here = host.rules[family].tables.get(table)?.chains.get(chain);
    const position = here === undefined ? undefined : wholes.get(here)?.[ruleNumber - 1];
    if (position !== undefined) return position + 1;
  }
  return ruleNumber;
}
