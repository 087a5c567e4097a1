import type { Report, Source } from "../text/diagnostic.ts";

/** A JSON value with the offset at which it stands in its source. */
export type JSONValue = { readonly at: number } & (
  | { readonly kind: "object"; readonly members: ReadonlyMap<string, JSONValue> }
  | { readonly kind: "list"; readonly items: readonly JSONValue[] }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "number"; readonly number: number }
  | { readonly kind: "boolean"; readonly boolean: boolean }
  | { readonly kind: "null" }
);

/** Deeper nesting than any tool writes is refused instead of followed. */
const MAX_DEPTH = 32;
const TOKEN = /[{}[\],:]|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null/y;

class Fault extends Error {
  readonly at: number;
  constructor(at: number, message: string) {
    super(message);
    this.at = at;
  }
}

interface Token {
  readonly at: number;
  readonly text: string;
}

class Reader {
  readonly #text: string;
  #next = 0;

  constructor(text: string) {
    this.#text = text;
    if (text.charCodeAt(0) === 0xfeff) this.#next = 1;
  }

  #skipBlank(): void {
    while (" \t\r\n".includes(this.#text[this.#next] ?? "x")) this.#next++;
  }

  #token(): Token {
    this.#skipBlank();
    const at = this.#next;
    const first = this.#text[at];
    if (first === undefined) throw new Fault(at, "the text ends too early: was it cut off?");
    if (first === '"') return this.#string(at);
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(this.#text);
    if (match === null) throw new Fault(at, "expected a value or a bracket");
    this.#next = TOKEN.lastIndex;
    return { at, text: match[0] };
  }

  /** A whole string literal, with its quotes. */
  #string(at: number): Token {
    let close = this.#text.indexOf('"', at + 1);
    while (close >= 0 && this.#isEscaped(close)) close = this.#text.indexOf('"', close + 1);
    if (close < 0) throw new Fault(at, "the string that begins here is not closed");
    this.#next = close + 1;
    return { at, text: this.#text.slice(at, close + 1) };
  }

  #isEscaped(at: number): boolean {
    let slash = at - 1;
    while (this.#text[slash] === "\\") slash--;
    return (at - slash) % 2 === 0;
  }

  /** What a string literal says. */
  #content({ at, text }: Token): string {
    try {
      return String(JSON.parse(text));
    } catch {
      throw new Fault(at, "this string has an unknown escape or a control character in it");
    }
  }

  #expect(token: Token, wanted: string): void {
    if (token.text !== wanted) throw new Fault(token.at, `expected '${wanted}'`);
  }

  value(depth: number, token: Token = this.#token()): JSONValue {
    const { at, text } = token;
    if (depth > MAX_DEPTH) throw new Fault(at, "nested too deeply for the output of a network tool");
    if (text === "{") return { at, kind: "object", members: this.#members(depth) };
    if (text === "[") return { at, kind: "list", items: this.#items(depth) };
    if (text.startsWith('"')) return { at, kind: "text", text: this.#content(token) };
    if (text === "null") return { at, kind: "null" };
    if (text === "true" || text === "false") return { at, kind: "boolean", boolean: text === "true" };
    if (/^[-0-9]/.test(text)) return { at, kind: "number", number: Number(text) };
    throw new Fault(at, "expected a value");
  }

  #members(depth: number): Map<string, JSONValue> {
    const members: Map<string, JSONValue> = new Map();
    for (let token = this.#token(); token.text !== "}"; token = this.#token()) {
      if (members.size > 0) {
        this.#expect(token, ",");
        token = this.#token();
      }
      if (!token.text.startsWith('"')) throw new Fault(token.at, "expected a member's name in double quotes");
      const colon = this.#token();
      this.#expect(colon, ":");
      members.set(this.#content(token), this.value(depth + 1));
    }
    return members;
  }

  #items(depth: number): JSONValue[] {
    const items: JSONValue[] = [];
    for (let token = this.#token(); token.text !== "]"; token = this.#token()) {
      if (items.length > 0) {
        this.#expect(token, ",");
        token = this.#token();
      }
      items.push(this.value(depth + 1, token));
    }
    return items;
  }

  /** Does something stand behind what was read? */
  more(): boolean {
    this.#skipBlank();
    return this.#next < this.#text.length;
  }
}

/** Several lists one behind another are read as one: `(ip -j route; ip -j -6 route) > file`. */
function readAll(text: string): JSONValue {
  const reader = new Reader(text);
  const first = reader.value(0);
  if (first.kind !== "list") throw new Fault(first.at, "expected a list, as ip -j prints one");
  const items = [...first.items];
  while (reader.more()) {
    const next = reader.value(0);
    if (next.kind !== "list") throw new Fault(next.at, "expected another list");
    for (const item of next.items) items.push(item);
  }
  return { ...first, items };
}

/** Reads a source as JSON, with places; a fault is reported and nothing is read. Never throws. */
export function parseJSON(source: Source, report: Report): JSONValue | undefined {
  try {
    return readAll(source.text);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const message = `invalid JSON: ${error.message}`;
    report({ severity: "error", code: "json-syntax", message, place: { source, offset: error.at } });
    return undefined;
  }
}
