import type { Place, Report, Source } from "../../text/diagnostic.ts";
import { type FlagInfo, flagInfo } from "./options.ts";
import type { ChainCommand, Command, Counters, Line, Option, RuleLine, Script, Word } from "./syntax.ts";
import { wordText } from "./syntax.ts";
import { bareEnd, readWord, skipBlanks, wordEnd } from "./words.ts";

const HASH = 0x23;
const COLON = 0x3a;
const STAR = 0x2a;
const BRACKET = 0x5b;
const BANG = 0x21;
const DASH = 0x2d;
const QUOTE = 0x22;
const RETURN = 0x0d;
const BLANK = 0x20;
const TAB = 0x09;

/** A script that was read from a text: `offsets[i]` is where `lines[i]` begins. */
export interface ParsedScript extends Script {
  readonly source: Source;
  readonly offsets: readonly number[];
}

/** Where line `index` of a script begins. */
export function linePlace(script: ParsedScript, index: number): Place {
  return { source: script.source, offset: script.offsets[index] ?? script.source.text.length };
}

/**
 * Reads iptables-restore or iptables-save text (kernel-semantics §6.1). Every line becomes a `Line`: one that
 * cannot be read an `UnknownLine`, and reading goes on. What iptables-restore would refuse about the form of the text is
 * reported with its place; whether modules and arguments make sense is for `readRule` and `applyScript` to say.
 * Time and memory are linear in the text; nothing is thrown whatever it holds.
 */
export function parseScript(input: string | Source, report: Report = ignore): ParsedScript {
  const source = asSource(input);
  return new ScriptReader(source, report).read();
}

/**
 * Reads one command as kube-proxy issues them: `-t filter -I INPUT -m comment --comment "x y" -j KUBE-X`, options in any
 * order, `filter` when there is no `-t`, `-w N` and `-W N` skipped. `undefined` (and a diagnostic) when it holds no
 * command on a rule or a chain.
 */
export function parseCommand(input: string | Source, report: Report = ignore): Command | undefined {
  const source = asSource(input);
  const reader = new OptionReader(source, report, "command");
  const line = reader.readLine(0, source.text.length);
  return line === undefined ? undefined : { table: reader.table ?? "filter", line };
}

function ignore(): void {}

function asSource(input: string | Source): Source {
  return typeof input === "string" ? { name: "-", text: input } : input;
}

const COUNTERS = /^\[(\d{1,20}):(\d{1,20})\]$/;

function readCounters(text: string): Counters | undefined {
  const found = text.length <= 64 ? COUNTERS.exec(text) : null;
  return found === null ? undefined : { packets: found[1] as string, bytes: found[2] as string };
}

/** Reads lines and follows the frame `*table … COMMIT`. */
class ScriptReader {
  readonly #source: Source;
  readonly #report: Report;
  readonly #options: OptionReader;
  readonly #lines: Line[] = [];
  readonly #offsets: number[] = [];
  #table: string | undefined;
  #outsideReported = false;
  #returnReported = false;

  constructor(source: Source, report: Report) {
    this.#source = source;
    this.#report = report;
    this.#options = new OptionReader(source, report, "script");
  }

  read(): ParsedScript {
    const { text } = this.#source;
    let start = 0;
    while (start < text.length) {
      const newline = text.indexOf("\n", start);
      let end = newline < 0 ? text.length : newline;
      const next = end + 1;
      if (end > start && text.charCodeAt(end - 1) === RETURN) {
        end--;
        this.#carriageReturn(end);
      }
      this.#offsets.push(start);
      this.#lines.push(this.#line(start, end));
      start = next;
    }
    if (this.#table !== undefined) {
      this.#error(
        "missing-commit",
        text.length,
        `table ${this.#table} has no COMMIT: nothing of it is applied; add a line COMMIT`,
      );
    }
    return { lines: this.#lines, source: this.#source, offsets: this.#offsets };
  }

  #error(code: string, offset: number, message: string): void {
    this.#report({ severity: "error", code, message, place: { source: this.#source, offset } });
  }

  /** One finding for the whole text: it is one mistake, made when the file was written. */
  #carriageReturn(offset: number): void {
    if (this.#returnReported) return;
    this.#returnReported = true;
    this.#error(
      "carriage-return",
      offset,
      "lines end with CR LF: iptables-restore refuses them; convert the file to LF",
    );
  }

  #unknown(start: number, end: number): Line {
    return { kind: "unknown", text: this.#source.text.slice(start, end) };
  }

  #line(start: number, end: number): Line {
    const { text } = this.#source;
    if (start === end) return { kind: "comment", text: "" };
    switch (text.charCodeAt(start)) {
      case HASH:
        return { kind: "comment", text: text.slice(start, end) };
      case STAR:
        return this.#tableLine(start, end);
      case COLON:
        return this.#chainLine(start, end);
    }
    if (text.startsWith("COMMIT", start) && skipBlanks(text, start + 6, end) === end) return this.#commit(start, end);
    return this.#ruleLine(start, end);
  }

  #tableLine(start: number, end: number): Line {
    const { text } = this.#source;
    const nameEnd = bareEnd(text, start + 1, end);
    if (nameEnd === start + 1 || skipBlanks(text, nameEnd, end) !== end) {
      this.#error("bad-table-line", start, "a table line is `*` and a table name");
      return this.#unknown(start, end);
    }
    if (this.#table !== undefined) {
      this.#error(
        "missing-commit",
        start,
        `table ${this.#table} has no COMMIT before the next table begins; add a line COMMIT`,
      );
    }
    this.#table = text.slice(start + 1, nameEnd);
    this.#outsideReported = false;
    return { kind: "table", name: this.#table };
  }

  #commit(start: number, end: number): Line {
    if (end - start > 6) {
      this.#error(
        "commit-trailing-blank",
        start + 6,
        "blanks after COMMIT: iptables-restore refuses the line; remove them",
      );
    }
    this.#inTable(start, "COMMIT");
    this.#table = undefined;
    this.#outsideReported = false;
    return { kind: "commit" };
  }

  /** Reports the first line of a run that stands in no table. */
  #inTable(offset: number, what: string): void {
    if (this.#table !== undefined || this.#outsideReported) return;
    this.#outsideReported = true;
    this.#error("outside-table", offset, `${what} outside of a table; put a line such as *filter before it`);
  }

  #chainLine(start: number, end: number): Line {
    const { text } = this.#source;
    const nameEnd = bareEnd(text, start + 1, end);
    const policy = skipBlanks(text, nameEnd, end);
    const policyEnd = bareEnd(text, policy, end);
    const counters = skipBlanks(text, policyEnd, end);
    const countersEnd = bareEnd(text, counters, end);
    const name = text.slice(start + 1, nameEnd);
    const given = counters === end ? undefined : readCounters(text.slice(counters, countersEnd));
    const bad =
      name === "" ||
      policy === end ||
      text.charCodeAt(policy) === BRACKET ||
      (counters < end && given === undefined) ||
      skipBlanks(text, countersEnd, end) !== end;
    if (bad) {
      this.#error("bad-chain-line", start, "a chain line is `:NAME POLICY` or `:NAME POLICY [packets:bytes]`");
      return this.#unknown(start, end);
    }
    this.#inTable(start, "a chain");
    const line = { kind: "chain", name, policy: text.slice(policy, policyEnd) } as const;
    return given === undefined ? line : { ...line, counters: given };
  }

  #ruleLine(start: number, end: number): Line {
    const { text } = this.#source;
    const line = this.#options.readLine(start, end);
    if (line === undefined) return { kind: "unknown", text: text.slice(start, end) };
    this.#inTable(start, line.kind === "rule" ? "a rule" : "a command");
    return line;
  }
}

/** Flags that a rule may hold once only, each with its bit; -g counts as -j. */
const onceBits: Readonly<Record<string, number>> = {
  "-s": 1,
  "-d": 2,
  "-i": 4,
  "-o": 8,
  "-p": 16,
  "-j": 32,
  "-g": 32,
  "-f": 64,
  "-c": 128,
};

const POSITION = /^[0-9]{1,9}$/;

/** Reads the options of rule lines; options that were seen before are shared. */
class OptionReader {
  /** The argument of `-t` in the last line. */
  table: string | undefined;
  readonly #source: Source;
  readonly #text: string;
  readonly #report: Report;
  readonly #mode: "script" | "command";
  readonly #known = new Map<string, Option>();
  readonly #infos = new Map<string, { readonly info: FlagInfo; readonly once: number }>();
  #command: Option | undefined;
  #commandName = "";
  #seen = 0;
  #failed = false;

  constructor(source: Source, report: Report, mode: "script" | "command") {
    this.#source = source;
    this.#text = source.text;
    this.#report = report;
    this.#mode = mode;
  }

  #error(code: string, offset: number, message: string): void {
    this.#report({ severity: "error", code, message, place: { source: this.#source, offset } });
  }

  /** A rule or a command on a chain, or `undefined` with a diagnostic. */
  readLine(lineStart: number, end: number): RuleLine | ChainCommand | undefined {
    this.table = undefined;
    this.#command = undefined;
    this.#seen = 0;
    this.#failed = false;
    const text = this.#text;
    let start = skipBlanks(text, lineStart, end);
    let counters: Counters | undefined;
    if (start < end && text.charCodeAt(start) === BRACKET) {
      const countersEnd = bareEnd(text, start, end);
      counters = readCounters(text.slice(start, Math.min(countersEnd, start + 65)));
      if (counters === undefined) this.#fail("bad-counters", start, "counters before a rule are `[packets:bytes]`");
      start = skipBlanks(text, countersEnd, end);
    }
    const options = this.#options(start, end);
    if (this.#failed) return undefined;
    if (this.#command === undefined) {
      this.#error("unknown-line", lineStart, "neither a table, a chain, a rule, a comment nor COMMIT");
      return undefined;
    }
    return this.#commandLine(this.#command, options, counters, lineStart);
  }

  #fail(code: string, offset: number, message: string): void {
    this.#failed = true;
    this.#error(code, offset, message);
  }

  #commandLine(
    command: Option,
    options: Option[],
    counters: Counters | undefined,
    offset: number,
  ): RuleLine | ChainCommand | undefined {
    const { args } = command;
    const name = this.#commandName;
    if (isChainCommand(name)) {
      if (options.length === 0 && counters === undefined) return { kind: "chain-command", command: name, args };
      this.#error("unexpected-option", offset, `${name} takes no options`);
      return undefined;
    }
    const chain = args[0];
    const position = args[1] === undefined ? undefined : wordText(args[1]);
    const mayCount = name === "-I" || name === "-R" || name === "-D";
    if (chain === undefined || args.length > 2 || (position !== undefined && !(mayCount && POSITION.test(position)))) {
      this.#error("bad-command", offset, `${name} takes a chain name${mayCount ? " and a rule number" : ""}`);
      return undefined;
    }
    const chainName = wordText(chain);
    const command_ = name as RuleLine["command"];
    if (position === undefined) {
      return counters === undefined
        ? { kind: "rule", command: command_, chain: chainName, options }
        : { kind: "rule", command: command_, chain: chainName, counters, options };
    }
    const line = { kind: "rule", command: command_, chain: chainName, position: Number(position), options } as const;
    return counters === undefined ? line : { ...line, counters };
  }

  #options(first: number, end: number): Option[] {
    const text = this.#text;
    const options: Option[] = [];
    let i = skipBlanks(text, first, end);
    while (i < end && !this.#failed) i = skipBlanks(text, this.#option(options, i, end), end);
    return options;
  }

  /** Reads the option at `start`, keeps it where it belongs and returns the offset behind it. */
  #option(options: Option[], start: number, end: number): number {
    const text = this.#text;
    const flagStart = this.#flagStart(start, end);
    const flagEnd = wordEnd(text, flagStart, end);
    if (flagEnd < 0) return this.#unterminated(flagStart, end);
    const flag = text.slice(flagStart, flagEnd);
    const { info, once } = this.#info(flag);
    const optionEnd = this.#argumentsEnd(info, flag, flagEnd, end);
    if (this.#failed) return end;
    const key = text.slice(start, optionEnd);
    let option = this.#known.get(key);
    if (option === undefined) {
      const clean = this.#isClean(info, flag, flagStart, optionEnd);
      option = { negated: flagStart !== start, flag, args: this.#arguments(flag, flagEnd, optionEnd) };
      if (clean) this.#known.set(key, option);
    }
    if (once !== 0) {
      if ((this.#seen & once) !== 0)
        this.#error("duplicate-option", start, `more than one ${info.name} in a rule; keep one`);
      this.#seen |= once;
    }
    this.#place(options, option, info, start);
    return optionEnd;
  }

  #place(options: Option[], option: Option, info: FlagInfo, start: number): void {
    if (info.role === "rule") {
      options.push(option);
      return;
    }
    if (info.role === "command") {
      if (this.#command !== undefined)
        this.#fail("several-commands", start, "more than one command in a line; give each its own");
      this.#command = option;
      this.#commandName = info.name;
      return;
    }
    if (this.#mode === "script") {
      this.#error("table-in-rule", start, `${option.flag} cannot stand in a rule of a script`);
      options.push(option);
      return;
    }
    const argument = option.args[0];
    if (info.role === "table" && argument !== undefined) this.table = wordText(argument);
  }

  /** Behind a `!` and the blanks after it, or `start` when there is no `!` (or nothing behind it). */
  #flagStart(start: number, end: number): number {
    const text = this.#text;
    if (text.charCodeAt(start) !== BANG) return start;
    const next = skipBlanks(text, start + 1, end);
    return next === start + 1 || next === end ? start : next;
  }

  #info(flag: string): { readonly info: FlagInfo; readonly once: number } {
    let found = this.#infos.get(flag);
    if (found === undefined) {
      const info = flagInfo(flag);
      found = { info, once: info.role === "rule" ? (onceBits[info.name] ?? 0) : 0 };
      this.#infos.set(flag, found);
    }
    return found;
  }

  #unterminated(offset: number, end: number): number {
    this.#fail(
      "unterminated-quote",
      offset,
      'a double quote is not closed in its line; add the closing " or write \\"',
    );
    return end;
  }

  /** The offset behind the last argument: as many words as the flag needs, then all that are no options. */
  #argumentsEnd(info: FlagInfo, flag: string, flagEnd: number, end: number): number {
    const text = this.#text;
    let last = flagEnd;
    for (let taken = 0; ; taken++) {
      const start = skipBlanks(text, last, end);
      if (start === end) {
        if (taken < info.count) {
          this.#error(
            "missing-argument",
            flagEnd - flag.length,
            `${flag} needs ${info.count === 1 ? "an argument" : `${info.count} arguments`}`,
          );
        }
        return last;
      }
      if (taken >= info.count && isOptionStart(text, start, end)) return last;
      const next = wordEnd(text, start, end);
      if (next < 0) return this.#unterminated(start, end);
      last = next;
    }
  }

  /** Reports what is wrong with an option as it is written; only options without such findings are shared. */
  #isClean(info: FlagInfo, flag: string, flagStart: number, optionEnd: number): boolean {
    const text = this.#text;
    let clean = true;
    const finding = (code: string, offset: number, message: string): void => {
      clean = false;
      this.#error(code, offset, message);
    };
    if (flag.charCodeAt(0) !== DASH)
      finding("unexpected-word", flagStart, `${shown(flag)} is neither an option nor belongs to one`);
    let count = 0;
    for (let i = skipBlanks(text, flagStart + flag.length, optionEnd); i < optionEnd; count++) {
      const next = wordEnd(text, i, optionEnd);
      if (text.charCodeAt(i) !== QUOTE && text.slice(i, next).includes('"')) {
        finding("quote-inside-word", i, "a double quote inside a word; put the whole word into quotes");
      }
      if (count === info.count && !info.open) finding("unexpected-word", i, `${flag} does not take this word`);
      i = skipBlanks(text, next, optionEnd);
    }
    if (text.slice(flagStart, optionEnd).includes("\0"))
      finding("nul", flagStart, "a NUL byte: the line ends there for iptables-restore");
    return clean;
  }

  #arguments(flag: string, start: number, end: number): Word[] {
    const text = this.#text;
    const args: Word[] = [];
    let blank = start;
    for (let i = skipBlanks(text, start, end); i < end; i = skipBlanks(text, blank, end)) {
      // iptables-save prints this one flag with two blanks; the empty word keeps them (kernel-semantics §6.4)
      if (flag === "--nfacct-name" && i === start + 2) args.push("");
      blank = wordEnd(text, i, end);
      args.push(readWord(text, i, blank));
    }
    return args;
  }
}

/** True where an option begins: `-x`, or a `!` that stands alone. */
function isOptionStart(text: string, start: number, end: number): boolean {
  const code = text.charCodeAt(start);
  if (code === DASH) return true;
  if (code !== BANG) return false;
  const next = text.charCodeAt(start + 1);
  return start + 1 === end || next === BLANK || next === TAB;
}

const chainCommands: readonly string[] = ["-N", "-X", "-F", "-P", "-Z", "-E"];

function isChainCommand(name: string): name is ChainCommand["command"] {
  return chainCommands.includes(name);
}

/** The beginning of a word, for messages. */
function shown(word: string): string {
  return word.length <= 40 ? word : `${word.slice(0, 40)}…`;
}
