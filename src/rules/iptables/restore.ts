import type { IPFamily } from "../../net/family.ts";
import type { Place, Report } from "../../text/diagnostic.ts";
import { checkRule, findLoop, findTooDeep } from "./checks.ts";
import { flushedTable, type Refusal, TableDraft } from "./draft.ts";
import type { Rule } from "./model.ts";
import { targetFlags } from "./options.ts";
import { linePlace, type ParsedScript } from "./parse.ts";
import { readRule } from "./read-rule.ts";
import { type Backend, newTable, type Ruleset, type Table } from "./ruleset.ts";
import {
  type ChainCommand,
  type ChainLine,
  type Command,
  type Line,
  type Option,
  type RuleLine,
  type Script,
  wordText,
} from "./syntax.ts";

/** How a script is loaded: `noflush` and `counters` as the options of iptables-restore; the back end is nft by default. */
export interface RestoreOptions {
  readonly family: IPFamily;
  readonly backend?: Backend;
  readonly noflush?: boolean;
  readonly counters?: boolean;
  /** How a line is read; `readOnce` spares work where many scripts are alike. */
  readonly read?: typeof readRule;
}

/**
 * What a ruleset becomes when iptables-restore loads a script (kernel-semantics §6.1). Each table is applied at its
 * COMMIT or, when anything in it is refused, not at all; tables behind a refused one are checked, but not applied, as the
 * program has stopped by then. The ruleset that is handed in stays as it is.
 */
export function applyScript(
  ruleset: Ruleset,
  script: Script,
  options: RestoreOptions,
  report: Report = ignore,
): Ruleset {
  return new Restore(ruleset, options, report, "offsets" in script ? (script as ParsedScript) : undefined).apply(
    script.lines,
  );
}

/** What a ruleset becomes when iptables runs one command; when it is refused, the ruleset as it was and a diagnostic. */
export function applyCommand(
  ruleset: Ruleset,
  command: Command,
  options: RestoreOptions,
  report: Report = ignore,
): Ruleset {
  const lines: readonly Line[] = [{ kind: "table", name: command.table }, command.line, { kind: "commit" }];
  return new Restore(ruleset, { ...options, noflush: true, counters: true }, report, undefined).apply(lines);
}

function ignore(): void {}

const ADDRESS_FLAGS: readonly string[] = ["-s", "--source", "--src", "-d", "--destination", "--dst"];

function isList(option: Option): boolean {
  return (
    ADDRESS_FLAGS.includes(option.flag) && option.args.length === 1 && wordText(option.args[0] as string).includes(",")
  );
}

/** More rules than anybody writes in one line; the tools have no limit, a hostile line has none either. */
const MAX_EXPANDED = 1000;

/**
 * The rules that a line with address lists (`-s a,b -d c,d`) stands for, by sources, then by destinations; others are
 * one. A refusal for a line that stands for more than a thousand.
 */
export function expandAddresses(line: RuleLine): readonly RuleLine[] | Refusal {
  if (!line.options.some(isList)) return [line];
  const lists = line.options.flatMap((option, i) =>
    isList(option) ? [{ i, option, addresses: wordText(option.args[0] as string).split(",") }] : [],
  );
  if (lists.reduce((product, { addresses }) => product * addresses.length, 1) > MAX_EXPANDED) {
    const message = `the lists in this line stand for more than ${MAX_EXPANDED} rules; it is not read further`;
    return { code: "too-many-addresses", message };
  }
  // the source is the outer loop wherever it stands
  lists.sort((a, b) => rank(a.option) - rank(b.option));
  let lines: readonly RuleLine[] = [line];
  for (const { i, option, addresses } of lists) {
    lines = lines.flatMap((each) =>
      addresses.map((address) => ({ ...each, options: each.options.with(i, { ...option, args: [address] }) })),
    );
  }
  return lines;
}

function rank(option: Option): number {
  return ADDRESS_FLAGS.indexOf(option.flag) < 3 ? 0 : 1;
}

/** One run of iptables-restore. */
class Restore {
  #ruleset: Ruleset;
  readonly #options: RestoreOptions;
  readonly #report: Report;
  readonly #parsed: ParsedScript | undefined;
  readonly #backend: Backend;
  /** Made once, as there may be a million rules. */
  readonly #reportRule: Report = (finding) => {
    if (finding.severity === "error") this.#refused = true;
    this.#report(finding);
  };
  #draft: TableDraft | undefined;
  #touched = false;
  #refused = false;
  #stopped = false;
  #index = 0;

  constructor(ruleset: Ruleset, options: RestoreOptions, report: Report, parsed: ParsedScript | undefined) {
    this.#ruleset = ruleset;
    this.#options = options;
    this.#report = report;
    this.#parsed = parsed;
    this.#backend = options.backend ?? "nft";
  }

  apply(lines: readonly Line[]): Ruleset {
    for (const line of lines) {
      // the reader has reported what is wrong with it
      if (this.#parsed?.broken.has(this.#index) === true) this.#refused = true;
      this.#line(line);
      this.#index++;
    }
    return this.#ruleset;
  }

  get #place(): Place | undefined {
    return this.#parsed === undefined ? undefined : linePlace(this.#parsed, this.#index);
  }

  #refuse(refusal: Refusal | undefined): void {
    if (refusal === undefined) return;
    this.#refused = true;
    const place = this.#place;
    this.#report({ severity: "error", ...refusal, ...(place === undefined ? {} : { place }) });
  }

  #line(line: Line): void {
    switch (line.kind) {
      case "comment":
        return;
      case "unknown":
        // the reader has reported it
        this.#refused = true;
        return;
      case "table":
        this.#begin(line.name);
        return;
      case "commit":
        this.#commit();
        return;
      case "chain":
        this.#touched = true;
        if (this.#draft !== undefined) this.#chain(this.#draft, line);
        return;
      case "chain-command":
        this.#touched = true;
        if (this.#draft !== undefined) this.#refuse(this.#chainCommand(this.#draft, line));
        return;
      case "rule":
        this.#touched = true;
        if (this.#draft !== undefined) this.#rule(this.#draft, line);
        return;
    }
  }

  #begin(name: string): void {
    if (this.#draft !== undefined) this.#stopped = true;
    this.#refused = false;
    this.#touched = this.#ruleset.tables.has(name);
    const fresh = newTable(name);
    if (fresh === undefined) {
      this.#draft = undefined;
      this.#refuse({ code: "no-such-table", message: `there is no table ${name.slice(0, 60)}` });
      this.#stopped = true;
      return;
    }
    const table = this.#ruleset.tables.get(name) ?? fresh;
    // legacy loads a table when it is named, whatever becomes of it
    if (this.#backend === "legacy" && !this.#stopped)
      this.#ruleset = { tables: withTable(this.#ruleset.tables, table) };
    this.#draft = new TableDraft(
      this.#options.noflush === true ? table : flushedTable(table, this.#backend === "legacy"),
    );
  }

  #commit(): void {
    const draft = this.#draft;
    this.#draft = undefined;
    if (draft === undefined) return;
    const table = draft.finish();
    if (!this.#refused) this.#refuse(findLoop(table));
    if (!this.#refused && this.#backend === "nft") this.#refuse(findTooDeep(table));
    if (this.#refused) this.#stopped = true;
    // nft makes a table when something is put into it
    if (this.#stopped || (this.#backend === "nft" && !this.#touched)) return;
    this.#ruleset = { tables: withTable(this.#ruleset.tables, table) };
  }

  #chain(draft: TableDraft, line: ChainLine): void {
    const { name, policy } = line;
    if (draft.isBuiltin(name)) {
      if (policy !== "-") this.#refuse(draft.setPolicy(name, policy));
      if (policy !== "-" || this.#options.counters === true)
        draft.setCounters(name, this.#options.counters === true ? line.counters : undefined);
      return;
    }
    if (policy !== "-" && this.#backend === "legacy") {
      this.#refuse({
        code: "policy-of-user-chain",
        message: `${name} is no built-in chain and has no policy; write -`,
      });
      return;
    }
    // without --noflush legacy makes each chain anew
    const again = draft.has(name) && (this.#options.noflush === true || this.#backend === "nft");
    this.#refuse(again ? draft.flush(name) : this.#create(draft, name));
  }

  #create(draft: TableDraft, name: string): Refusal | undefined {
    if (targetFlags.has(name))
      return { code: "chain-name-is-target", message: `${name} is the name of a target; name the chain otherwise` };
    if (this.#backend === "nft" && (name.startsWith("-") || name.startsWith("!"))) {
      return { code: "bad-chain-name", message: `iptables-nft refuses chain names that begin with ${name[0]}` };
    }
    return draft.create(name);
  }

  #chainCommand(draft: TableDraft, line: ChainCommand): Refusal | undefined {
    const [first, second, third] = line.args.map(wordText);
    const most = line.command === "-P" || line.command === "-E" || line.command === "-Z" ? 2 : 1;
    const least = line.command === "-N" ? 1 : line.command === "-P" || line.command === "-E" ? 2 : 0;
    if (line.args.length > most || line.args.length < least || third !== undefined) {
      return { code: "bad-command", message: `${line.command} has too many or too few arguments` };
    }
    switch (line.command) {
      case "-N":
        return this.#create(draft, first ?? "");
      case "-X":
        return draft.delete(first);
      case "-F":
        return draft.flush(first);
      case "-P":
        return draft.setPolicy(first ?? "", second ?? "");
      case "-E":
        return draft.rename(first ?? "", second ?? "");
      case "-Z":
        return draft.zero(first, second === undefined ? undefined : Number(second));
    }
  }

  #rule(draft: TableDraft, line: RuleLine): void {
    const other = this.#options.family === "IPv4" ? "-6" : "-4";
    if (line.options.some((option) => option.flag === other)) return;
    const { command, position } = line;
    if (
      (command === "-D" || command === "-C") &&
      line.options.some(({ flag }) => flag === "-c" || flag === "--set-counters")
    ) {
      this.#refuse({ code: "counters-in-command", message: `-c cannot be used with ${command}` });
      return;
    }
    if (command === "-D" && position !== undefined) {
      this.#refuse(draft.removeAt(line.chain, position));
      return;
    }
    const lines = expandAddresses(line);
    if ("code" in lines) {
      this.#refuse(lines);
      return;
    }
    if (command === "-R" && lines.length > 1) {
      this.#refuse({ code: "several-addresses", message: "-R replaces one rule; give one source and one destination" });
      return;
    }
    for (const each of lines) {
      const rule = this.#read(each);
      this.#refuse(checkRule(rule, draft, this.#backend) ?? applyRule(draft, rule, command, position));
    }
  }

  /** Reads the rule; an error in it refuses the table. Counters before a rule count only when they were asked for. */
  #read(line: RuleLine): Rule {
    let counted = line;
    if (line.counters !== undefined && this.#options.counters !== true) {
      const { counters: _, ...bare } = line;
      counted = bare;
    }
    const { read = readRule, family } = this.#options;
    return read(counted, family, this.#reportRule, this.#place);
  }
}

function applyRule(
  draft: TableDraft,
  rule: Rule,
  command: RuleLine["command"],
  position: number | undefined,
): Refusal | undefined {
  switch (command) {
    case "-A":
      return draft.append(rule);
    case "-I":
      return draft.insert(rule, position ?? 1);
    case "-R":
      return draft.replace(rule, position ?? 0);
    case "-D":
      return draft.remove(rule);
    case "-C":
      return draft.check(rule);
  }
}

function withTable(tables: ReadonlyMap<string, Table>, table: Table): ReadonlyMap<string, Table> {
  return new Map(tables).set(table.name, table);
}
