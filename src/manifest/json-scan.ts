const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const COLON = 0x3a;
const COMMA = 0x2c;

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

/** The first offset at or behind `offset` that is not JSON white space. */
export function skipBlank(text: string, offset: number): number {
  let at = offset;
  while (isBlank(text.charCodeAt(at))) at++;
  return at;
}

/** The offset behind the string that begins at `offset`, or -1 when it is not closed. */
export function stringEnd(text: string, offset: number): number {
  let close = text.indexOf('"', offset + 1);
  while (close >= 0) {
    let slash = close - 1;
    while (text.charCodeAt(slash) === BACKSLASH) slash--;
    if (((close - slash) & 1) === 1) return close + 1;
    close = text.indexOf('"', close + 1);
  }
  return -1;
}

function scalarEnd(text: string, offset: number, end: number): number {
  let at = offset;
  while (at < end) {
    const code = text.charCodeAt(at);
    if (isBlank(code) || code === COMMA || code === COLON || code === CLOSE_BRACE || code === CLOSE_BRACKET) break;
    if (code === OPEN_BRACE || code === OPEN_BRACKET || code === QUOTE) break;
    at++;
  }
  return at === offset ? offset + 1 : at;
}

/**
 * The offset behind the JSON value that begins at `offset`, by its brackets and strings alone (what stands between
 * them is not checked); -1 when the text ends first.
 */
export function valueEnd(text: string, offset: number, end: number): number {
  const first = text.charCodeAt(offset);
  if (first === QUOTE) {
    const behind = stringEnd(text, offset);
    return behind > end ? -1 : behind;
  }
  if (first !== OPEN_BRACE && first !== OPEN_BRACKET) return scalarEnd(text, offset, end);
  let depth = 0;
  for (let at = offset; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = stringEnd(text, at) - 1;
      if (at < 0) return -1;
    } else if (code === OPEN_BRACE || code === OPEN_BRACKET) depth++;
    else if ((code === CLOSE_BRACE || code === CLOSE_BRACKET) && --depth === 0) return at + 1;
  }
  return -1;
}

/** How many object members are written between two offsets of valid JSON: strings that a colon follows. */
export function countKeys(text: string, offset: number, end: number): number {
  let keys = 0;
  let open = text.indexOf('"', offset);
  while (open >= 0 && open < end) {
    const behind = stringEnd(text, open);
    if (behind < 0) return keys;
    const next = skipBlank(text, behind);
    if (text.charCodeAt(next) === COLON) keys++;
    open = text.indexOf('"', next);
  }
  return keys;
}

/** The text of a string literal between two offsets, without its quotes and with its escapes resolved. */
export function stringValue(text: string, open: number, behind: number): string {
  const raw = text.slice(open + 1, behind - 1);
  return raw.includes("\\") ? String(JSON.parse(text.slice(open, behind))) : raw;
}

/** A member of an object or an element of a list, as `jsonChildren` visits it. */
export type ChildVisit = (step: string | number, key: number | undefined, value: number) => number;

/**
 * Walks the members of the valid JSON object, or the elements of the list, that begins at `offset`. `visit` is given
 * the name or index, where the key (if any) and the value begin, and answers with the offset behind the value
 * (`valueEnd`). Returns the offset behind the container.
 */
export function jsonChildren(text: string, offset: number, visit: ChildVisit): number {
  const inObject = text.charCodeAt(offset) === OPEN_BRACE;
  let at = skipBlank(text, offset + 1);
  for (let index = 0; at < text.length; index++) {
    const code = text.charCodeAt(at);
    if (code === CLOSE_BRACE || code === CLOSE_BRACKET) return at + 1;
    if (inObject) {
      const behind = stringEnd(text, at);
      if (behind < 0) return text.length;
      const value = skipBlank(text, skipBlank(text, behind) + 1);
      at = visit(stringValue(text, at, behind), at, value);
    } else at = visit(index, undefined, at);
    if (at < 0) return text.length;
    at = skipBlank(text, at);
    if (text.charCodeAt(at) === COMMA) at = skipBlank(text, at + 1);
  }
  return text.length;
}

/** True when a list or object begins at the offset. */
export function isContainer(text: string, offset: number): boolean {
  const code = text.charCodeAt(offset);
  return code === OPEN_BRACE || code === OPEN_BRACKET;
}
