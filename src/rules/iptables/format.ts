import { TextWriter } from "../../text/textwriter.ts";
import type { ChainLine, Command, Line, Option, RuleLine, Script, Word } from "./syntax.ts";

const SPECIAL = /["\\]/g;

function writeWord(out: TextWriter, word: Word): void {
  if (typeof word === "string") {
    out.text(" ");
    out.text(word);
    return;
  }
  const { quoted } = word;
  out.text(' "');
  out.text(quoted.includes('"') || quoted.includes("\\") ? quoted.replace(SPECIAL, "\\$&") : quoted);
  out.text('"');
}

function writeOption(out: TextWriter, option: Option): void {
  out.text(option.negated ? " ! " : " ");
  out.text(option.flag);
  const { args } = option;
  for (let i = 0; i < args.length; i++) writeWord(out, args[i] as Word);
}

/** Writes ` -m comment …`: all options, each after a blank. */
export function writeOptions(out: TextWriter, options: readonly Option[]): void {
  for (let i = 0; i < options.length; i++) writeOption(out, options[i] as Option);
}

/** Writes a chain line with its line end. */
export function writeChainLine(out: TextWriter, { name, policy, counters }: ChainLine): void {
  out.text(":");
  out.text(name);
  out.text(" ");
  out.text(policy);
  if (counters !== undefined) out.text(` [${counters.packets}:${counters.bytes}]`);
  out.text("\n");
}

/** Writes a rule line without its line end. */
function writeRule(out: TextWriter, rule: RuleLine): void {
  if (rule.counters !== undefined) out.text(`[${rule.counters.packets}:${rule.counters.bytes}] `);
  out.text(rule.command);
  out.text(" ");
  out.text(rule.chain);
  if (rule.position !== undefined) out.text(` ${rule.position}`);
  writeOptions(out, rule.options);
}

/** Writes one line with its line end. */
export function writeLine(out: TextWriter, line: Line): void {
  switch (line.kind) {
    case "table":
      out.text(`*${line.name}`);
      break;
    case "chain":
      writeChainLine(out, line);
      return;
    case "rule":
      writeRule(out, line);
      break;
    case "chain-command":
      out.text(line.command);
      for (const word of line.args) writeWord(out, word);
      break;
    case "commit":
      out.text("COMMIT");
      break;
    case "comment":
    case "unknown":
      out.text(line.text);
      break;
  }
  out.text("\n");
}

/** The text of a script, each line ended by LF. */
export function formatScript(script: Script): string {
  const out = new TextWriter();
  for (const line of script.lines) writeLine(out, line);
  return out.toString();
}

/** The text of one rule line, without a line end. */
export function formatRule(rule: RuleLine): string {
  const out = new TextWriter();
  writeRule(out, rule);
  return out.toString();
}

/** A single command as arguments of iptables: `-t nat -I OUTPUT …`. */
export function formatCommand({ table, line }: Command): string {
  const out = new TextWriter();
  writeLine(out, line);
  return `-t ${table} ${out.toString().trimEnd()}`;
}
