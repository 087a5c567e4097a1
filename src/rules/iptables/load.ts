import type { IPFamily } from "../../net/family.ts";
import type { Diagnostic, Report, Source } from "../../text/diagnostic.ts";
import { CanonicalRuleReader, type LoadedChain } from "./canonical-rule.ts";
import { checkRule, findLoop, findTooDeep } from "./checks.ts";
import type { Rule } from "./model.ts";
import { OptionReader, readCounters } from "./option-reader.ts";
import { targetFlags } from "./options.ts";
import { parseScript } from "./parse.ts";
import { readRule } from "./read-rule.ts";
import { applyScript, expandAddresses } from "./restore.ts";
import { type Backend, type Chain, emptyRuleset, newTable, type Ruleset, type Table } from "./ruleset.ts";

/** As `RestoreOptions` for an empty ruleset: nft by default, and counters count only when they are asked for. */
export interface LoadOptions {
  readonly backend?: Backend;
  readonly counters?: boolean;
}

/**
 * Loads a whole dump: the value of `applyScript(emptyRuleset, parseScript(source, report), …, report)` with the same
 * findings, and several times as fast for what iptables-save prints. Lines in its form go straight into rules, others
 * one by one through the general reader; a text with anything wrong in it is read again from the start by the
 * general path, which says what is wrong and what becomes of its tables.
 */
export function loadRuleset(source: Source, family: IPFamily, report: Report, options: LoadOptions = {}): Ruleset {
  // what these two mean for a line is the general reader's business
  if (!source.text.includes("\r") && !source.text.includes("\0")) {
    const loader = new Loader(source, family, options);
    const ruleset = loader.load();
    if (ruleset !== undefined) {
      for (const warning of loader.warnings) report(warning);
      return ruleset;
    }
  }
  return applyScript(emptyRuleset, parseScript(source, report), { family, ...options }, report);
}

const HASH = 0x23;
const STAR = 0x2a;
const COLON = 0x3a;

/** Names of chains that need no second look: ASCII without blanks and quotes, no dash in front, 28 characters. */
const PLAIN_NAME = /^[A-Za-z0-9_][!#-~]{0,27}$/;
const POLICY = /^(?:ACCEPT|DROP)$/;

/** A table while its lines come in; also what `checkRule` asks. */
class LoadedTable {
  readonly name: string;
  readonly chains = new Map<string, LoadedChain>();
  /** A line stands in it: nft makes no table for a frame alone. */
  touched = false;

  constructor(table: Table) {
    this.name = table.name;
    for (const [name, { policy }] of table.chains) this.chains.set(name, loadedChain(name, policy));
  }

  has(name: string): boolean {
    return this.chains.has(name);
  }

  isBuiltin(name: string): boolean {
    return this.chains.get(name)?.policy !== undefined;
  }

  finish(): Table {
    const chains = new Map<string, Chain>();
    for (const [name, chain] of this.chains) chains.set(name, finished(chain));
    return { name: this.name, chains };
  }
}

function loadedChain(name: string, policy: string | undefined): LoadedChain {
  return { name, policy, counters: undefined, rules: [], jump: undefined };
}

function finished({ name, policy, counters, rules }: LoadedChain): Chain {
  if (policy === undefined) return { name, rules };
  return counters === undefined ? { name, policy, rules } : { name, policy, counters, rules };
}

/** One attempt to load a text without a fault. Every method returns `false` where the general path has to take over. */
class Loader {
  readonly warnings: Diagnostic[] = [];
  readonly #source: Source;
  readonly #family: IPFamily;
  readonly #backend: Backend;
  readonly #counters: boolean;
  readonly #options: OptionReader;
  readonly #canonical: CanonicalRuleReader;
  readonly #tables = new Map<string, Table>();
  #table: LoadedTable | undefined;
  #faulty = false;

  constructor(source: Source, family: IPFamily, { backend = "nft", counters = false }: LoadOptions) {
    this.#source = source;
    this.#family = family;
    this.#backend = backend;
    this.#counters = counters;
    this.#options = new OptionReader(source, this.#fault, "script");
    this.#canonical = new CanonicalRuleReader(source.text, family, counters);
  }

  /** What the form of a line is found to be wrong with is said before anything is applied: by the general path only. */
  readonly #fault: Report = () => {
    this.#faulty = true;
  };

  readonly #ruleReport: Report = (found) => {
    if (found.severity === "error") this.#faulty = true;
    else this.warnings.push(found);
  };

  load(): Ruleset | undefined {
    const { text } = this.#source;
    for (let start = 0; start < text.length; ) {
      const newline = text.indexOf("\n", start);
      const end = newline < 0 ? text.length : newline;
      if (!this.#line(start, end) || this.#faulty) return undefined;
      start = end + 1;
    }
    return this.#table === undefined ? { tables: this.#tables } : undefined;
  }

  #line(start: number, end: number): boolean {
    const { text } = this.#source;
    if (start === end) return true;
    switch (text.charCodeAt(start)) {
      case HASH:
        return true;
      case STAR:
        return this.#begin(text.slice(start + 1, end));
    }
    const table = this.#table;
    if (table === undefined) return false;
    if (text.charCodeAt(start) === COLON) return this.#chain(table, text.slice(start + 1, end));
    if (end - start === 6 && text.startsWith("COMMIT", start)) return this.#commit(table);
    table.touched = true;
    return this.#rule(table, start, end);
  }

  #begin(name: string): boolean {
    const fresh = newTable(name);
    if (fresh === undefined || this.#table !== undefined || this.#tables.has(name)) return false;
    this.#table = new LoadedTable(fresh);
    this.#canonical.begin(this.#table.chains);
    return true;
  }

  #commit(loaded: LoadedTable): boolean {
    const table = loaded.finish();
    this.#table = undefined;
    if (findLoop(table) !== undefined) return false;
    if (this.#backend === "nft" && findTooDeep(table) !== undefined) return false;
    if (this.#backend === "legacy" || loaded.touched) this.#tables.set(table.name, table);
    return true;
  }

  /** `NAME POLICY` or `NAME POLICY [packets:bytes]`, one blank between. */
  #chain(table: LoadedTable, line: string): boolean {
    table.touched = true;
    const blank = line.indexOf(" ");
    const second = line.indexOf(" ", blank + 1);
    const name = line.slice(0, blank);
    const policy = line.slice(blank + 1, second < 0 ? line.length : second);
    const counters = second < 0 ? undefined : readCounters(line.slice(second + 1));
    if (blank < 0 || !PLAIN_NAME.test(name) || (second >= 0 && counters === undefined)) return false;
    const builtin = table.chains.get(name);
    if (builtin === undefined) {
      if (policy !== "-" || targetFlags.has(name)) return false;
      table.chains.set(name, loadedChain(name, undefined));
      return true;
    }
    if (builtin.policy === undefined || !POLICY.test(policy)) return false;
    builtin.policy = policy;
    builtin.counters = this.#counters ? counters : undefined;
    return true;
  }

  #rule(table: LoadedTable, start: number, end: number): boolean {
    const rule = this.#canonical.read(start, end) ?? this.#general(start, end);
    if (rule === undefined || checkRule(rule, table, this.#backend) !== undefined) return false;
    const chain = this.#canonical.chain ?? table.chains.get(rule.chain);
    chain?.rules.push(rule);
    return chain !== undefined;
  }

  /** A line in another form: `undefined` unless it appends one rule. */
  #general(start: number, end: number): Rule | undefined {
    const line = this.#options.readLine(start, end);
    if (line?.kind !== "rule" || line.command !== "-A" || this.#faulty) return undefined;
    const other = this.#family === "IPv4" ? "-6" : "-4";
    if (line.options.some(({ flag }) => flag === other)) return undefined;
    const lines = expandAddresses(line);
    if ("code" in lines || lines.length !== 1) return undefined;
    const { counters: _, ...bare } = line;
    const place = { source: this.#source, offset: start };
    return readRule(this.#counters ? line : bare, this.#family, this.#ruleReport, place);
  }
}
