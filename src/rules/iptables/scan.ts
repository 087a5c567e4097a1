/** Scans of the texts of tens of megabytes that dumps are: each looks at `start … end` of a text and returns offsets. */

const BLANK = 0x20;
const QUOTE = 0x22;
const DASH = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const BACKSLASH = 0x5c;
const G = 0x67;
const J = 0x6a;
const M = 0x6d;

/** The end of the bare word that begins at `start`, -1 when there is none or a quote is in it. */
export function bareWordEnd(text: string, start: number, end: number): number {
  for (let i = start; i < end; i++) {
    const code = text.charCodeAt(i);
    if (code === BLANK) return i === start ? -1 : i;
    if (code === QUOTE) return -1;
  }
  return start < end ? end : -1;
}

/** The next quote; -1 when there is none, or a backslash before it. */
export function plainQuoteEnd(text: string, start: number, end: number): number {
  for (let i = start; i < end; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) return i;
    if (code === BACKSLASH) return -1;
  }
  return -1;
}

/** The blank before the next `-m`, `-j` or `-g`, or the end; -1 when a quote comes first. */
export function segmentEnd(text: string, start: number, end: number): number {
  for (let i = start; i < end; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) return -1;
    if (code !== BLANK || text.charCodeAt(i + 1) !== DASH || text.charCodeAt(i + 3) !== BLANK) continue;
    const letter = text.charCodeAt(i + 2);
    if (letter === M || letter === J || letter === G) return i;
  }
  return end;
}

/** The first `code` in the range, or its end. */
export function indexOfCode(text: string, code: number, start: number, end: number): number {
  for (let i = start; i < end; i++) if (text.charCodeAt(i) === code) return i;
  return end;
}

/** The address of four octets without leading zeros that fill the range; -1 for anything else. */
export function scanIPv4(text: string, start: number, end: number): number {
  let value = 0;
  let octet = -1;
  let dots = 0;
  for (let i = start; i < end; i++) {
    const code = text.charCodeAt(i);
    if (code === DOT && octet >= 0) {
      value = value * 256 + octet;
      octet = -1;
      dots++;
      continue;
    }
    const digit = code - ZERO;
    if (digit < 0 || digit > 9 || octet === 0 || dots > 3) return -1;
    octet = octet < 0 ? digit : octet * 10 + digit;
    if (octet > 255) return -1;
  }
  return dots === 3 && octet >= 0 ? value * 256 + octet : -1;
}

/** A decimal number of 0 … `max` without leading zeros that fills the range; -1 for anything else. */
export function scanDecimal(text: string, start: number, end: number, max: number): number {
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = text.charCodeAt(i) - ZERO;
    if (digit < 0 || digit > 9 || (value === 0 && i > start)) return -1;
    value = value * 10 + digit;
    if (value > max) return -1;
  }
  return start < end ? value : -1;
}
