import { skipBlank } from "./json-scan.ts";

/** What is wrong with a JSON text, and where; `ended` when the text stopped too early. */
export interface JsonError {
  readonly offset: number;
  readonly message: string;
  readonly ended: boolean;
}

type State = "value" | "first-value" | "key" | "first-key" | "colon" | "next";

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const WORD = /true|false|null/y;
const DELIMITER = /[\s,:\]}[{"]/;

const EXPECTED: Readonly<Record<State, string>> = {
  value: "a value",
  "first-value": "a value or ']'",
  key: "a member's name in double quotes",
  "first-key": "a member's name in double quotes, or '}'",
  colon: "':' between name and value",
  next: "',' or the closing bracket",
};

function error(offset: number, message: string, ended = false): JsonError {
  return { offset, message, ended };
}

/** The offset behind a valid string literal, or what is wrong inside it. */
function readString(text: string, open: number, end: number): number | JsonError {
  for (let at = open + 1; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) return at + 1;
    if (code < 0x20) return error(at, "a control character stands in a string: write it as an escape such as \\n");
    if (code !== 0x5c) continue;
    at++;
    if (at >= end) break;
    if (text[at] === "u") {
      if (!/^[0-9a-fA-F]{4}$/.test(text.slice(at + 1, at + 5)))
        return error(at - 1, "\\u needs four hexadecimal digits");
      at += 4;
    } else if (!'"\\/bfnrt'.includes(text[at] as string)) return error(at - 1, "unknown escape in a string");
  }
  return error(open, "the string that begins here is not closed", true);
}

function readWord(text: string, offset: number, state: State): number | JsonError {
  for (const pattern of [NUMBER, WORD]) {
    pattern.lastIndex = offset;
    if (!pattern.test(text)) continue;
    const behind = pattern.lastIndex;
    if (behind >= text.length || DELIMITER.test(text[behind] as string)) return behind;
    return error(behind, "unexpected character behind a number or word");
  }
  return error(offset, `expected ${EXPECTED[state]}`);
}

/**
 * The first fault of a JSON value that begins at `offset` (RFC 8259), or `undefined`. Nesting of any depth is read
 * without recursion. Only the value is looked at, not what follows it.
 */
export function jsonError(text: string, offset: number, end: number): JsonError | undefined {
  const open: string[] = [];
  let state: State = "value";
  let at = offset;
  for (;;) {
    at = skipBlank(text, at);
    if (at >= end) {
      const missing = open.length === 0 ? "" : ` (${open.length} open bracket${open.length === 1 ? "" : "s"})`;
      return error(end, `the text ends where ${EXPECTED[state]} was expected${missing}`, true);
    }
    const character = text[at] as string;
    if (state === "colon") {
      if (character !== ":") return error(at, `expected ${EXPECTED.colon}`);
      at++;
      state = "value";
      continue;
    }
    const closes = state === "next" || state === "first-value" || state === "first-key";
    if (closes && (character === "]" || character === "}")) {
      const opened = open.pop();
      if (opened !== (character === "]" ? "[" : "{")) return error(at, `'${character}' closes a '${opened}'`);
      at++;
    } else if (state === "next") {
      if (character !== ",") return error(at, `expected ${EXPECTED.next}`);
      at++;
      state = open.at(-1) === "{" ? "key" : "value";
      continue;
    } else if (state === "key" || state === "first-key") {
      if (character !== '"') return error(at, `expected ${EXPECTED[state]}`);
      const behind = readString(text, at, end);
      if (typeof behind !== "number") return behind;
      at = behind;
      state = "colon";
      continue;
    } else if (character === "{" || character === "[") {
      open.push(character);
      at++;
      state = character === "{" ? "first-key" : "first-value";
      continue;
    } else {
      const behind = character === '"' ? readString(text, at, end) : readWord(text, at, state);
      if (typeof behind !== "number") return behind;
      at = behind;
    }
    if (open.length === 0) return undefined;
    state = "next";
  }
}
