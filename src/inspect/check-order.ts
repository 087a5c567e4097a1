import { hashedKind, isKube } from "./chain-names.ts";
import { type LintChain, type LintRule, type LintTable, leadsTo } from "./dump.ts";
import type { FaultReport } from "./finding.ts";
import { conditionHash, conditionKey, isEnding, isUnconditional, looksAtMark, mayChange } from "./rule-key.ts";

/** Rules that no packet comes to, and rules that are there twice. */
export function checkOrder(table: LintTable, report: FaultReport): void {
  const ends = neverReturning(table);
  for (const chain of table.chains.values()) {
    if (chain.rules.length > 1) checkChain(chain, ends, report);
  }
}

function checkChain(chain: LintChain, ends: ReadonlySet<string>, report: FaultReport): void {
  const seen = new Map<string, LintRule>();
  const likely = likelySame(chain.rules);
  let changes = 0;
  for (const [i, rule] of chain.rules.entries()) {
    if (likely.has(conditionHash(rule))) checkSeen(rule, seen, changes, report);
    if (mayChange(rule)) changes++;
    const behind = chain.rules[i + 1];
    if (behind === undefined || !isUnconditional(rule) || !(isEnding(rule) || ends.has(leadsTo(rule) ?? ""))) continue;
    const more = chain.rules.length - i - 2;
    const others = more > 0 ? `, nor to the ${more} behind it` : "";
    const message = `no packet comes to this rule${others}: rule ${i + 1} of chain ${chain.name} takes all of them; move it up or remove it`;
    report({ code: "unreachable-rule", message, chain: chain.name, at: behind });
    return;
  }
}

/** The hashes that more than one of the rules has. */
function likelySame(rules: readonly LintRule[]): ReadonlySet<number> {
  const once = new Set<number>();
  const more = new Set<number>();
  for (const rule of rules) {
    const hash = conditionHash(rule);
    if (once.has(hash)) more.add(hash);
    else once.add(hash);
  }
  return more;
}

/** Compares a rule with those before it that match the same packets. */
function checkSeen(rule: LintRule, seen: Map<string, LintRule>, changes: number, report: FaultReport): void {
  const condition = conditionKey(rule);
  if (condition === undefined) return;
  const key = looksAtMark(rule) ? `${changes} ${condition}` : condition;
  const same = `${JSON.stringify(rule.target)} ${key}`;
  const first = seen.get(same);
  if (first !== undefined) {
    reportDuplicate(first, rule, report);
    return;
  }
  seen.set(same, rule);
  if (seen.has(key)) {
    const message =
      "no packet comes to this rule: one before it takes the same packets elsewhere; move it up or remove it";
    report({ code: "shadowed-rule", message, chain: rule.chain, at: rule });
  } else if (isEnding(rule)) seen.set(key, rule);
}

/** Known ways in which kube-proxy itself writes a rule twice are notes. */
function reportDuplicate(first: LintRule, rule: LintRule, report: FaultReport): void {
  const at = { chain: rule.chain, at: rule } as const;
  if (hashedKind(rule.chain) === "FW") {
    const message = "the same rule stands in the chain before: kube-proxy up to 1.24 writes it once for each address";
    report({ code: "duplicate-rule", severity: "note", message, ...at });
  } else if (isKube(rule.chain) && commentOf(first) !== commentOf(rule)) {
    const message = "a rule with another comment does the same before: kube-proxy writes both";
    report({ code: "duplicate-rule", severity: "note", message, ...at });
  } else {
    report({ code: "duplicate-rule", message: "the same rule stands in the chain before; remove one of them", ...at });
  }
}

/** The comment of a rule, "" for none. */
function commentOf(rule: LintRule): string {
  for (const match of rule.matches) if (match.kind === "comment") return match.comment;
  return "";
}

/** Chains from which no packet comes back: a rule without conditions ends each before any RETURN. */
function neverReturning(table: LintTable): ReadonlySet<string> {
  const ends = new Set<string>();
  const waiting = new Map<string, string[]>();
  const found: string[] = [];
  for (const chain of table.chains.values()) {
    if (chain.builtin) continue;
    for (const rule of chain.rules) {
      const to = leadsTo(rule);
      if (isUnconditional(rule)) {
        if (isEnding(rule) && rule.target?.kind !== "RETURN" && rule.target?.kind !== "goto") found.push(chain.name);
        else if (to !== undefined) (waiting.get(to) ?? newList(waiting, to)).push(chain.name);
      }
      if (rule.target?.kind === "RETURN" || rule.target?.kind === "goto") break;
    }
  }
  for (let name = found.pop(); name !== undefined; name = found.pop()) {
    if (ends.has(name)) continue;
    ends.add(name);
    for (const caller of waiting.get(name) ?? []) found.push(caller);
  }
  return ends;
}

function newList(lists: Map<string, string[]>, key: string): string[] {
  const list: string[] = [];
  lists.set(key, list);
  return list;
}
