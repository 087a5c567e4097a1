const PLAIN = /^[ !#-[\]-~]*$/;
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;
const SHORT: Readonly<Record<string, string>> = {
  "\u0007": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  '"': '\\"',
  "\\": "\\\\",
};

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, "0");
}

function quoteCharacter(character: string): string {
  const short = SHORT[character];
  if (short !== undefined) return short;
  if (PRINTABLE.test(character)) return character;
  const code = character.codePointAt(0) ?? 0xfffd;
  // a lone surrogate never reaches upstream: its JSON reader has made U+FFFD of it
  if (code >= 0xd800 && code <= 0xdfff) return "\ufffd";
  if (code < 0x20 || code === 0x7f) return `\\x${hex(code, 2)}`;
  return code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
}

/** A text as Go's `strconv.Quote` (`%q`) writes it. */
export function goQuote(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`;
  let quoted = '"';
  for (const character of text) quoted += quoteCharacter(character);
  return `${quoted}"`;
}

/** A value as Go's `json.Marshal` writes it: compact, with `<`, `>`, `&` and the line separators escaped. */
export function goJSON(value: unknown): string {
  const text = JSON.stringify(value) ?? "null";
  return text.replace(/[<>&\u2028\u2029]/g, (character) => `\\u${hex(character.charCodeAt(0), 4)}`);
}

/** The length of a text in bytes of UTF-8, which is what Go's `len` counts. */
export function byteLength(text: string): number {
  let length = text.length;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x80) continue;
    if (code < 0x800) length += 1;
    else length += 2;
    if (code >= 0xd800 && code < 0xdc00 && i + 1 < text.length) {
      // a pair: two units, four bytes
      const low = text.charCodeAt(i + 1);
      if (low >= 0xdc00 && low < 0xe000) {
        i++;
      }
    }
  }
  return length;
}

const SPACES = "\t\n\v\f\r \u0085\u00a0\u1680\u2028\u2029\u202f\u205f\u3000";

function isSpace(text: string, i: number): boolean {
  const code = text.charCodeAt(i);
  return SPACES.includes(text.charAt(i)) || (code >= 0x2000 && code <= 0x200a);
}

/** Go's `strings.TrimSpace` (unlike JavaScript's `trim` it takes U+0085 and leaves U+FEFF). */
export function goTrimSpace(text: string): string {
  let first = 0;
  let end = text.length;
  while (first < end && isSpace(text, first)) first++;
  while (end > first && isSpace(text, end - 1)) end--;
  return text.slice(first, end);
}
