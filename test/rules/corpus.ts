import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { IPFamily } from "../../src/net/family.ts";
import { formatCommand, formatRule, formatScript } from "../../src/rules/iptables/format.ts";
import { parseCommand, parseScript } from "../../src/rules/iptables/parse.ts";
import { readRule } from "../../src/rules/iptables/read-rule.ts";
import { applyCommand, applyScript } from "../../src/rules/iptables/restore.ts";
import { emptyRuleset, type Ruleset } from "../../src/rules/iptables/ruleset.ts";
import { formatSave } from "../../src/rules/iptables/save.ts";
import type { RuleLine } from "../../src/rules/iptables/syntax.ts";
import { writeRule } from "../../src/rules/iptables/write-rule.ts";
import type { Diagnostic } from "../../src/text/diagnostic.ts";

/** What `checkIptablesTexts` found; `differences` holds one short text for each broken law. */
export interface CorpusResult {
  files: number;
  texts: number;
  lines: number;
  commands: number;
  rules: number;
  /** Rulesets that were built from the commands and restore texts of a record and compared with its saved text. */
  rulesets: number;
  /** Lines that came back with fewer blanks between their words. */
  blanks: number;
  /** Findings by code, with their number. */
  diagnostics: Map<string, number>;
  differences: string[];
}

const MANY = 50;

function differ(result: CorpusResult, text: string): void {
  if (result.differences.length < MANY) result.differences.push(text);
}

/** The first line in which two texts differ, `undefined` when they are equal; differences in blanks are only counted. */
function firstDifference(result: CorpusResult, expected: string, actual: string): string | undefined {
  if (expected === actual) return undefined;
  const left = expected.split("\n");
  const right = actual.split("\n");
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    if (left[i] === right[i]) continue;
    if (left[i]?.replace(/ {2,}/g, " ") !== right[i])
      return `line ${i + 1}: ${left[i]?.slice(0, 200)} | ${right[i]?.slice(0, 200)}`;
    result.blanks++;
  }
  return undefined;
}

const canonical = (line: RuleLine, family: IPFamily, report?: (found: Diagnostic) => void): RuleLine =>
  writeRule(readRule(line, family, report));

/** Every rule must be understood; written as iptables-save does it stays the same, and is the same when it was printed so. */
function checkRule(result: CorpusResult, name: string, line: RuleLine, family: IPFamily, printed: boolean): void {
  result.rules++;
  const once = canonical(line, family, (found) => {
    result.diagnostics.set(found.code, (result.diagnostics.get(found.code) ?? 0) + 1);
  });
  const text = formatRule(once);
  const again = formatRule(canonical(once, family));
  if (again !== text) differ(result, `${name}: not stable: ${text} | ${again}`);
  const bare = formatRule({ ...line, command: "-A" });
  if (printed && text !== bare) differ(result, `${name}: ${bare} | ${text}`);
}

/** The laws for one text; `printed` says that iptables itself printed it. */
function checkText(result: CorpusResult, name: string, text: string, family: IPFamily, printed: boolean): void {
  result.texts++;
  const report = (found: Diagnostic): void => {
    result.diagnostics.set(found.code, (result.diagnostics.get(found.code) ?? 0) + 1);
  };
  const script = parseScript({ name, text }, report);
  result.lines += script.lines.length;
  const expected = text === "" || text.endsWith("\n") ? text : `${text}\n`;
  const difference = firstDifference(result, expected, formatScript(script));
  if (difference !== undefined) differ(result, `${name}: ${difference}`);
  for (const line of script.lines) if (line.kind === "rule") checkRule(result, name, line, family, printed);
}

function checkCommand(result: CorpusResult, name: string, text: string): void {
  result.commands++;
  const command = parseCommand({ name, text });
  const back = command === undefined ? "(unreadable)" : formatCommand(command);
  if (back !== text) differ(result, `${name}: ${text} | ${back}`);
}

/** Chain lines and canonical rules of a saved text, as a sorted set of chains and rules in order. */
function canonicalSave(text: string, family: IPFamily): string {
  const lines = parseScript(text).lines.map((line) => (line.kind === "rule" ? canonical(line, family) : line));
  return formatScript({ lines });
}

/** The state that the commands and the restore text of a step leave behind. */
function afterStep(before: Ruleset, answer: FamilyStep, family: IPFamily, refusals: string[]): Ruleset {
  const report = (found: Diagnostic): void => {
    // kube-proxy creates chains without asking whether they are there
    if (found.severity === "error" && found.code !== "chain-exists") refusals.push(`${found.code} ${found.message}`);
  };
  const options = { family, noflush: true, counters: true };
  let state = before;
  for (const text of Array.isArray(answer.commands) ? answer.commands : []) {
    const command = parseCommand(String(text));
    if (command !== undefined) state = applyCommand(state, command, options, report);
  }
  const { restore } = answer;
  return typeof restore === "string" ? applyScript(state, parseScript(restore, report), options, report) : state;
}

/** Builds each step's state and compares it with what the record says iptables-save would print. */
function checkStates(result: CorpusResult, name: string, record: UpstreamRecord, field: "ipv4" | "ipv6"): void {
  const family: IPFamily = field === "ipv4" ? "IPv4" : "IPv6";
  const steps = (record.answer.steps ?? []).map((step) => step[field]);
  if (!steps.some((step) => typeof step?.save === "string") || record.name.includes("fail")) return;
  let state = emptyRuleset;
  for (const [index, step] of steps.entries()) {
    if (step === undefined || step === null) return;
    const refusals: string[] = [];
    state = afterStep(state, step, family, refusals);
    if (typeof step.save !== "string") continue;
    result.rulesets++;
    const actual = formatSave(state, family, { backend: "nft", tables: ["filter", "nat"] });
    const expected = canonicalSave(step.save, family);
    const difference = firstDifference(result, expected, actual);
    const what = `${name} step ${index} ${field}`;
    if (refusals.length > 0 && difference !== undefined) differ(result, `${what}: refused: ${refusals[0]}`);
    else if (difference !== undefined) differ(result, `${what}: state: ${difference}`);
  }
}

const TEXT_FIELDS = ["restore", "save", "canonical", "restoreCanonical"] as const;

type FamilyStep = { readonly [field in (typeof TEXT_FIELDS)[number] | "commands"]?: unknown };
interface UpstreamRecord {
  readonly name: string;
  readonly answer: {
    readonly steps?: readonly { readonly ipv4?: FamilyStep | null; readonly ipv6?: FamilyStep | null }[];
  };
}

function checkRecord(result: CorpusResult, file: string, record: UpstreamRecord): void {
  for (const family of ["ipv4", "ipv6"] as const) checkStates(result, `${file} ${record.name}`, record, family);
  for (const [index, step] of (record.answer.steps ?? []).entries()) {
    for (const family of ["ipv4", "ipv6"] as const) {
      const answer = step[family];
      if (answer === undefined || answer === null) continue;
      const name = `${file} ${record.name} step ${index} ${family}`;
      for (const field of TEXT_FIELDS) {
        const text = answer[field];
        if (typeof text === "string")
          checkText(result, `${name} ${field}`, text, family === "ipv4" ? "IPv4" : "IPv6", false);
      }
      for (const command of Array.isArray(answer.commands) ? answer.commands : []) {
        if (typeof command === "string") checkCommand(result, name, command);
      }
    }
  }
}

/**
 * Checks every iptables text of a folder of upstream records (`vN-iptables-*.ndjson.gz`, `vN-ipvs-*.ndjson.gz`, and
 * `real/*.save`): written again after reading, each must be the same, blanks between words excepted; every rule must be
 * understood; and the commands and texts of a record must lead to the state it was saved with.
 */
export function checkIptablesTexts(dir: string): CorpusResult {
  const result: CorpusResult = {
    files: 0,
    texts: 0,
    lines: 0,
    commands: 0,
    rules: 0,
    rulesets: 0,
    blanks: 0,
    diagnostics: new Map(),
    differences: [],
  };
  for (const file of readdirSync(dir).sort()) {
    if (!/-(iptables|ipvs)-.*\.ndjson\.gz$/.test(file)) continue;
    result.files++;
    for (const line of gunzipSync(readFileSync(join(dir, file)))
      .toString("utf8")
      .split("\n")) {
      if (line !== "") checkRecord(result, file, JSON.parse(line) as UpstreamRecord);
    }
  }
  for (const file of existsSync(join(dir, "real")) ? readdirSync(join(dir, "real")).sort() : []) {
    if (!file.endsWith(".save")) continue;
    result.files++;
    const family: IPFamily = file.includes(".ipv6.") ? "IPv6" : "IPv4";
    checkText(result, file, readFileSync(join(dir, "real", file), "utf8"), family, true);
  }
  return result;
}
