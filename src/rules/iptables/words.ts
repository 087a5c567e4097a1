import type { Quoted, Word } from "./syntax.ts";

const TAB = 0x09;
const BLANK = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** The first offset in `start … end` that holds neither a blank nor a tab, or `end`. */
export function skipBlanks(text: string, start: number, end: number): number {
  let i = start;
  while (i < end) {
    const code = text.charCodeAt(i);
    if (code !== BLANK && code !== TAB) return i;
    i++;
  }
  return end;
}

/** The offset behind a run of anything but blanks and tabs; quotes have no meaning here. */
export function bareEnd(text: string, start: number, end: number): number {
  let i = start;
  while (i < end) {
    const code = text.charCodeAt(i);
    if (code === BLANK || code === TAB) return i;
    i++;
  }
  return end;
}

/**
 * The offset behind the word that begins at `start`, or -1 when a quote in it is never closed.
 *
 * As `add_param_to_argv` of iptables' xshared.c cuts words: a quote may open anywhere in a word, blanks inside it
 * belong to the word, a backslash in it takes the next character literally, and the closing quote ends the word.
 */
export function wordEnd(text: string, start: number, end: number): number {
  let i = start;
  while (i < end) {
    const code = text.charCodeAt(i);
    if (code === BLANK || code === TAB) return i;
    if (code === QUOTE) return closingQuote(text, i + 1, end);
    i++;
  }
  return end;
}

function closingQuote(text: string, start: number, end: number): number {
  let i = start;
  while (i < end) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) return i + 1;
    i += code === BACKSLASH ? 2 : 1;
  }
  return -1;
}

/** True for a bare word in which a quote opens. */
export function hasInnerQuote(text: string, start: number, end: number): boolean {
  return text.charCodeAt(start) !== QUOTE && text.slice(start, end).includes('"');
}

/** The argument that iptables gets from a word: quotes removed, escapes inside them resolved. */
function argumentText(word: Word): string {
  if (typeof word !== "string") return word.quoted;
  const open = word.indexOf('"');
  return open < 0 ? word : word.slice(0, open) + unescaped(word.slice(open + 1, -1));
}

function isPlain(word: Word): word is string {
  return typeof word === "string" && !word.includes('"');
}

/** `argumentText` of each word; the list itself when there is nothing to do. */
export function argumentTexts(words: readonly Word[]): readonly string[] {
  return words.every(isPlain) ? words : words.map(argumentText);
}

/** V8 gives up on replacing tens of millions of places at once, so long texts are taken in pieces. */
const PIECE = 1_000_000;

/** The text without its escapes; no piece ends between a backslash and what it escapes. */
function unescaped(raw: string): string {
  if (raw.length <= PIECE) return raw.replace(ESCAPED, "$1");
  const pieces: string[] = [];
  for (let start = 0; start < raw.length; ) {
    let end = Math.min(start + PIECE, raw.length);
    let run = 0;
    while (end - run > start && raw.charCodeAt(end - run - 1) === BACKSLASH) run++;
    end += run % 2;
    pieces.push(raw.slice(start, end).replace(ESCAPED, "$1"));
    start = end;
  }
  return pieces.join("");
}

function replaceInPieces(text: string, pattern: RegExp): string {
  if (text.length <= PIECE) return text.replace(pattern, "\\$&");
  const pieces: string[] = [];
  for (let start = 0; start < text.length; start += PIECE) {
    pieces.push(text.slice(start, start + PIECE).replace(pattern, "\\$&"));
  }
  return pieces.join("");
}

const ESCAPED = /\\([\s\S])/g;

/** Reads the word between `start` and the end that `wordEnd` found. A quote inside a bare word stays as it is. */
export function readWord(text: string, start: number, end: number): Word {
  if (text.charCodeAt(start) !== QUOTE) return text.slice(start, end);
  const raw = text.slice(start + 1, end - 1);
  if (!raw.includes("\\")) return { quoted: raw };
  const quoted = unescaped(raw);
  return escapePlain(quoted) === raw ? { quoted } : { quoted, raw };
}

const ESCAPES = /["\\]/g;
const SAVED_ESCAPES = /["\\']/g;

function escapePlain(text: string): string {
  return text.includes('"') || text.includes("\\") ? replaceInPieces(text, ESCAPES) : text;
}

const SIMPLE = /^[A-Za-z0-9_-]+$/;

/**
 * The word that iptables-save prints for a string (comment, log prefix): bare only when it is not empty and all
 * of `A-Z a-z 0-9 _ -`, otherwise quoted with `'` escaped too (kernel-semantics §6.3, `xtables_save_string`).
 */
export function savedString(text: string): Word {
  if (SIMPLE.test(text)) return text;
  return text.includes("'") ? { quoted: text, raw: replaceInPieces(text, SAVED_ESCAPES) } : { quoted: text };
}

/** A quoted word with its quotes: a backslash stands before `"` and `\` unless the word has a form of its own. */
export function quote(word: Quoted): string {
  return `"${word.raw ?? escapePlain(word.quoted)}"`;
}

/** A word as text: bare words as they are, quoted ones in quotes. */
export function formatWord(word: Word): string {
  return typeof word === "string" ? word : quote(word);
}
