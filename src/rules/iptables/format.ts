import { StringWriter, type TextSink, TextWriter } from "../../text/textwriter.ts";
import type { ChainCommand, Command, Counters, Line, Option, RuleLine, Script, Word } from "./syntax.ts";
import { formatWord, quote } from "./words.ts";

/** `[packets:bytes]` */
export function formatCounters(counters: Counters): string {
  return `[${counters.packets}:${counters.bytes}]`;
}

function writeWord(out: TextSink, word: Word): void {
  out.text(" ");
  out.text(typeof word === "string" ? word : quote(word));
}

/** Writes all options, each after a blank. Indexed loops: this is the inner loop of large texts. */
export function writeOptions(out: TextSink, options: readonly Option[]): void {
  for (let i = 0; i < options.length; i++) {
    const { negated, flag, args } = options[i] as Option;
    out.text(negated ? " ! " : " ");
    out.text(flag);
    for (let j = 0; j < args.length; j++) writeWord(out, args[j] as Word);
  }
}

function writeRule(out: TextSink, line: RuleLine): void {
  if (line.counters !== undefined) out.text(`${formatCounters(line.counters)} `);
  out.text(line.command);
  out.text(" ");
  out.text(line.chain);
  if (line.position !== undefined) out.text(` ${line.position}`);
  writeOptions(out, line.options);
}

function writeChainCommand(out: TextSink, line: ChainCommand): void {
  out.text(line.command);
  for (const word of line.args) writeWord(out, word);
}

/** Writes any line without its line end. */
export function writeLine(out: TextSink, line: Line): void {
  switch (line.kind) {
    case "rule":
      writeRule(out, line);
      return;
    case "chain":
      out.text(`:${line.name} ${line.policy}`);
      if (line.counters !== undefined) out.text(` ${formatCounters(line.counters)}`);
      return;
    case "chain-command":
      writeChainCommand(out, line);
      return;
    case "table":
      out.text(`*${line.name}`);
      return;
    case "commit":
      out.text("COMMIT");
      return;
    case "comment":
    case "unknown":
      out.text(line.text);
  }
}

/** Any line without its line end. */
export function formatLine(line: Line): string {
  const out = new StringWriter();
  writeLine(out, line);
  return out.toString();
}

/** A rule line without its line end. */
export function formatRule(line: RuleLine): string {
  return formatLine(line);
}

/** The text of a script, each line ended by LF; `parseScript` reads the same lines from it. */
export function formatScript(script: Script): string {
  const out = new TextWriter();
  for (const line of script.lines) {
    writeLine(out, line);
    out.text("\n");
  }
  return out.toString();
}

/** A single command as arguments of iptables: `-t TABLE -I CHAIN …`. */
export function formatCommand(command: Command): string {
  return `-t ${formatWord(command.table)} ${formatLine(command.line)}`;
}
