import type { Place, Report, Source } from "../../text/diagnostic.ts";
import { OptionReader, readCounters } from "./option-reader.ts";
import type { Command, Line, Script } from "./syntax.ts";
import { bareEnd, skipBlanks } from "./words.ts";

const HASH = 0x23;
const COLON = 0x3a;
const STAR = 0x2a;
const BRACKET = 0x5b;
const RETURN = 0x0d;
const BLANK = 0x20;
const TAB = 0x09;

/**
 * A script that was read from a text: `offsets[i]` is where `lines[i]` begins; `broken` holds the numbers of lines that an
 * error was reported for, so that loading the script refuses their tables.
 */
export interface ParsedScript extends Script {
  readonly source: Source;
  readonly offsets: readonly number[];
  readonly broken: ReadonlySet<number>;
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

/** Where the white space at the end of a line begins when a carriage return is in it; `end` when none is. */
function trailingReturn(text: string, start: number, end: number): number {
  let from = end;
  let found = false;
  while (from > start) {
    const code = text.charCodeAt(from - 1);
    if (code !== RETURN && code !== BLANK && code !== TAB) break;
    found ||= code === RETURN;
    from--;
  }
  return found ? from : end;
}

/** Reads lines and follows the frame `*table … COMMIT`. */
class ScriptReader {
  readonly #source: Source;
  readonly #report: Report;
  readonly #options: OptionReader;
  readonly #lines: Line[] = [];
  readonly #broken = new Set<number>();
  readonly #offsets: number[] = [];
  #table: string | undefined;
  #outsideReported = false;
  #returnReported = false;
  /** A carriage return stands somewhere in the text, so that lines are worth a look. */
  readonly #mayReturn: boolean;

  constructor(source: Source, report: Report) {
    this.#source = source;
    this.#mayReturn = source.text.includes("\r");
    this.#report = (found) => {
      if (found.severity === "error") this.#broken.add(this.#lines.length);
      report(found);
    };
    this.#options = new OptionReader(source, this.#report, "script");
  }

  read(): ParsedScript {
    const { text } = this.#source;
    let start = 0;
    while (start < text.length) {
      const newline = text.indexOf("\n", start);
      let end = newline < 0 ? text.length : newline;
      const next = end + 1;
      const returned = trailingReturn(text, start, end);
      if (returned < end) {
        end = returned;
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
    return { lines: this.#lines, source: this.#source, offsets: this.#offsets, broken: this.#broken };
  }

  #error(code: string, offset: number, message: string): void {
    this.#report({ severity: "error", code, message, place: { source: this.#source, offset } });
  }

  /** One finding for the whole text: it is one mistake, made when the file was written. */
  #carriageReturn(offset: number): void {
    this.#broken.add(this.#lines.length);
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
      (counters < end && given === undefined) ||
      skipBlanks(text, countersEnd, end) !== end;
    if (bad) {
      this.#error("bad-chain-line", start, "a chain line is `:NAME POLICY` or `:NAME POLICY [packets:bytes]`");
      return this.#unknown(start, end);
    }
    this.#inTable(start, "a chain");
    if (text.charCodeAt(policy) === BRACKET) {
      const message = "counters without a policy: iptables-legacy refuses the line; write `-` before them";
      this.#report({
        severity: "warning",
        code: "missing-policy",
        message,
        place: { source: this.#source, offset: policy },
      });
    }
    const line = { kind: "chain", name, policy: text.slice(policy, policyEnd) } as const;
    return given === undefined ? line : { ...line, counters: given };
  }

  #ruleLine(start: number, end: number): Line {
    const { text } = this.#source;
    if (this.#mayReturn && text.slice(start, end).includes("\r")) {
      this.#carriageReturn(start);
      return { kind: "unknown", text: text.slice(start, end) };
    }
    const line = this.#options.readLine(start, end);
    if (line === undefined) return { kind: "unknown", text: text.slice(start, end) };
    this.#inTable(start, line.kind === "rule" ? "a rule" : "a command");
    return line;
  }
}
