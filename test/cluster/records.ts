import { readFileSync } from "node:fs";

/** One line of `validation-records.ndjson`; its first line says how the file was made. */
export interface ValidationRecord {
  readonly id: string;
  readonly object?: unknown;
  readonly args?: readonly string[];
  readonly errors?: readonly string[];
  readonly warnings?: readonly string[];
  readonly refusal?: readonly string[] | "errors";
  readonly status?: readonly string[];
  readonly internal?: string;
  readonly failure?: string;
  readonly host?: string;
  readonly defaulted?: Readonly<Record<string, unknown>>;
}

interface Repeat {
  readonly repeat: unknown;
  readonly times: number;
}

function isRepeat(value: unknown): value is Repeat {
  return typeof value === "object" && value !== null && "repeat" in value && "times" in value;
}

/** Writes out `{repeat, times}`: a long text where a value stands, many members where a member of a list stands. */
function expand(value: unknown): unknown {
  if (isRepeat(value)) return String(value.repeat).repeat(value.times);
  if (Array.isArray(value)) {
    return value.flatMap((member: unknown) =>
      isRepeat(member) ? new Array(member.times).fill(expand(member.repeat)) : [expand(member)],
    );
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, expand(member)]));
}

/** All records whose id begins with `kind/`. */
export function recordsOf(kind: string): readonly ValidationRecord[] {
  const file = new URL("../../../test/cluster/validation-records.ndjson", import.meta.url);
  const lines = readFileSync(file, "utf8").trim().split("\n").slice(1);
  return lines
    .filter((line) => line.startsWith(`{"id":"${kind}/`))
    .map((line) => expand(JSON.parse(line)) as ValidationRecord);
}

/** The first difference of two lists of lines, or `undefined`. */
export function firstDifference(actual: readonly string[], expected: readonly string[]): string | undefined {
  for (let i = 0; i < Math.max(actual.length, expected.length); i++) {
    if (actual[i] !== expected[i]) return `line ${i + 1}\n  is     ${actual[i]}\n  should ${expected[i]}`;
  }
  return undefined;
}
