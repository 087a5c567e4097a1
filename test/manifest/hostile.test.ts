import test from "ava";
import { renderDiagnostic } from "../../src/text/render.ts";
import { countObjects, read } from "./support.ts";

const SERVICE = '{"apiVersion":"v1","kind":"Service","metadata":{"name":"a"},"spec":{"ports":[{"port":80}]}}';

function laughs(): string {
  const names = "abcdefghij";
  const level = (i: number): string =>
    `${names[i]}: &${names[i]} [${Array(10)
      .fill(`*${names[i - 1]}`)
      .join(",")}]\n`;
  return `a: &a [x,x,x,x,x,x,x,x,x,x]\n${[1, 2, 3, 4, 5, 6, 7, 8, 9].map(level).join("")}`;
}

/** A text in a List's clothes with `count` members that cannot be read. */
const wrongMembers = (count: number): string =>
  `{"apiVersion":"v1","kind":"Service","spec":{"clusterIPs":[${Array(count).fill("1").join(",")}]}}`;

/**
 * Name, text, objects read, number of findings, the code of the first one. The limit of each row is generous: it
 * tells linear work from quadratic, not a fast machine from a slow one.
 */
type Row = readonly [name: string, text: () => string, objects: number, findings: number, code: string | undefined];

const rows: readonly Row[] = [
  ["billion laughs", laughs, 0, 1, "alias-bomb"],
  ["quadratic aliases", () => `a: &a [${"x,".repeat(2000)}]\nb: [${"*a,".repeat(2000)}]\n`, 0, 1, "alias-bomb"],
  ["an anchor inside itself", () => "a: &a [*a]\n", 0, 1, "yaml-alias"],
  ["an unknown anchor", () => "a: *nope\n", 0, 1, "yaml-alias"],
  ["a million open lists", () => "[".repeat(1e6), 0, 1, "json-syntax"],
  ["a million open objects", () => '{"a":'.repeat(1e6), 0, 1, "json-syntax"],
  ["a million closed lists", () => "[".repeat(1e6) + "]".repeat(1e6), 0, 1, "not-an-object"],
  [
    "depth in an object",
    () => SERVICE.replace('"a"', `"a","x":${"[".repeat(1e5)}${"]".repeat(1e5)}`),
    0,
    2,
    "unknown-field",
  ],
  [
    "depth in a part that is not checked",
    () => `{"apiVersion":"v1","kind":"Pod","spec":{"volumes":[${"[".repeat(1e5)}${"]".repeat(1e5)}]}}`,
    0,
    1,
    "too-deep",
  ],
  [
    "depth in another kind",
    () => `{"apiVersion":"v1","kind":"Secret","x":${'{"a":'.repeat(1e5)}1${"}".repeat(1e5)}}`,
    0,
    0,
    undefined,
  ],
  ["a million open YAML lists", () => `a: ${"[".repeat(1e6)}`, 0, 1, "too-deep"],
  ["a million YAML dashes", () => "- ".repeat(1e6), 0, 1, "too-deep"],
  ["a million YAML question marks", () => "? ".repeat(1e6), 0, 1, "too-deep"],
  [
    "growing indentation",
    () => Array.from({ length: 3000 }, (_, i) => `${" ".repeat(i)}a:`).join("\n"),
    0,
    1,
    "too-deep",
  ],
  ["a line of 100 MB", () => SERVICE.replace('"a"', `"${"x".repeat(1e8)}"`), 1, 0, undefined],
  ["a broken line of 100 MB", () => `{"a":${"x".repeat(1e8)}`, 0, 1, "json-syntax"],
  ["a YAML line of 100 MB", () => `a: ${"x".repeat(1e8)}`, 0, 1, "too-large"],
  ["nothing", () => "", 0, 0, undefined],
  ["blank lines", () => "\n \n\t\n", 0, 0, undefined],
  ["only comments", () => "# a\n".repeat(1e6), 0, 0, undefined],
  ["only marks", () => "---\n".repeat(1e6), 0, 0, undefined],
  ["one mark", () => "---", 0, 0, undefined],
  ["truncated JSON", () => `${SERVICE}${SERVICE}{"apiVersion":"v1","kind":`, 2, 1, "json-syntax"],
  ["an open string", () => `${SERVICE}{"a":"b`, 1, 1, "json-syntax"],
  ["a NUL in JSON", () => '{"a":"\0"}', 0, 1, "json-syntax"],
  ["a NUL in YAML", () => "a: \0\n", 0, 1, "control-character"],
  ["a huge number", () => SERVICE.replace("80", "1e400"), 0, 1, "out-of-range"],
  ["a number of a million digits", () => SERVICE.replace("80", "9".repeat(1e6)), 0, 1, "out-of-range"],
  [
    "a YAML number of a million digits",
    () => `apiVersion: v1\nkind: Service\nspec: {healthCheckNodePort: ${"9".repeat(1e6)}}\n`,
    0,
    1,
    "wrong-type",
  ],
  ["half a surrogate pair", () => SERVICE.replace('"a"', '"\\ud800"'), 1, 1, "lone-surrogate"],
  ["half a surrogate pair in YAML", () => 'a: "\\ud800"\n', 0, 1, "yaml-syntax"],
  ["a hundred thousand tiny values", () => "{}".repeat(1e5), 0, 1e5, "missing-kind"],
  ["twenty thousand tiny documents", () => "---\na: 1\n".repeat(2e4), 0, 2e4, "missing-kind"],
  ["a hundred thousand wrong members", () => wrongMembers(1e5), 0, 1e5, "wrong-type"],
  [
    "ten thousand repeated keys",
    () => `{"apiVersion":"v1","kind":"Pod"${',"kind":"Pod"'.repeat(1e4)}}`,
    1,
    1e4,
    "duplicate-key",
  ],
  [
    "a map of fifty thousand keys",
    () => `apiVersion: v1\nkind: ConfigMap\ndata:\n${Array.from({ length: 5e4 }, (_, i) => `  k${i}: v\n`).join("")}`,
    1,
    0,
    undefined,
  ],
  ["five million backslashes", () => `{"a":"${"\\".repeat(5e6)}`, 0, 1, "json-syntax"],
  ["a hundred thousand quotes", () => '"'.repeat(1e5), 0, 1, "yaml-syntax"],
  ["a thousand unindented lists", () => "a: [\n1\n]\n".repeat(1000), 0, 1, "yaml-syntax"],
];

for (const [name, text, objects, findings, code] of rows) {
  test.serial(`slow: bears ${name}`, (t) => {
    // only against hanging: what each of these costs is a second at the most
    t.timeout(60_000);
    const input = text();
    const { manifests, diagnostics } = read(input);
    const rendered = diagnostics.map((diagnostic) => renderDiagnostic(diagnostic, { color: false }));
    t.is(countObjects(manifests), objects);
    t.is(diagnostics.length, findings);
    t.is(diagnostics[0]?.code, code);
    t.true(diagnostics.every((diagnostic) => diagnostic.place !== undefined));
    t.true(rendered.every((line) => line.length < 3000));
  });
}

test("names of the prototype are members like others", (t) => {
  const json = read(
    '{"apiVersion":"v1","kind":"Pod","__proto__":{"x":1},"constructor":1,"metadata":{"labels":{"__proto__":"a"}}}',
  );
  const yaml = read(
    "apiVersion: v1\nkind: Pod\n__proto__: {x: 1}\nconstructor: 1\nmetadata: {labels: {__proto__: a}}\n",
  );
  for (const { found, manifests } of [json, yaml]) {
    t.deepEqual(
      found.map((line) => line.slice(line.indexOf(" ") + 1)),
      ["unknown-field __proto__", "unknown-field constructor"],
    );
    const labels = manifests.pods[0]?.value.metadata.labels ?? {};
    t.deepEqual(Object.entries(labels), [["__proto__", "a"]]);
    t.is(Object.getPrototypeOf(labels), Object.prototype);
  }
  t.false("x" in {});
});
