import { hashedKind } from "./chain-names.ts";
import type { LintRule, LintTable } from "./dump.ts";
import type { FaultReport } from "./finding.ts";

/** Session affinity: a list that rules look into must be written by a rule, and the reverse. */
export function checkAffinity(table: LintTable, report: FaultReport): void {
  const set = new Map<string, LintRule>();
  const checked = new Map<string, LintRule>();
  for (const chain of table.chains.values()) {
    if (hashedKind(chain.name) === undefined) continue;
    for (const rule of chain.rules) {
      for (const match of rule.matches) {
        if (match.kind !== "recent" || match.operation === "remove") continue;
        const lists = match.operation === "set" ? set : checked;
        if (!lists.has(match.name)) lists.set(match.name, rule);
      }
    }
  }
  for (const [name, rule] of checked) {
    if (set.has(name)) continue;
    const message = `no rule writes clients into the list ${name} (--set), so that this rule never matches and affinity has no effect; restart kube-proxy to have the chains written again`;
    report({ code: "affinity-never-set", message, chain: rule.chain, at: rule, word: "-m recent" });
  }
  for (const [name, rule] of set) {
    if (checked.has(name)) continue;
    const message = `no rule looks into the list ${name} (--rcheck), so that affinity to this endpoint has no effect; restart kube-proxy to have the chains written again`;
    report({ code: "affinity-never-checked", message, chain: rule.chain, at: rule, word: "-m recent" });
  }
}
