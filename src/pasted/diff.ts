import { kindAt } from "./line-kinds.ts";
import { lineFrom, type PhysicalLine } from "./physical-lines.ts";

/** The new side of a text in diff's form. */
export interface NewSide {
  readonly lines: readonly PhysicalLine[];
  /** The first line that is left out because it stands on the old side only, and how many there are. */
  readonly removed: { readonly at: PhysicalLine; readonly count: number } | undefined;
  /** Parts of the new text are not shown. */
  readonly gaps: boolean;
  /** The end of the new text may not be shown. */
  readonly open: boolean;
}

const HUNK = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/;
const NORMAL_HUNK = /^\d+(?:,\d+)?[acd]\d+(?:,\d+)?$/;
const HEAD = /^(?:--- |\+\+\+ |diff -|index [0-9a-f]+\.\.|new file mode|\\ No newline)/;

/** A line of a dump with a sign before it that is not its own. */
function isSigned({ text }: PhysicalLine): boolean {
  const sign = text.charCodeAt(0);
  // + and -; a line that begins with a blank is an indented one as well
  return (sign === 0x2b || sign === 0x2d) && kindAt(text, 0) === undefined && kindAt(text, 1) !== undefined;
}

/** `< ` before a line of the old side; the new side's `> ` is peeled off as a quotation is. */
function isOld({ text }: PhysicalLine): boolean {
  return text.startsWith("< ") && kindAt(text, 2) !== undefined;
}

/** Takes the new side of what diff printed; `undefined` when the text is not of that form. */
export function newSide(lines: readonly PhysicalLine[]): NewSide | undefined {
  const normal = lines.some(isOld) || lines.some(({ text }) => NORMAL_HUNK.test(text));
  const unified = lines.some(isSigned);
  if (!unified && !normal) return undefined;
  const kept: PhysicalLine[] = [];
  let removed: PhysicalLine | undefined;
  let count = 0;
  const hunks: string[] = [];
  for (const line of lines) {
    const { text } = line;
    const hunk = HUNK.exec(text);
    if (hunk !== null) hunks.push(`${hunk[1]} ${hunk[2]}`);
    if (hunk !== null || HEAD.test(text) || NORMAL_HUNK.test(text) || (normal && text === "---")) continue;
    const first = text.charAt(0);
    const isRemoved = isOld(line) || (unified && first === "-" && (text === "-" || isSigned(line)));
    if (isRemoved) {
      removed ??= line;
      count++;
    } else
      kept.push(
        unified && (first === "+" || (first === " " && kindAt(text, 1) !== undefined)) ? lineFrom(line, 1) : line,
      );
  }
  const isNew = hunks.length === 0 || (hunks.length === 1 && hunks[0] === "0 1");
  const fromStart = hunks.length <= 1 && (hunks[0]?.endsWith(" 1") ?? true);
  return {
    lines: kept,
    removed: removed === undefined ? undefined : { at: removed, count },
    gaps: normal || !fromStart,
    open: !isNew,
  };
}
