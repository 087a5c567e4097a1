import type { Report, Source } from "../../text/diagnostic.ts";

/** A word of a line and where it stands in its source. */
export interface Word {
  readonly text: string;
  readonly offset: number;
}

/** A line without its line break, and where it begins in its source. */
export interface Line {
  readonly text: string;
  readonly offset: number;
}

/**
 * Where a server was read, for those who point at it later: a virtual server by the options that name it (`-t 10.0.0.1:80`), a
 * real one by these and its address and port behind a blank.
 */
export type Noted = (name: string, offset: number) => void;

/** The lines of a source; a carriage return in front of the line break is not part of them. */
export function linesOf({ text }: Source): readonly Line[] {
  const lines: Line[] = [];
  for (let offset = 0; offset < text.length; ) {
    const newline = text.indexOf("\n", offset);
    const end = newline < 0 ? text.length : newline;
    const last = end > offset && text.charCodeAt(end - 1) === 0x0d ? end - 1 : end;
    lines.push({ text: text.slice(offset, last), offset });
    offset = end + 1;
  }
  return lines;
}

/** The words of a line between blanks; ipvsadm knows no quotes. */
export function wordsOf({ text, offset }: Line): readonly Word[] {
  return [...text.matchAll(/\S+/g)].map((found) => ({ text: found[0], offset: offset + found.index }));
}

/** A number without a sign in decimal digits, 0 … `max`; leading zeros say nothing. */
export function parseDecimal(text: string, max: number): number | undefined {
  if (!/^[0-9]{1,15}$/.test(text)) return undefined;
  const value = Number(text);
  return value <= max ? value : undefined;
}

/** What is wrong at one place; a reader of one line throws none, it gives this back. */
export interface Fault {
  readonly code: string;
  readonly message: string;
  readonly offset: number;
}

/** A fault at a word. */
export function faultAt(code: string, message: string, { offset }: Word): Fault {
  return { code, message, offset };
}

export function isFault<T extends object>(value: T | Fault): value is Fault {
  return "code" in value && "message" in value;
}

/** A word as messages show it. */
export function shown(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** Hands a fault on as an error. */
export function reportFault({ code, message, offset }: Fault, source: Source, report: Report): void {
  report({ severity: "error", code, message, place: { source, offset } });
}
