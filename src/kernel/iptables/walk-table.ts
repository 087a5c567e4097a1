import type { Rule, Target } from "../../rules/iptables/model.ts";
import type { Chain, Table } from "../../rules/iptables/ruleset.ts";
import type { NotModelled } from "../chooser.ts";
import type { Effect, Recorder, RuleRef, TableName } from "../event.ts";
import { basicMatch } from "../matches/basic.ts";
import { evaluateMatch } from "../matches/evaluate.ts";
import { translate } from "../nat/targets.ts";
import type { Stop } from "../outcome.ts";
import { reject } from "../reject.ts";
import type { Skb } from "../skb.ts";
import { applyTarget } from "../targets/apply.ts";
import { currentRule, type RuleAnswers, type RuleObserver, type Walk } from "../walk.ts";
import { Candidates, chainIndex, isIndexable } from "./chain-index.ts";

/** A chain that is being walked, and where its end leads: to a chain that jumped, and the position to go on from there. */
interface Frame {
  readonly chain: Chain;
  readonly candidates: Candidates | undefined;
  /** Absent: the end of this chain ends the table. */
  readonly back: Frame | undefined;
  readonly backAt: number;
  /** Jumps and gotos that led here from the built-in chain. */
  readonly hops: number;
}

/**
 * Rules that one packet may match in one table before the walk gives up. Chains without a circle can double the ways through
 * them at each step; the kernel would go all of them.
 */
const MAX_VISITS = 1_000_000;

/** The walk of one table's chains is over: the packet goes on, or stops. */
type Verdict = Stop | "accept" | "policy" | undefined;

/**
 * Walks a packet through one built-in chain of a table and what it jumps to (kernel-semantics §2.1).
 * `undefined`: the packet goes on to the next table.
 */
export function walkTable(walk: Walk, skb: Skb, table: Table, base: string): Stop | undefined {
  const chain = table.chains.get(base);
  if (chain === undefined) return undefined;
  walk.table = table.name as TableName;
  walk.record?.({ kind: "table", table: walk.table, chain: base });
  const verdict = walkChains(walk, skb, table, chain);
  walk.ruleNumber = 0;
  if (verdict === "accept") return undefined;
  if (verdict !== "policy") return verdict;
  const policy = chain.policy ?? "ACCEPT";
  // where rules are missing as well it has been asked for with them
  if (chain.policyUnseen === true && chain.unseen === undefined && !walk.chooser.unknown(assumedPolicy(walk, chain))) {
    walk.record?.({ kind: "policy", table: walk.table, chain: base, policy: "DROP" });
    return { kind: "dropped", cause: { kind: "policy", family: skb.family, table: walk.table, chain: base } };
  }
  walk.record?.({ kind: "policy", table: walk.table, chain: base, policy });
  return policy === "DROP"
    ? { kind: "dropped", cause: { kind: "policy", family: skb.family, table: walk.table, chain: base } }
    : undefined;
}

function enter(walk: Walk, skb: Skb, chain: Chain, back: Frame | undefined, backAt: number, hops: number): Frame {
  walk.chain = chain.name;
  const index = walk.indexed && isIndexable(skb) ? chainIndex(chain) : undefined;
  return { chain, candidates: index === undefined ? undefined : new Candidates(index, skb), back, backAt, hops };
}

/** The end of a chain, or a RETURN: the frame to go on with at `backAt`, if there is one. */
function leave(walk: Walk, { chain, back }: Frame): Frame | undefined {
  if (back === undefined) return undefined;
  walk.record?.({ kind: "returned", from: chain.name, to: back.chain.name });
  walk.chain = back.chain.name;
  return back;
}

function assumedPolicy(walk: Walk, { name }: Chain): NotModelled {
  return { what: `the policy of ${name} (table ${walk.table}), which the text does not show, is ACCEPT` };
}

/** An extract of a dump does not show all of a chain: does the packet go on there as the rules that are shown say? */
function missedRules(walk: Walk, { name, rules, policyUnseen }: Chain): Stop | undefined {
  const some = rules.length === 0 ? "the rules" : "further rules";
  const what = {
    what: `${some}${policyUnseen === true ? " and the policy" : ""} of chain ${name} (table ${walk.table}), which the text does not show, let the packet go on`,
  };
  return walk.chooser.unknown(what) ? undefined : { kind: "unknown", what };
}

function walkChains(walk: Walk, skb: Skb, table: Table, base: Chain): Verdict {
  let frame = enter(walk, skb, base, undefined, 0, 0);
  let at = 0;
  if (base.unseen === "rules") {
    const stop = missedRules(walk, base);
    if (stop !== undefined) return stop;
  }
  for (let visits = 0; visits < MAX_VISITS; visits++) {
    const { chain } = frame;
    const { rules } = chain;
    const found = nextMatch(walk, skb, frame, at);
    if (walk.record !== undefined) passed(walk, walk.record, chain, at, found);
    const rule = rules[found];
    if (rule === undefined) {
      if (chain.unseen === "end") {
        const stop = missedRules(walk, chain);
        if (stop !== undefined) return stop;
      }
      const back = leave(walk, frame);
      if (back === undefined) return "policy";
      at = frame.backAt;
      frame = back;
      continue;
    }
    if (walk.hotdrop) {
      walk.hotdrop = false;
      return { kind: "dropped", cause: { kind: "malformed", rule: currentRule(walk, skb) as RuleRef } };
    }
    const { target } = rule;
    if (target?.kind === "jump" || target?.kind === "goto") {
      matched(walk, skb, { kind: target.kind, chain: target.chain });
      const next = table.chains.get(target.chain);
      if (next === undefined) return { kind: "stuck", why: `chain ${target.chain} does not exist` };
      // a way through more chains than there are meets one again: the kernel loads no such table
      if (frame.hops >= table.chains.size)
        return { kind: "stuck", why: `the chains of table ${table.name} run in a circle` };
      // a goto comes back to where this chain would
      const isJump = target.kind === "jump";
      frame = enter(walk, skb, next, isJump ? frame : frame.back, isJump ? found + 1 : frame.backAt, frame.hops + 1);
      at = 0;
      if (next.unseen === "rules") {
        const stop = missedRules(walk, next);
        if (stop !== undefined) return stop;
      }
      continue;
    }
    if (target?.kind === "RETURN") {
      matched(walk, skb, { kind: "returned" });
      const back = leave(walk, frame);
      if (back === undefined) return "policy";
      at = frame.backAt;
      frame = back;
      continue;
    }
    const verdict = apply(walk, skb, target);
    if (verdict !== undefined) return verdict;
    at = found + 1;
  }
  return { kind: "unknown", what: { what: `the packet matches more than ${MAX_VISITS} rules of table ${table.name}` } };
}

/** The position of the first rule from `at` on that matches; the chain's length when none does. */
function nextMatch(walk: Walk, skb: Skb, frame: Frame, at: number): number {
  walk.setAnswers = undefined;
  const { rules } = frame.chain;
  const { candidates } = frame;
  const end = rules.length;
  if (walk.observe !== undefined) return nextObserved(walk, skb, rules, at, walk.observe);
  if (candidates === undefined) {
    for (let i = at; i < end; i++) {
      walk.ruleNumber = i + 1;
      if (ruleMatches(walk, skb, rules[i] as Rule) || walk.hotdrop) return i;
    }
    return end;
  }
  for (let i = candidates.next(at, end); i < end; i = candidates.next(i + 1, end)) {
    walk.ruleNumber = i + 1;
    if (ruleMatches(walk, skb, rules[i] as Rule) || walk.hotdrop) return i;
  }
  return end;
}

/** As `nextMatch`, and tells what each condition comes to. */
function nextObserved(walk: Walk, skb: Skb, rules: readonly Rule[], at: number, observe: RuleObserver): number {
  for (let i = at; i < rules.length; i++) {
    const rule = rules[i] as Rule;
    walk.ruleNumber = i + 1;
    let holds = basicMatch(skb, rule);
    observe(walk, skb, rule, -1, holds);
    for (let part = 0; holds && part < rule.matches.length; part++) {
      holds = evaluateMatch(walk, skb, rule.matches[part] as Rule["matches"][number]);
      observe(walk, skb, rule, part, holds);
    }
    if (holds || walk.hotdrop) return i;
  }
  return rules.length;
}

function ruleMatches(walk: Walk, skb: Skb, rule: Rule): boolean {
  if (!basicMatch(skb, rule)) return false;
  const { matches } = rule;
  for (let i = 0; i < matches.length; i++) {
    if (!evaluateMatch(walk, skb, matches[i] as Rule["matches"][number])) return false;
  }
  return true;
}

/** Takes the answers of sets to rules that did not match, up to number `to`: all but perhaps the last, which is of the rule behind. */
function takePassed(walk: Walk, to: number): readonly RuleAnswers[] | undefined {
  const { setAnswers } = walk;
  const last = setAnswers?.at(-1);
  if (setAnswers === undefined || last === undefined) return undefined;
  if (last.number <= to) {
    walk.setAnswers = undefined;
    return setAnswers;
  }
  if (setAnswers.length === 1) return undefined;
  setAnswers.pop();
  walk.setAnswers = [last];
  return setAnswers;
}

/** Tells of the rules before position `to` that did not match. What sets said to the one there is left to `matched`. */
function passed(walk: Walk, record: Recorder, { name }: Chain, from: number, to: number): void {
  if (to === from) return;
  const { table } = walk;
  const sets = takePassed(walk, to);
  if (sets === undefined) record({ kind: "passed", table, chain: name, from: from + 1, count: to - from });
  else record({ kind: "passed", table, chain: name, from: from + 1, count: to - from, sets });
}

function matched(walk: Walk, skb: Skb, effect: Effect): void {
  if (walk.record === undefined) return;
  const rule = currentRule(walk, skb) as RuleRef;
  const answers = walk.setAnswers?.at(-1);
  walk.setAnswers = undefined;
  if (answers === undefined) walk.record({ kind: "matched", rule, effect });
  else walk.record({ kind: "matched", rule, effect, sets: answers.sets });
}

/** Carries out the target of a rule that matched; `undefined`: the walk goes on with the next rule. */
function apply(walk: Walk, skb: Skb, target: Target | undefined): Verdict {
  if (target === undefined) {
    matched(walk, skb, { kind: "counted" });
    return undefined;
  }
  switch (target.kind) {
    case "ACCEPT":
      matched(walk, skb, { kind: "accepted" });
      return "accept";
    case "DROP":
      matched(walk, skb, { kind: "dropped" });
      return { kind: "dropped", cause: { kind: "rule", rule: currentRule(walk, skb) as RuleRef } };
    case "REJECT":
      matched(walk, skb, { kind: "rejected", with: target.with });
      return reject(walk, skb, target.with);
    case "DNAT":
    case "SNAT":
    case "MASQUERADE":
    case "REDIRECT":
    case "NETMAP":
      matched(walk, skb, { kind: "nat", target: target.kind });
      return translate(walk, skb, target) ?? "accept";
    // neither goes on with the next rule: a socket or a program takes the packet, or lets it go behind this table
    case "TPROXY":
    case "NFQUEUE":
      return notModelled(walk, skb, target.kind) ?? "accept";
    case "unknown":
      return notModelled(walk, skb, target.module);
    default: {
      const effect = applyTarget(walk, skb, target as Parameters<typeof applyTarget>[2]);
      if (effect.kind === "not-modelled") return notModelled(walk, skb, effect.target);
      matched(walk, skb, effect);
      return effect.kind === "dropped"
        ? { kind: "dropped", cause: { kind: "rule", rule: currentRule(walk, skb) as RuleRef } }
        : undefined;
    }
  }
}

/** A target that is not modelled: the walk goes on as if it had only counted, and it stops with an unknown end (decision 11). */
function notModelled(walk: Walk, skb: Skb, name: string): Verdict {
  const rule = currentRule(walk, skb) as RuleRef;
  const what = { rule, what: `-j ${name} ends the packet's way here` };
  matched(walk, skb, { kind: "not-modelled", target: name });
  return walk.chooser.unknown(what) ? { kind: "unknown", what } : undefined;
}
