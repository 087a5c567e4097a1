import type { IPFamily } from "../net/family.ts";
import { originalPlaces, type PastedPart, readPasted } from "../pasted/pasted.ts";
import { checkRule } from "../rules/iptables/checks.ts";
import { type Refusal, TableDraft } from "../rules/iptables/draft.ts";
import { linePlace, type ParsedScript, parseScript } from "../rules/iptables/parse.ts";
import { readRule } from "../rules/iptables/read-rule.ts";
import { expandAddresses } from "../rules/iptables/restore.ts";
import { type Backend, newTable, type Table } from "../rules/iptables/ruleset.ts";
import { type ChainCommand, type RuleLine, wordText } from "../rules/iptables/syntax.ts";
import type { Diagnostic, Report, Source } from "../text/diagnostic.ts";
import type { Dump, LintChain, LintRule, LintTable } from "./dump.ts";
import type { Finding } from "./finding.ts";
import { type Block, type Segment, segmentsOf } from "./segments.ts";

/** How dumps are read: `family` where the text says nothing of it. */
export interface ReadDumpOptions {
  readonly family?: IPFamily;
}

const FAMILY_IN_NAME: readonly (readonly [RegExp, IPFamily])[] = [
  [/ip6tables|ipv6|[._-]v6\b/i, "IPv6"],
  [/iptables|ipv4|[._-]v4\b/i, "IPv4"],
];

/**
 * Reads a text of iptables-save or for iptables-restore, also as people paste it (`readPasted`): the tables it leaves behind,
 * with the line of each rule and chain. What cannot be read is reported; everything else is kept, also what the tools would
 * refuse.
 */
export function readDump(source: Source, options: ReadDumpOptions, report: (finding: Finding) => void): Dump[] {
  const inSource = (found: Diagnostic): void => report({ ...found, place: found.place ?? { source, offset: 0 } });
  const parts = readPasted(source, { forLoading: false }, inSource);
  const rules = parts.filter(({ kind }) => kind === "iptables");
  if (rules.length === 0) {
    reportNoTable(source, report);
    return [];
  }
  const inOriginal = originalPlaces(parts, report);
  return rules.flatMap((part) => readRules(part, options, inOriginal));
}

function reportNoTable(source: Source, report: (finding: Finding) => void): void {
  const message = "no table in this text; give the output of iptables-save or an input of iptables-restore";
  report({ severity: "error", code: "no-table", message, place: { source, offset: 0 } });
}

function readRules(
  { text, family: told, extract }: PastedPart,
  given: ReadDumpOptions,
  report: (finding: Finding) => void,
): Dump[] {
  const { source, placeOf } = text;
  const asked = given.family ?? told;
  const options = asked === undefined ? {} : { family: asked };
  const textReport = textFaults(source, report);
  const faults: Diagnostic[] = [];
  const script = parseScript(source, (fault) => faults.push(fault));
  const segments = segmentsOf(script);
  if (segments.length === 0) {
    // what is wrong with each line of something else helps nobody
    reportNoTable(source, report);
    return [];
  }
  for (const fault of faults) textReport(fault);
  reportWarningLines(script, report);
  return segments.map((segment) => {
    const family = segment.family ?? assumedFamily(source, segment, script, options, report);
    const backend = segment.header?.backend;
    const tables = new Map(
      segment.blocks.map((block) => [
        block.table,
        new BlockReader(script, block, family, backend, textReport).read(extract !== undefined),
      ]),
    );
    return { source, placeOf, family, ...(backend === undefined ? {} : { backend }), tables };
  });
}

/** What our reader does not model says nothing against the dump: a note. */
function textFaults(source: Source, report: (finding: Finding) => void): Report {
  return (found: Diagnostic) => {
    const severity =
      /^(?:unmodelled|unknown)-/.test(found.code) && found.severity === "warning" ? "note" : found.severity;
    report({ ...found, severity, place: found.place ?? { source, offset: 0 } });
  };
}

const OTHER_BACKEND = /^# Warning: .*tables present/;
const INCOMPATIBLE = /^# Table `?([^'` ]*)'? is incompatible/;

/** What iptables-save says in comments about rules that it does not print (`xtables-save.c`). */
function reportWarningLines(script: ParsedScript, report: (finding: Finding) => void): void {
  for (const [i, line] of script.lines.entries()) {
    if (line.kind !== "comment" || line.text.length < 9) continue;
    const place = linePlace(script, i);
    if (OTHER_BACKEND.test(line.text)) {
      const message =
        "rules of both back ends, legacy and nft, are in force on this node; find out who writes with the other tool and flush those tables";
      report({ severity: "warning", code: "two-backends", message, place });
    }
    const table = INCOMPATIBLE.exec(line.text)?.[1];
    if (table !== undefined) {
      const message = `table ${table} holds rules that iptables-save cannot print; read it with nft list ruleset`;
      report({ severity: "warning", code: "table-not-shown", message, place, table });
    }
  }
}

function assumedFamily(
  source: Source,
  segment: Segment,
  script: ParsedScript,
  options: ReadDumpOptions,
  report: (finding: Finding) => void,
): IPFamily {
  const named = FAMILY_IN_NAME.find(([pattern]) => pattern.test(source.name))?.[1];
  const family = options.family ?? named ?? "IPv4";
  if (options.family !== undefined) return family;
  const why = named === undefined ? "" : ", as the file's name says";
  const message = `neither header nor address tells the family: read as ${family}${why}; --family says otherwise`;
  report({
    severity: "note",
    code: "family-assumed",
    message,
    place: linePlace(script, segment.blocks[0]?.from ?? 0),
    family,
  });
  return family;
}

/** Reads one table. */
class BlockReader {
  readonly #script: ParsedScript;
  readonly #block: Block;
  readonly #family: IPFamily;
  readonly #backend: Backend;
  readonly #report: Report;
  readonly #draft: TableDraft;
  readonly #declared = new Map<string, number>();
  #partial = true;

  constructor(script: ParsedScript, block: Block, family: IPFamily, backend: Backend | undefined, report: Report) {
    this.#script = script;
    this.#block = block;
    this.#family = family;
    this.#backend = backend ?? "legacy";
    this.#report = report;
    const empty: Table = newTable(block.table) ?? { name: block.table, chains: new Map() };
    this.#draft = new TableDraft(empty);
    if (newTable(block.table) === undefined)
      this.#say(block.from, { code: "no-such-table", message: `there is no table ${block.table.slice(0, 60)}` });
  }

  read(extract: boolean): LintTable {
    const { from, to } = this.#block;
    for (let i = from; i < to; i++) this.#line(i);
    const chains = new Map<string, LintChain>();
    const offset = this.#offset(from);
    for (const [name, chain] of this.#draft.finish().chains) {
      const declared = this.#declared.get(name) ?? offset;
      chains.set(name, {
        name,
        offset: declared,
        builtin: chain.policy !== undefined,
        rules: chain.rules as readonly LintRule[],
      });
    }
    return { name: this.#block.table, offset, chains, partial: this.#partial, extract };
  }

  #offset(index: number): number {
    return this.#script.offsets[index] ?? 0;
  }

  #say(index: number, refusal: Refusal | undefined): void {
    if (refusal !== undefined) this.#report({ severity: "error", ...refusal, place: linePlace(this.#script, index) });
  }

  #line(index: number): void {
    const line = this.#script.lines[index];
    if (line?.kind === "chain") this.#chain(index, line.name, line.policy);
    else if (line?.kind === "rule") this.#rule(index, line);
    else if (line?.kind === "chain-command") this.#command(index, line);
  }

  #chain(index: number, name: string, policy: string): void {
    if (this.#draft.isBuiltin(name)) {
      this.#partial = false;
      this.#declared.set(name, this.#offset(index));
      if (policy !== "-") this.#say(index, this.#draft.setPolicy(name, policy));
      return;
    }
    const known = this.#declared.has(name);
    this.#declared.set(name, this.#offset(index));
    this.#say(index, known ? this.#draft.flush(name) : this.#draft.create(name));
  }

  #command(index: number, { command, args }: ChainCommand): void {
    const [first = "", second = ""] = args.map(wordText);
    if (command === "-N") this.#declared.set(first, this.#offset(index));
    if (command === "-E") this.#declared.set(second, this.#offset(index));
    this.#say(index, this.#applyCommand(command, first, second));
  }

  #applyCommand(command: ChainCommand["command"], first: string, second: string): Refusal | undefined {
    switch (command) {
      case "-N":
        return this.#draft.create(first);
      case "-X":
        return this.#draft.delete(first === "" ? undefined : first);
      case "-F":
        return this.#draft.flush(first === "" ? undefined : first);
      case "-P":
        return this.#draft.setPolicy(first, second);
      case "-E":
        return this.#draft.rename(first, second);
      case "-Z":
        return undefined;
    }
  }

  #rule(index: number, line: RuleLine): void {
    if (line.options.some(({ flag }) => flag === (this.#family === "IPv4" ? "-6" : "-4"))) return;
    if (line.command === "-D" && line.position !== undefined) {
      this.#say(index, this.#draft.removeAt(line.chain, line.position));
      return;
    }
    const place = linePlace(this.#script, index);
    for (const each of this.#expand(index, line)) {
      // the rule is new and nobody else's: a copy of each would cost a third of the time
      const rule: LintRule = Object.assign(readRule(each, this.#family, this.#report, place), { offset: place.offset });
      if (this.#draft.isBuiltin(rule.chain)) this.#partial = false;
      if (line.command === "-A" || line.command === "-I") this.#check(index, rule);
      this.#say(index, this.#apply(rule, line));
    }
  }

  /** The rules of a line with address lists; none of a line for more rules than anybody writes, which is said. */
  #expand(index: number, line: RuleLine): readonly RuleLine[] {
    const lines = expandAddresses(line);
    if (!("code" in lines)) return lines;
    this.#say(index, lines);
    return [];
  }

  /** A jump to a chain that is not there is for a check of its own, which knows more than this line. */
  #check(index: number, rule: LintRule): void {
    if (!this.#draft.has(rule.chain)) return;
    const refusal = checkRule(rule, this.#draft, this.#backend);
    if (refusal?.code !== "no-such-chain") this.#say(index, refusal);
  }

  #apply(rule: LintRule, { command, position }: RuleLine): Refusal | undefined {
    switch (command) {
      case "-A":
        return this.#draft.append(rule);
      case "-I":
        return this.#draft.insert(rule, position ?? 1);
      case "-R":
        return this.#draft.replace(rule, position ?? 0);
      case "-D":
        return this.#draft.remove(rule);
      case "-C":
        return this.#draft.check(rule);
    }
  }
}
