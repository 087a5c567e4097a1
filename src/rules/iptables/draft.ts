import { formatRule } from "./format.ts";
import type { Rule } from "./model.ts";
import { type Chain, newTable, type Table } from "./ruleset.ts";
import type { Counters } from "./syntax.ts";
import { writeRule } from "./write-rule.ts";

/** What is wrong with a step: a word for programs, and a text. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
}

/** A chain while its table is changed. Rules put in front are kept apart, last one first, so that both ends are cheap. */
interface DraftChain {
  readonly name: string;
  policy: string | undefined;
  counters: Counters | undefined;
  front: Rule[];
  rules: Rule[];
}

const MAX_NAME = 28;
const encoder = new TextEncoder();

/** The text that two rules share when `-D` and `-C` take them for the same: all but chain and counters. */
function ruleKey(rule: Rule): string {
  return formatRule({ kind: "rule", command: "-A", chain: "", options: writeRule(rule).options });
}

/**
 * A table while a script changes it: a copy on which the commands work, so that the table itself stays as it was when
 * one of them fails. Every method returns what is wrong, or `undefined`.
 */
export class TableDraft {
  readonly name: string;
  readonly #chains = new Map<string, Chain | DraftChain>();
  /** How many rules name each chain; counted when it is first asked for. */
  #references: Map<string, number> | undefined;

  constructor(table: Table) {
    this.name = table.name;
    for (const [name, chain] of table.chains) this.#chains.set(name, chain);
  }

  /** The table with all changes. */
  finish(): Table {
    const chains = new Map<string, Chain>();
    for (const [name, chain] of this.#chains) chains.set(name, "front" in chain ? finished(chain) : chain);
    return { name: this.name, chains };
  }

  has(name: string): boolean {
    return this.#chains.has(name);
  }

  isBuiltin(name: string): boolean {
    return this.#chains.get(name)?.policy !== undefined;
  }

  /** Makes a chain. */
  create(name: string): Refusal | undefined {
    if (this.#chains.has(name)) return { code: "chain-exists", message: `chain ${name} exists already` };
    if (encoder.encode(name).length > MAX_NAME) {
      return {
        code: "chain-name-too-long",
        message: `chain name ${name.slice(0, 60)} is longer than ${MAX_NAME} bytes`,
      };
    }
    this.#chains.set(name, { name, policy: undefined, counters: undefined, front: [], rules: [] });
    return undefined;
  }

  setPolicy(name: string, policy: string): Refusal | undefined {
    if (!this.isBuiltin(name))
      return { code: "policy-of-user-chain", message: `${name} is no built-in chain and has no policy` };
    if (policy !== "ACCEPT" && policy !== "DROP")
      return { code: "bad-policy", message: `a policy is ACCEPT or DROP, not ${policy.slice(0, 60)}` };
    const chain = this.#edit(name);
    if (chain !== undefined) chain.policy = policy;
    return undefined;
  }

  setCounters(name: string, counters: Counters | undefined): void {
    const chain = this.#edit(name);
    if (chain !== undefined) chain.counters = counters;
  }

  /** Removes all rules of a chain, or of every chain. */
  flush(name?: string): Refusal | undefined {
    if (name === undefined) {
      for (const each of [...this.#chains.keys()]) this.#flushOne(each);
      return undefined;
    }
    return this.#flushOne(name) ? undefined : missing(name);
  }

  #flushOne(name: string): boolean {
    const current = this.#chains.get(name);
    if (current === undefined) return false;
    if (this.#references !== undefined) for (const rule of rulesOf(current)) this.#count(rule, -1);
    const chain = this.#edit(name);
    if (chain !== undefined) {
      chain.front = [];
      chain.rules = [];
    }
    return true;
  }

  /** Deletes an empty chain that no rule names; without a name, every chain that was made. */
  delete(name?: string): Refusal | undefined {
    if (name !== undefined) return this.#deleteOne(name);
    for (const [each, chain] of [...this.#chains]) {
      if (chain.policy !== undefined) continue;
      const refusal = this.#deleteOne(each);
      if (refusal !== undefined) return refusal;
    }
    return undefined;
  }

  #deleteOne(name: string): Refusal | undefined {
    const chain = this.#chains.get(name);
    if (chain === undefined) return missing(name);
    if (chain.policy !== undefined)
      return { code: "builtin-chain", message: `${name} is a built-in chain and cannot be deleted` };
    if (rulesOf(chain).length > 0)
      return { code: "chain-not-empty", message: `chain ${name} still has rules; flush it first` };
    if ((this.#counted().get(name) ?? 0) > 0)
      return { code: "chain-in-use", message: `chain ${name} is still the target of a rule` };
    this.#chains.delete(name);
    return undefined;
  }

  /** Gives a chain another name, in the rules that name it too. */
  rename(name: string, to: string): Refusal | undefined {
    const chain = this.#chains.get(name);
    if (chain === undefined) return missing(name);
    if (chain.policy !== undefined)
      return { code: "builtin-chain", message: `${name} is a built-in chain and cannot be renamed` };
    const refusal = this.create(to);
    if (refusal !== undefined) return refusal;
    this.#chains.set(to, {
      name: to,
      policy: undefined,
      counters: undefined,
      front: [],
      rules: rulesOf(chain).map((rule) => ({ ...rule, chain: to })),
    });
    this.#chains.delete(name);
    for (const [each, other] of [...this.#chains]) {
      if (!rulesOf(other).some((rule) => jumpsTo(rule) === name)) continue;
      const edited = this.#edit(each) as DraftChain;
      const settled = settle(edited);
      edited.rules = settled.map((rule) => {
        const { target } = rule;
        return target !== undefined && (target.kind === "jump" || target.kind === "goto") && target.chain === name
          ? { ...rule, target: { kind: target.kind, chain: to } }
          : rule;
      });
    }
    this.#references = undefined;
    return undefined;
  }

  append(rule: Rule): Refusal | undefined {
    const chain = this.#edit(rule.chain);
    if (chain === undefined) return missing(rule.chain);
    chain.rules.push(rule);
    this.#count(rule, 1);
    return undefined;
  }

  /** Puts a rule before the rule of that number (1 is the first; one more than there are appends). */
  insert(rule: Rule, position: number): Refusal | undefined {
    const chain = this.#edit(rule.chain);
    if (chain === undefined) return missing(rule.chain);
    if (position === 1) {
      chain.front.push(rule);
    } else {
      const rules = settle(chain);
      if (position < 1 || position > rules.length + 1) return noSuchRule(rule.chain, position);
      rules.splice(position - 1, 0, rule);
    }
    this.#count(rule, 1);
    return undefined;
  }

  replace(rule: Rule, position: number): Refusal | undefined {
    const chain = this.#edit(rule.chain);
    if (chain === undefined) return missing(rule.chain);
    const rules = settle(chain);
    const old = rules[position - 1];
    if (old === undefined) return noSuchRule(rule.chain, position);
    this.#count(old, -1);
    rules[position - 1] = rule;
    this.#count(rule, 1);
    return undefined;
  }

  removeAt(name: string, position: number): Refusal | undefined {
    const chain = this.#edit(name);
    if (chain === undefined) return missing(name);
    const [old] = position < 1 ? [] : settle(chain).splice(position - 1, 1);
    if (old === undefined) return noSuchRule(name, position);
    this.#count(old, -1);
    return undefined;
  }

  /** Removes the first rule that is the same but for its counters. */
  remove(rule: Rule): Refusal | undefined {
    const position = this.#find(rule);
    if (typeof position !== "number") return position;
    return this.removeAt(rule.chain, position);
  }

  /** Refuses when the chain has no such rule. */
  check(rule: Rule): Refusal | undefined {
    const position = this.#find(rule);
    return typeof position === "number" ? undefined : position;
  }

  #find(rule: Rule): number | Refusal {
    const chain = this.#edit(rule.chain);
    if (chain === undefined) return missing(rule.chain);
    const key = ruleKey(rule);
    const kind = rule.target?.kind;
    const index = settle(chain).findIndex((each) => each.target?.kind === kind && ruleKey(each) === key);
    return index >= 0 ? index + 1 : { code: "no-such-rule", message: `chain ${rule.chain} has no such rule` };
  }

  /** Zeroes the counters of one rule, of a chain or of all. */
  zero(name?: string, position?: number): Refusal | undefined {
    if (name !== undefined && !this.has(name)) return missing(name);
    for (const each of name === undefined ? [...this.#chains.keys()] : [name]) {
      const chain = this.#edit(each) as DraftChain;
      const rules = settle(chain);
      if (position !== undefined && rules[position - 1] === undefined) return noSuchRule(each, position);
      if (position === undefined) chain.counters = undefined;
      chain.rules = rules.map((rule, i) =>
        position === undefined || i === position - 1 ? withoutCounters(rule) : rule,
      );
    }
    return undefined;
  }

  /** A chain that can be changed; the table's own stays as it is. */
  #edit(name: string): DraftChain | undefined {
    const chain = this.#chains.get(name);
    if (chain === undefined || "front" in chain) return chain;
    const draft: DraftChain = {
      name,
      policy: chain.policy,
      counters: chain.counters,
      front: [],
      rules: [...chain.rules],
    };
    this.#chains.set(name, draft);
    return draft;
  }

  #count(rule: Rule, change: number): void {
    const name = jumpsTo(rule);
    if (name === undefined || this.#references === undefined) return;
    this.#references.set(name, (this.#references.get(name) ?? 0) + change);
  }

  #counted(): Map<string, number> {
    if (this.#references === undefined) {
      this.#references = new Map();
      for (const chain of this.#chains.values()) for (const rule of rulesOf(chain)) this.#count(rule, 1);
    }
    return this.#references;
  }
}

/** The table a script without --noflush starts from: nft forgets the policies, legacy keeps them (seen with 1.8.9). */
export function flushedTable(table: Table, keepPolicies: boolean): Table {
  const fresh = newTable(table.name);
  if (fresh === undefined || !keepPolicies) return fresh ?? table;
  const chains = new Map<string, Chain>();
  for (const [name, chain] of fresh.chains)
    chains.set(name, { ...chain, policy: table.chains.get(name)?.policy ?? "ACCEPT" });
  return { name: table.name, chains };
}

/** The chain that a rule jumps or goes to. */
export function jumpsTo(rule: Rule): string | undefined {
  const { target } = rule;
  return target !== undefined && (target.kind === "jump" || target.kind === "goto") ? target.chain : undefined;
}

function missing(name: string): Refusal {
  return { code: "no-such-chain", message: `there is no chain ${name.slice(0, 60)}` };
}

function noSuchRule(chain: string, position: number): Refusal {
  return { code: "no-such-rule", message: `chain ${chain} has no rule number ${position}` };
}

function withoutCounters(rule: Rule): Rule {
  if (rule.counters === undefined) return rule;
  const { counters: _, ...rest } = rule;
  return rest;
}

/** Moves the rules put in front to where they belong. */
function settle(chain: DraftChain): Rule[] {
  if (chain.front.length > 0) {
    chain.rules = [...chain.front.reverse(), ...chain.rules];
    chain.front = [];
  }
  return chain.rules;
}

function rulesOf(chain: Chain | DraftChain): readonly Rule[] {
  return "front" in chain ? settle(chain) : chain.rules;
}

function finished(chain: DraftChain): Chain {
  const rules = settle(chain);
  if (chain.policy === undefined) return { name: chain.name, rules };
  const { name, policy, counters } = chain;
  return counters === undefined ? { name, policy, rules } : { name, policy, counters, rules };
}
