import type { Place, Source } from "../text/diagnostic.ts";

/** From position `from` of a text on, its characters are those of the original from `at` on. */
interface Run {
  readonly from: number;
  readonly at: number;
}

/** A piece of text with where each of its characters stood; runs are in order, the first begins at 0. */
export interface MappedText {
  readonly text: string;
  readonly runs: readonly Run[];
}

/** A text of which the first character stood at `at`, and all others behind it. */
export function mapped(text: string, at: number): MappedText {
  return { text, runs: [{ from: 0, at }] };
}

/** Where the character at `offset` stood in the original. */
function originalOffset(runs: readonly Run[], offset: number): number {
  let low = 0;
  let high = runs.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((runs[middle] as Run).from <= offset) low = middle + 1;
    else high = middle;
  }
  const run = runs[low - 1];
  return run === undefined ? offset : run.at + offset - run.from;
}

/** The rest of a text from `start` on. */
export function dropStart({ text, runs }: MappedText, start: number): MappedText {
  if (start === 0) return { text, runs };
  const first = { from: 0, at: originalOffset(runs, start) };
  const rest = runs.filter(({ from }) => from > start).map(({ from, at }) => ({ from: from - start, at }));
  return { text: text.slice(start), runs: [first, ...rest] };
}

/** The text without what a pattern (with the flag `g`) finds. */
export function without(piece: MappedText, pattern: RegExp): MappedText {
  const { text, runs } = piece;
  const kept: MappedText[] = [];
  let next = 0;
  const keep = (end: number): void => {
    if (end <= next) return;
    const cut = dropStart({ text: text.slice(0, end), runs }, next);
    kept.push({ text: cut.text, runs: cut.runs.filter(({ from }) => from < cut.text.length) });
  };
  for (const found of text.matchAll(pattern)) {
    keep(found.index);
    next = found.index + found[0].length;
  }
  if (next === 0) return piece;
  keep(text.length);
  return kept.length === 0 ? mapped("", originalOffset(runs, 0)) : joined(kept, "");
}

/** Texts one behind the other; what stands between them has the place of the end of the one before. */
export function joined(pieces: readonly MappedText[], between: string): MappedText {
  const texts: string[] = [];
  const runs: Run[] = [];
  let length = 0;
  for (const [i, piece] of pieces.entries()) {
    if (i > 0 && between !== "") {
      texts.push(between);
      length += between.length;
    }
    for (const { from, at } of piece.runs) runs.push({ from: length + from, at });
    texts.push(piece.text);
    length += piece.text.length;
  }
  return { text: texts.join(""), runs };
}

/** A source that was made from pieces of another one. */
export interface DerivedSource {
  readonly source: Source;
  /** The place in the original of an offset in `source`. */
  readonly placeOf: (offset: number) => Place;
}

/** A source that is its own original. */
export function underived(source: Source): DerivedSource {
  return { source, placeOf: (offset) => ({ source, offset }) };
}

/** A source from the lines of a text, each ended by LF. */
export function derived(original: Source, lines: readonly MappedText[]): DerivedSource {
  const { text, runs } = joined(lines, "\n");
  const source = { name: original.name, text: text === "" ? "" : `${text}\n` };
  const last = original.text.length;
  return {
    source,
    placeOf: (offset) => ({ source: original, offset: Math.min(last, originalOffset(runs, offset)) }),
  };
}
