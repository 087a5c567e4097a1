import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { formatCommand, formatScript } from "../../src/rules/iptables/format.ts";
import { parseCommand, parseScript } from "../../src/rules/iptables/parse.ts";
import type { Diagnostic } from "../../src/text/diagnostic.ts";

/** What `checkIptablesTexts` found; `differences` holds one short text for each broken law. */
export interface CorpusResult {
  files: number;
  texts: number;
  lines: number;
  commands: number;
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

/** The law format(parse(text)) = text for one text; returns its findings. */
export function checkText(result: CorpusResult, name: string, text: string): void {
  result.texts++;
  const report = (found: Diagnostic): void => {
    result.diagnostics.set(found.code, (result.diagnostics.get(found.code) ?? 0) + 1);
  };
  const script = parseScript({ name, text }, report);
  result.lines += script.lines.length;
  const expected = text === "" || text.endsWith("\n") ? text : `${text}\n`;
  const difference = firstDifference(result, expected, formatScript(script));
  if (difference !== undefined) differ(result, `${name}: ${difference}`);
}

function checkCommand(result: CorpusResult, name: string, text: string): void {
  result.commands++;
  const command = parseCommand({ name, text });
  const back = command === undefined ? "(unreadable)" : formatCommand(command);
  if (back !== text) differ(result, `${name}: ${text} | ${back}`);
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
  for (const [index, step] of (record.answer.steps ?? []).entries()) {
    for (const family of ["ipv4", "ipv6"] as const) {
      const answer = step[family];
      if (answer === undefined || answer === null) continue;
      const name = `${file} ${record.name} step ${index} ${family}`;
      for (const field of TEXT_FIELDS) {
        const text = answer[field];
        if (typeof text === "string") checkText(result, `${name} ${field}`, text);
      }
      for (const command of Array.isArray(answer.commands) ? answer.commands : []) {
        if (typeof command === "string") checkCommand(result, name, command);
      }
    }
  }
}

/**
 * Checks every iptables text of a folder of upstream records (`vN-iptables-*.ndjson.gz`, `vN-ipvs-*.ndjson.gz`, and
 * `real/*.save`): written again after reading, each must be the same, blanks between words excepted.
 */
export function checkIptablesTexts(dir: string): CorpusResult {
  const result: CorpusResult = {
    files: 0,
    texts: 0,
    lines: 0,
    commands: 0,
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
  for (const file of readdirSync(join(dir, "real")).sort()) {
    if (!file.endsWith(".save")) continue;
    result.files++;
    checkText(result, file, readFileSync(join(dir, "real", file), "utf8"));
  }
  return result;
}
