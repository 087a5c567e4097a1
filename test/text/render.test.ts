import test from "ava";
import fc from "fast-check";
import type { Diagnostic, Source } from "../../src/text/diagnostic.ts";
import { lineColumn, placeColumn, sourceLine } from "../../src/text/position.ts";
import { renderDiagnostic } from "../../src/text/render.ts";
import { visible } from "../../src/text/visible.ts";

const source = (text: string): Source => ({ name: "shop.yaml", text });
const plain = (diagnostic: Diagnostic): string => renderDiagnostic(diagnostic, { color: false });

function at(text: string, offset: number, more: Partial<Diagnostic> = {}): string {
  return plain({ severity: "error", code: "c", message: "bad", place: { source: source(text), offset }, ...more });
}

const ESC = "\u001b";
const rows: readonly (readonly [name: string, got: () => string, want: string])[] = [
  [
    "place, field, message, line, caret",
    () => at("spec:\n  port: 70000\n", 14, { field: "spec.port", message: "Invalid value: 70000" }),
    "shop.yaml:2:9: spec.port: Invalid value: 70000\n    port: 70000\n          ^",
  ],
  ["a warning says so", () => at("a\n", 0, { severity: "warning" }), "shop.yaml:1:1: warning: bad\n  a\n  ^"],
  ["so does a note", () => at("a\n", 0, { severity: "note" }), "shop.yaml:1:1: note: bad\n  a\n  ^"],
  ["no place", () => plain({ severity: "error", code: "c", message: "bad", field: "a.b" }), "a.b: bad"],
  ["the end of a text without a line break", () => at("ab", 2), "shop.yaml:1:3: bad\n  ab\n    ^"],
  ["behind the end", () => at("ab\n", 99), "shop.yaml:2:1: bad\n  \n  ^"],
  ["an empty text", () => at("", 0), "shop.yaml:1:1: bad\n  \n  ^"],
  ["CRLF", () => at("a: b\r\nc: d\r\n", 9), "shop.yaml:2:4: bad\n  c: d\n     ^"],
  ["tabs take four columns", () => at("\ta: b\n", 4), "shop.yaml:1:5: bad\n      a: b\n         ^"],
  ["a pair is one character of two columns", () => at("😀: b\n", 4), "shop.yaml:1:4: bad\n  😀: b\n      ^"],
  ["wide characters take two columns", () => at("日本: b\n", 4), "shop.yaml:1:5: bad\n  日本: b\n        ^"],
  [
    "control characters cannot steer",
    () => at(`a${ESC}[31m: b\n`, 8, { message: `x${ESC}]0;\u0007\u202e` }),
    "shop.yaml:1:9: x␛]0;␇<U+202E>\n  a␛[31m: b\n          ^",
  ],
  [
    "nor can a name or field",
    () =>
      plain({
        severity: "error",
        code: "c",
        message: "m",
        field: `a${ESC}`,
        place: { source: { name: `x${ESC}\n`, text: "" }, offset: 0 },
      }),
    "x␛␊:1:1: a␛: m\n  \n  ^",
  ],
  [
    "colours",
    () =>
      renderDiagnostic(
        { severity: "error", code: "c", message: "bad", place: { source: source("a"), offset: 0 } },
        { color: true },
      ),
    `${ESC}[1mshop.yaml:1:1:${ESC}[0m ${ESC}[31mbad${ESC}[0m\n  a\n  ${ESC}[1;32m^${ESC}[0m`,
  ],
];

for (const [name, got, want] of rows) test(`renders ${name}`, (t) => t.is(got(), want));

test("a long line is cut around the place", (t) => {
  const lines = at(`${"x".repeat(5000)}HERE${"y".repeat(5000)}`, 5000).split("\n");
  t.is(lines.length, 3);
  const [, line = "", caret = ""] = lines;
  t.true(line.length < 130 && line.includes("…") && line.endsWith("…"));
  t.is(line.slice(caret.indexOf("^"), caret.indexOf("^") + 4), "HERE");
});

test("visible leaves nothing that a terminal obeys", (t) => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => !/[\p{Cc}\p{Cf}\p{Surrogate}]/u.test(visible(text))));
  t.is(visible("a b é 日 😀"), "a b é 日 😀");
});

test("law: the indexed position is the counted one", (t) => {
  const piece = fc.constantFrom("a", "\n", "\r\n", "é", "😀", "\t", "日", "\ud83d", "\ude00");
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), fc.nat(60), (parts, offset) => {
      const here = source(parts.join(""));
      const inPair =
        /[\ud800-\udbff]$/.test(here.text.slice(0, offset)) && /^[\udc00-\udfff]/.test(here.text.slice(offset));
      fc.pre(!inPair);
      t.deepEqual(placeColumn(here, offset), lineColumn(here.text, offset));
      const { line, start, end } = sourceLine(here, offset);
      t.is(here.text.slice(start, end), (here.text.split("\n")[line - 1] ?? "").replace(/\r$/, ""));
    }),
    { numRuns: 500 },
  );
});

test("a hundred thousand diagnostics take linear time, on many lines and on one", (t) => {
  for (const text of ["- 😀 abc\n".repeat(1e5), "- 😀 abc, ".repeat(1e5)]) {
    const here = source(text);
    const start = performance.now();
    let length = 0;
    for (let i = 0; i < 1e5; i++)
      length += plain({ severity: "error", code: "c", message: "m", place: { source: here, offset: i * 9 } }).length;
    t.true(length > 1e6);
    t.true(performance.now() - start < 10_000);
  }
});
