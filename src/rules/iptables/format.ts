import type { ChainCommand, ChainLine, Command, Counters, Line, Option, RuleLine, Script, Word } from "./syntax.ts";
import { formatWord, quote } from "./words.ts";

/** `[packets:bytes]` */
export function formatCounters(counters: Counters): string {
  return `[${counters.packets}:${counters.bytes}]`;
}

function formatArguments(args: readonly Word[]): string {
  let text = "";
  for (const word of args) text += typeof word === "string" ? ` ${word}` : ` ${quote(word)}`;
  return text;
}

/** One option with its `!` and its arguments, words joined by single blanks. */
export function formatOption(option: Option): string {
  const text = option.flag + formatArguments(option.args);
  return option.negated ? `! ${text}` : text;
}

/** A rule line without its line end. */
export function formatRule(line: RuleLine): string {
  let text = `${line.command} ${line.chain}`;
  if (line.counters !== undefined) text = `${formatCounters(line.counters)} ${text}`;
  if (line.position !== undefined) text += ` ${line.position}`;
  for (const option of line.options) {
    text += option.negated ? ` ! ${option.flag}` : ` ${option.flag}`;
    for (const word of option.args) text += typeof word === "string" ? ` ${word}` : ` ${quote(word)}`;
  }
  return text;
}

/** A chain line without its line end. */
export function formatChain(line: ChainLine): string {
  const text = `:${line.name} ${line.policy}`;
  return line.counters === undefined ? text : `${text} ${formatCounters(line.counters)}`;
}

/** A command on a chain without its line end. */
export function formatChainCommand(line: ChainCommand): string {
  return line.command + formatArguments(line.args);
}

/** Any line without its line end. */
export function formatLine(line: Line): string {
  switch (line.kind) {
    case "rule":
      return formatRule(line);
    case "chain":
      return formatChain(line);
    case "chain-command":
      return formatChainCommand(line);
    case "table":
      return `*${line.name}`;
    case "commit":
      return "COMMIT";
    case "comment":
    case "unknown":
      return line.text;
  }
}

/** Joins lines, each ended by LF. */
export function joinLines<T>(lines: Iterable<T>, format: (line: T) => string): string {
  const chunks: string[] = [];
  let text = "";
  for (const line of lines) {
    text += `${format(line)}\n`;
    if (text.length > CHUNK) {
      // reading a character makes V8 copy the pieces into one string while they are young: four times as fast as
      // one copy of millions of pieces at the end
      text.charCodeAt(0);
      chunks.push(text);
      text = "";
    }
  }
  chunks.push(text);
  return chunks.join("");
}

const CHUNK = 16_384;

/** The text of a script, each line ended by LF; `parseScript` reads the same lines from it. */
export function formatScript(script: Script): string {
  return joinLines(script.lines, formatLine);
}

/** A single command as arguments of iptables: `-t TABLE -I CHAIN …`. */
export function formatCommand(command: Command): string {
  const line = command.line.kind === "rule" ? formatRule(command.line) : formatChainCommand(command.line);
  return `-t ${formatWord(command.table)} ${line}`;
}
