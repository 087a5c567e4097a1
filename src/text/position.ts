import type { Source } from "./diagnostic.ts";

/** A place for people: 1-based line and column, the column counted in characters. */
export interface LineColumn {
  readonly line: number;
  readonly column: number;
}

/** A line of a source: its number, and where its text begins and ends (without the line break). */
export interface SourceLine {
  readonly line: number;
  readonly start: number;
  readonly end: number;
}

/** What a source needs so that many places in it cost a binary search each. */
interface LineIndex {
  readonly starts: readonly number[];
  /** Offsets of the second halves of surrogate pairs: they are not characters of their own. */
  readonly halves: readonly number[];
}

const indexes: WeakMap<Source, LineIndex> = new WeakMap();

function buildIndex(text: string): LineIndex {
  const starts = [0];
  for (let next = text.indexOf("\n"); next >= 0; next = text.indexOf("\n", next + 1)) starts.push(next + 1);
  const halves: number[] = [];
  for (const pair of text.matchAll(/[\ud800-\udbff][\udc00-\udfff]/g)) halves.push(pair.index + 1);
  return { starts, halves };
}

function indexOf(source: Source): LineIndex {
  let index = indexes.get(source);
  if (index === undefined) {
    index = buildIndex(source.text);
    indexes.set(source, index);
  }
  return index;
}

/** How many of the sorted numbers are below `limit`. */
function countBelow(sorted: readonly number[], limit: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

function clamp(text: string, offset: number): number {
  return Math.max(0, Math.min(offset, text.length));
}

/** Line and column of an offset (UTF-16 units) for a single question; offsets behind the end count as the end. */
export function lineColumn(text: string, offset: number): LineColumn {
  const end = clamp(text, offset);
  let line = 1;
  let start = 0;
  for (let next = text.indexOf("\n"); next >= 0 && next < end; next = text.indexOf("\n", start)) {
    line++;
    start = next + 1;
  }
  return { line, column: [...text.slice(start, end)].length + 1 };
}

/** The same as `lineColumn`, with an index that is made once a source: for many questions. */
export function placeColumn(source: Source, offset: number): LineColumn {
  const { starts, halves } = indexOf(source);
  const end = clamp(source.text, offset);
  const line = countBelow(starts, end + 1);
  const start = starts[line - 1] ?? 0;
  return { line, column: end - start - (countBelow(halves, end) - countBelow(halves, start)) + 1 };
}

/** The line an offset stands in; a carriage return before the line break is not part of it. */
export function sourceLine(source: Source, offset: number): SourceLine {
  const { starts } = indexOf(source);
  const line = countBelow(starts, clamp(source.text, offset) + 1);
  const start = starts[line - 1] ?? 0;
  let end = (starts[line] ?? source.text.length + 1) - 1;
  if (source.text.charCodeAt(end - 1) === 0x0d && end > start) end--;
  return { line, start, end };
}
