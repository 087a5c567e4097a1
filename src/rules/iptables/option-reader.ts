import type { Report, Source } from "../../text/diagnostic.ts";
import { type FlagInfo, flagInfo } from "./options.ts";
import { type ChainCommand, type Counters, type Option, type RuleLine, type Word, wordText } from "./syntax.ts";
import { bareEnd, hasInnerQuote, readWord, skipBlanks, wordEnd } from "./words.ts";

const BRACKET = 0x5b;
const BANG = 0x21;
const DASH = 0x2d;
const BLANK = 0x20;
const TAB = 0x09;

const COUNTERS = /^\[(\d{1,20}):(\d{1,20})\]$/;

/** `[packets:bytes]`, or `undefined`. */
export function readCounters(text: string): Counters | undefined {
  const found = text.length <= 64 ? COUNTERS.exec(text) : null;
  return found === null ? undefined : { packets: found[1] as string, bytes: found[2] as string };
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

const CHAIN_NAME = /^[^\s"]+$/;
const POSITION = /^[0-9]{1,9}$/;

/** Reads the options of rule lines; options that were seen before are shared. */
export class OptionReader {
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
    if (!CHAIN_NAME.test(chainName)) {
      this.#error("bad-command", offset, `${name} needs a chain name without blanks and quotes`);
      return undefined;
    }
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
      if (option.negated) this.#fail("bad-command", start, `! cannot stand before ${option.flag}`);
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
    const warn = (offset: number): void => {
      clean = false;
      const message = "a double quote inside a word: it ends where the next one stands; put the whole word into quotes";
      this.#report({
        severity: "warning",
        code: "quote-inside-word",
        message,
        place: { source: this.#source, offset },
      });
    };
    let count = 0;
    for (let i = skipBlanks(text, flagStart + flag.length, optionEnd); i < optionEnd; count++) {
      const next = wordEnd(text, i, optionEnd);
      if (hasInnerQuote(text, i, next)) warn(i);
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
