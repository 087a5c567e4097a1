import { compareText } from "../net/compare.ts";
import { type Dumps, surplusDumps } from "./dumps.ts";

/** The first place where a dump in the folder is not what is compiled now. */
export interface ChangedDump {
  readonly kind: "changed";
  readonly path: string;
  /** Table and chain that the lines belong to; absent where the text has none (single commands, order of chains). */
  readonly table?: string;
  readonly chain?: string;
  /** How many more chains differ. */
  readonly more: number;
  /** Lines around the first difference: ` ` in both, `-` in the folder only, `+` compiled now. */
  readonly lines: readonly string[];
}

/** How a dump differs: its text, or it is not in the folder, or nothing asks for it. */
export type DumpDifference =
  | ChangedDump
  | { readonly kind: "missing"; readonly path: string }
  | { readonly kind: "surplus"; readonly path: string };

/** Lines shown before and after a difference, and of each side of it. */
const CONTEXT = 3;
const SHOWN = 6;

interface TableChain {
  readonly table: string;
  readonly chain: string;
  readonly lines: string[];
}

const CHAIN = /^(?::(\S+) |-[A-Z] (\S+))/;

/** The lines of a restore or save text by table and chain, in the order in which the chains first appear. */
function chainsOf(text: string): Map<string, TableChain> {
  const chains = new Map<string, TableChain>();
  let table = "";
  for (const line of text.split("\n")) {
    if (line.startsWith("*")) table = line.slice(1);
    const match = CHAIN.exec(line);
    const chain = match?.[1] ?? match?.[2];
    if (chain === undefined) continue;
    const key = `${table} ${chain}`;
    const known = chains.get(key);
    if (known === undefined) chains.set(key, { table, chain, lines: [line] });
    else known.lines.push(line);
  }
  return chains;
}

function cut(lines: readonly string[], mark: string): string[] {
  const shown = lines.slice(0, SHOWN).map((line) => `${mark} ${line}`);
  return lines.length > SHOWN ? [...shown, `${mark} … ${lines.length - SHOWN} more`] : shown;
}

/** What differs between two lists of lines, from the first difference to the last, with a few equal lines around. */
function differingLines(found: readonly string[], expected: readonly string[]): string[] {
  const shorter = Math.min(found.length, expected.length);
  let start = 0;
  while (start < shorter && found[start] === expected[start]) start++;
  let end = 0;
  while (end < shorter - start && found.at(-1 - end) === expected.at(-1 - end)) end++;
  const equal = (line: string): string => `  ${line}`;
  return [
    ...found.slice(Math.max(0, start - CONTEXT), start).map(equal),
    ...cut(found.slice(start, found.length - end), "-"),
    ...cut(expected.slice(start, expected.length - end), "+"),
    ...found.slice(found.length - end, found.length - end + CONTEXT).map(equal),
  ];
}

const same = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((line, i) => line === b[i]);

/** The first chain, in the order of what is compiled now, whose lines differ; then chains that only the folder has. */
function changedChains(found: string, expected: string): readonly TableChain[] {
  const [before, now] = [chainsOf(found), chainsOf(expected)];
  const keys = [...now.keys(), ...[...before.keys()].filter((key) => !now.has(key))];
  return keys
    .filter((key) => !same(before.get(key)?.lines ?? [], now.get(key)?.lines ?? []))
    .map((key) => {
      const { table, chain } = (now.get(key) ?? before.get(key)) as TableChain;
      return { table, chain, lines: differingLines(before.get(key)?.lines ?? [], now.get(key)?.lines ?? []) };
    });
}

/** Only texts of iptables have chains. */
const OF_IPTABLES = /\/ip6?tables\.[a-z]+$/;

function changed(path: string, found: string, expected: string): ChangedDump {
  const chains = OF_IPTABLES.test(path) ? changedChains(found, expected) : [];
  const [first] = chains;
  if (first !== undefined) return { kind: "changed", path, ...first, more: chains.length - 1 };
  return { kind: "changed", path, more: 0, lines: differingLines(found.split("\n"), expected.split("\n")) };
}

/**
 * Compares the dumps of a folder with those compiled now: each file that differs, once, with its first differing
 * chain; files that are missing; dumps that nothing asks for. By path; empty when all is equal.
 */
export function compareDumps(found: Dumps, expected: Dumps): DumpDifference[] {
  const differences: DumpDifference[] = surplusDumps(found.keys(), expected).map((path) => ({ kind: "surplus", path }));
  for (const [path, text] of expected) {
    const before = found.get(path);
    if (before === undefined) differences.push({ kind: "missing", path });
    else if (before !== text) differences.push(changed(path, before, text));
  }
  return differences.sort((a, b) => compareText(a.path, b.path));
}

function place({ table, chain, more }: ChangedDump): string {
  if (chain === undefined) return "the order of the lines, or lines outside of chains";
  const others = more === 0 ? "" : ` (and ${more} more ${more === 1 ? "chain" : "chains"})`;
  return `${table === "" ? "" : `table ${table}, `}chain ${chain}${others}`;
}

/** A difference as people read it; `folder` is put before its path. No line break at the end. */
export function formatDifference(difference: DumpDifference, folder: string): string {
  const path = `${folder}/${difference.path}`;
  if (difference.kind === "missing") return `${path}: missing`;
  if (difference.kind === "surplus") return `${path}: surplus: the scenario does not ask for it`;
  const lines = difference.lines.map((line) => `    ${line}`);
  return [`${path}: ${place(difference)}`, ...lines].join("\n");
}
