import { kindAt, type LineKind } from "./line-kinds.ts";

/** What a line had in front of what a tool printed. */
export interface Prefix {
  readonly length: number;
  readonly kind: LineKind;
  /** The line number that stands in it (`cat -n`, `grep -n`). */
  readonly number: number | undefined;
}

const TIME = "\\d\\d:\\d\\d:\\d\\d(?:[.,]\\d{1,9})?";
const ISO = `\\d{4}-\\d\\d-\\d\\d[T ]${TIME}(?:Z|[ ]?[+-]\\d\\d:?\\d\\d)?`;
const TAG = "[\\w./@-]+(?:\\[\\d+\\])?: ";

/** cat -n, nl, less -N, grep -n, bat */
const NUMBER = / *\d+(?:[\t:]| {1,2}| *[|│] ?)/y;

/**
 * What loggers, pagers, mail and editors put before a line: each is one step, and a prefix is a row of them. The last of a
 * date is followed by the name of a host and that of a program, where these are there.
 */
const STEPS: readonly RegExp[] = [
  // indentation, and what quotes a mail
  /[ \t]+/y,
  /(?:> ?)+/y,
  // ISO dates of kubectl logs, docker, journald; syslog's date with and without priority
  new RegExp(`\\[?${ISO}\\]?(?: std(?:out|err) [FP])?(?:: ?| - |[ \\t]+)(?:[\\w.-]+ ${TAG})?`, "y"),
  new RegExp(
    `(?:<\\d+>)?(?:[A-Z][a-z]{2},? )?[A-Z][a-z]{2} {1,2}\\d{1,2} ${TIME}(?: \\d{4})?:? (?:[\\w.-]+ ${TAG})?`,
    "y",
  ),
  new RegExp(`\\[?${TIME}\\]?:? +`, "y"),
  new RegExp(TAG, "y"),
  // klog, the kernel's ring buffer, kubectl logs --prefix, docker compose
  /[IWEF]\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ \S+:\d+\] /y,
  /\[ *\d+\.\d{6}\](?:\[ *[TC]\d+\])? /y,
  /\[[\w./-]+\] /y,
  /[\w.-]+ +[|│] /y,
  NUMBER,
  // grep's file name
  /[\w./~@-]*[\w.]:/y,
];
const MOST_STEPS = 8;

interface Found {
  readonly at: number;
  readonly kind: LineKind;
  readonly number: number | undefined;
}

function find(text: string, at: number, steps: number, seen: Set<number>): Found | undefined {
  const kind = kindAt(text, at);
  if (kind !== undefined) return { at, kind, number: undefined };
  if (steps === 0 || seen.has(at)) return undefined;
  seen.add(at);
  for (const pattern of STEPS) {
    pattern.lastIndex = at;
    if (!pattern.test(text)) continue;
    const next = pattern.lastIndex;
    const found = find(text, next, steps - 1, seen);
    if (found === undefined) continue;
    return pattern === NUMBER && found.number === undefined
      ? { ...found, number: Number.parseInt(text.slice(at, next), 10) }
      : found;
  }
  return undefined;
}

/** Longer beginnings are not searched. */
const MOST = 400;

/** The prefix of a line that a tool has printed; `undefined` when no such line stands behind one. */
export function prefixOf(text: string): Prefix | undefined {
  const kind = kindAt(text, 0);
  if (kind !== undefined) return { length: 0, kind, number: undefined };
  const found = find(text, 0, MOST_STEPS, new Set());
  return found === undefined || found.at > MOST
    ? undefined
    : { length: found.at, kind: found.kind, number: found.number };
}
