import { dropStart, type MappedText, mapped, without } from "./mapped-text.ts";

/** A line as it stood on the screen: without line break, colours and invisible characters. */
export interface PhysicalLine extends MappedText {
  /** No line break stands behind it: the text ends here. */
  readonly open: boolean;
}

/**
 * What steers a terminal and shows nothing (ECMA-48 control sequences, operating system commands, character sets), also as
 * `cat -v` spells it; byte order marks, zero-width characters and what C0 has beside the tab and the line breaks. NUL stays:
 * a reader has its own word for it.
 */
const INVISIBLE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  /(?:\u001b\[|\u009b)[0-?]{0,64}[ -/]{0,8}[@-~]|\u001b\][^\u0007\u001b]{0,2000}(?:\u0007|\u001b\\)|\u001b[ -/]{1,3}[0-~]|\u001b[0-Z\\-~]|\^\[\[[0-9;]{0,32}[mK]|[\u0001-\u0008\u000b\u000c\u000e-\u001f\u007f\ufeff\u200b-\u200d\u2060]/g;

/** Texts without any of these are shown as they are. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const SUSPICIOUS = /[\u0001-\u0008\u000b-\u001f\u007f\u009b\u00a0\ufeff\u200b-\u200d\u2060]|\^\[\[/;

/** Has a text characters that only its way here has put in: carriage returns, colours, byte order marks? */
export function hasStrayCharacters(text: string): boolean {
  return SUSPICIOUS.test(text);
}

const BREAK = /\r\n|\n|\r/g;

/** The lines of a text, broken at LF, CR LF or CR. */
export function physicalLines(text: string): PhysicalLine[] {
  const stray = hasStrayCharacters(text);
  const lines: PhysicalLine[] = [];
  const add = (from: number, to: number, open: boolean): void => {
    const line = mapped(text.slice(from, to), from);
    const seen = stray ? without(line, INVISIBLE) : line;
    // a blank that does not break, from a web page
    lines.push({ runs: seen.runs, text: stray ? seen.text.replaceAll("\u00a0", " ") : seen.text, open });
  };
  let start = 0;
  if (stray) {
    for (const found of text.matchAll(BREAK)) {
      add(start, found.index, false);
      start = found.index + found[0].length;
    }
  } else {
    for (let next = text.indexOf("\n"); next >= 0; next = text.indexOf("\n", start)) {
      add(start, next, false);
      start = next + 1;
    }
  }
  if (start < text.length) add(start, text.length, true);
  return lines;
}

/** The line from a position on. */
export function lineFrom(line: PhysicalLine, start: number): PhysicalLine {
  return start === 0 ? line : { ...dropStart(line, start), open: line.open };
}
