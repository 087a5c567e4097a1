import type { Diagnostic, Place, Severity } from "./diagnostic.ts";
import { placeColumn, sourceLine } from "./position.ts";
import { visible } from "./visible.ts";

/** How to render: with ANSI colours or without. */
export interface RenderOptions {
  readonly color: boolean;
}

/** The widest piece of a source line that is shown, in UTF-16 units, and how much of it stands before the caret. */
const WIDTH = 100;
const BEFORE = 60;
/** Longest message and field path shown; what a hostile file puts into them is cut. */
const MESSAGE = 2000;
const TAB = "    ";

const COLORS: Readonly<Record<Severity, string>> = { error: "31", warning: "33", note: "36" };

function paint(text: string, code: string, options: RenderOptions): string {
  return options.color ? `\u001b[${code}m${text}\u001b[0m` : text;
}

/** `offset`, moved back by one when it would cut a surrogate pair in two. */
function whole(text: string, offset: number): number {
  const code = text.charCodeAt(offset);
  return offset > 0 && code >= 0xdc00 && code <= 0xdfff ? offset - 1 : offset;
}

function shown(text: string): string {
  return visible(text.replaceAll("\t", TAB));
}

/** Columns a text takes in a terminal, near enough: wide East Asian characters and emoji take two. */
function columns(text: string): number {
  const wide = text.match(
    /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/gu,
  );
  const marks = text.match(/\p{M}/gu);
  return [...text].length + (wide?.length ?? 0) - (marks?.length ?? 0);
}

/** The source line of a place, cut to a window around it, and a caret below. */
function excerpt(place: Place, options: RenderOptions): string {
  const { text } = place.source;
  const line = sourceLine(place.source, place.offset);
  const at = Math.max(line.start, Math.min(place.offset, line.end));
  let from = line.start;
  let to = line.end;
  if (to - from > WIDTH) {
    from = whole(text, Math.max(line.start, Math.min(at - BEFORE, line.end - WIDTH)));
    to = whole(text, Math.min(line.end, from + WIDTH));
  }
  const head = `${from > line.start ? "…" : ""}${shown(text.slice(from, at))}`;
  const tail = `${shown(text.slice(at, to))}${to < line.end ? "…" : ""}`;
  return `  ${head}${tail}\n  ${" ".repeat(columns(head))}${paint("^", "1;32", options)}`;
}

function cut(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, whole(text, limit))}…`;
}

/**
 * A diagnostic as people read it: `FILE:LINE:COLUMN: FIELD: MESSAGE`, then the source line and a caret. Warnings and
 * notes say so behind the place. No line break at the end. Whatever came from the input is made visible first.
 */
export function renderDiagnostic(diagnostic: Diagnostic, options: RenderOptions): string {
  const { place, field, severity } = diagnostic;
  const parts: string[] = [];
  if (place !== undefined) {
    const { line, column } = placeColumn(place.source, place.offset);
    parts.push(paint(`${visible(place.source.name)}:${line}:${column}:`, "1", options));
  }
  if (severity !== "error") parts.push(paint(`${severity}:`, COLORS[severity], options));
  if (field !== undefined && field !== "") parts.push(`${visible(cut(field, MESSAGE))}:`);
  const message = visible(cut(diagnostic.message, MESSAGE));
  parts.push(severity === "error" ? paint(message, COLORS.error, options) : message);
  const headline = parts.join(" ");
  return place === undefined ? headline : `${headline}\n${excerpt(place, options)}`;
}
