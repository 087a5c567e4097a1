import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import fc from "fast-check";
import type { IPFamily } from "../../src/net/family.ts";
import { formatCommand, formatRule, formatScript } from "../../src/rules/iptables/format.ts";
import { loadRuleset } from "../../src/rules/iptables/load.ts";
import { parseCommand, parseScript } from "../../src/rules/iptables/parse.ts";
import { readRule } from "../../src/rules/iptables/read-rule.ts";
import { applyScript } from "../../src/rules/iptables/restore.ts";
import { type Backend, emptyRuleset } from "../../src/rules/iptables/ruleset.ts";
import { formatSave } from "../../src/rules/iptables/save.ts";
import {
  type Command,
  type Line,
  not,
  type Option,
  option,
  type RuleLine,
  type Word,
} from "../../src/rules/iptables/syntax.ts";
import { writeRule } from "../../src/rules/iptables/write-rule.ts";
import type { Diagnostic } from "../../src/text/diagnostic.ts";

const saved = "test/upstream/real";
const savedFiles = readdirSync(saved).filter((name) => name.endsWith(".save"));

const bareWord = fc.stringMatching(/^[A-Za-z0-9_.:/,=+~][A-Za-z0-9_.:/,=+~!'\\-]{0,12}$/);
const quotedWord = fc
  .string({ maxLength: 12, unit: "grapheme" })
  .filter((text) => !/[\n\r\0]/.test(text))
  .map((quoted): Word => ({ quoted }));
const word: fc.Arbitrary<Word> = fc.oneof(bareWord, quotedWord);
const chainName = fc.oneof(
  fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_/:.-]{0,20}$/),
  fc.constantFrom("__proto__", "constructor", "-x"),
);
const counters = fc.record({
  packets: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String),
  bytes: fc.nat().map(String),
});

/** Options with known numbers of arguments, and one of a module nobody knows, whose arguments do not begin with a dash. */
const anyOption: fc.Arbitrary<Option> = fc
  .oneof(
    fc
      .tuple(fc.constantFrom("--dport", "--sport", "--mark", "-m", "--probability", "--to-destination"), word)
      .map(([flag, arg]) => option(flag, arg)),
    fc.oneof(word, fc.constantFrom("-dash", "!", "-j")).map((arg) => option("--comment", arg)),
    fc.tuple(word, word).map(([a, b]) => option("--tcp-flags", a, b)),
    fc.constantFrom("--reap", "--random-fully", "--set").map((flag) => option(flag)),
    fc
      .tuple(fc.stringMatching(/^--zz[a-z]{1,8}$/), fc.array(word, { maxLength: 3 }))
      .map(([flag, args]) => option(flag, ...args)),
    bareWord.map((name) => option("--nfacct-name", "", name)),
  )
  .chain((positive) => fc.boolean().map((negated) => (negated ? not(positive) : positive)));

const ruleLine: fc.Arbitrary<RuleLine> = fc
  .record({
    command: fc.constantFrom("-A", "-I", "-D", "-R", "-C") satisfies fc.Arbitrary<RuleLine["command"]>,
    chain: chainName,
    position: fc.option(fc.integer({ min: 1, max: 99 }), { nil: undefined }),
    counters: fc.option(counters, { nil: undefined }),
    options: fc.array(anyOption, { maxLength: 6 }),
  })
  .map(({ command, chain, position, counters: given, options }) => ({
    kind: "rule",
    command,
    chain,
    ...(position === undefined || command === "-A" || command === "-C" ? {} : { position }),
    ...(given === undefined ? {} : { counters: given }),
    options,
  }));

const line: fc.Arbitrary<Line> = fc.oneof(
  ruleLine,
  fc.record({
    kind: fc.constant("chain" as const),
    name: chainName,
    policy: fc.constantFrom("-", "ACCEPT", "DROP"),
    counters,
  }),
  fc.record({ kind: fc.constant("chain" as const), name: chainName, policy: fc.constantFrom("-", "ACCEPT") }),
  // a name behind -X that begins with a dash would be an option
  chainName.map((name): Line => ({ kind: "chain-command", command: name.startsWith("-") ? "-N" : "-X", args: [name] })),
  fc.tuple(chainName, chainName).map(([a, b]): Line => ({ kind: "chain-command", command: "-E", args: [a, b] })),
  fc.constantFrom<Line>(
    { kind: "comment", text: "" },
    { kind: "comment", text: "# a  b " },
    { kind: "commit" },
    { kind: "table", name: "nat" },
  ),
);

test("what is written is read again", (t) => {
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
      t.deepEqual(parseScript(formatScript({ lines })).lines, lines);
    }),
    { numRuns: 1500 },
  );
});

test("a command that is written is read again", (t) => {
  fc.assert(
    fc.property(ruleLine, fc.constantFrom("nat", "filter"), (rule, table) => {
      const { counters: _, ...bare } = rule;
      const command: Command = { table, line: bare };
      t.deepEqual(parseCommand(formatCommand(command)), command);
    }),
  );
});

test("any text is read without loss up to blanks, and never throws", (t) => {
  const piece = fc.constantFrom(
    "*nat",
    "COMMIT",
    "\n",
    " ",
    "\t",
    "-A",
    "K",
    '"',
    "\\",
    "!",
    "--dport",
    "80",
    ":K",
    "-",
    "[1:2]",
    "#",
    "\r\n",
    "é",
    "-m",
    "x",
    "\0",
  );
  // blanks say nothing, a CR before LF is dropped, a last LF is added, and a command that stands later is moved to the front:
  // quotes around a chain's name go; what counts is that each other character is still there
  const squeezed = (text: string): string => [...text.replace(/[ \t\r\n"]+/g, "")].sort().join("");
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const text = pieces.join("");
      const written = formatScript(parseScript(text));
      t.is(squeezed(written), squeezed(text));
      t.is(formatScript(parseScript(written)), written);
    }),
    { numRuns: 3000 },
  );
});

test("saved texts are read, understood and printed again", (t) => {
  for (const file of savedFiles) {
    const family: IPFamily = file.includes(".ipv6.") ? "IPv6" : "IPv4";
    const backend: Backend = file.includes("legacy") ? "legacy" : "nft";
    const text = readFileSync(join(saved, file), "utf8");
    const found: Diagnostic[] = [];
    const report = (each: Diagnostic): void => {
      found.push(each);
    };
    const script = parseScript({ name: file, text }, report);
    t.is(firstDifference(text, formatScript(script)), "", file);
    for (const each of script.lines) {
      if (each.kind === "rule") t.is(formatRule(writeRule(readRule(each, family, report))), formatRule(each), file);
    }
    const ruleset = applyScript(emptyRuleset, script, { family, backend, counters: true }, report);
    const tables = script.lines.flatMap((each) => (each.kind === "table" ? [each.name] : []));
    t.is(firstDifference(text, formatSave(ruleset, family, { backend, tables })), "", file);
    t.deepEqual(found, [], file);
  }
  t.true(savedFiles.length >= 40);
});

test("the comment lines of each table name the program", (t) => {
  const ruleset = applyScript(emptyRuleset, parseScript("*nat\n:K -\nCOMMIT\n*filter\n:K -\nCOMMIT\n"), {
    family: "IPv4",
  });
  const header = { version: "1.8.9", date: "Sat Nov 21 07:26:59 2026" };
  const heads = (family: IPFamily, backend: Backend): string[] =>
    formatSave(ruleset, family, { backend, header })
      .split("\n")
      .filter((each) => /^[#*]/.test(each));
  const [nft, legacy] = ["iptables-nft-save v1.8.9 (nf_tables)", "iptables-save v1.8.9"].map(
    (tool) => `# Generated by ${tool} on ${header.date}`,
  );
  const end = `# Completed on ${header.date}`;
  t.deepEqual(heads("IPv4", "nft"), [nft, "*filter", end, nft, "*nat", end]);
  t.deepEqual(heads("IPv4", "legacy"), [legacy, "*filter", end, legacy, "*nat", end]);
  t.is(heads("IPv6", "nft")[0], nft?.replace("iptables", "ip6tables"));
});

function firstDifference(expected: string, actual: string): string {
  const left = expected.split("\n");
  const right = actual.split("\n");
  const i = left.findIndex((each, index) => each !== right[index]);
  return i < 0 && left.length === right.length ? "" : `line ${i + 1}: ${left[i]} | ${right[i]}`;
}

/** Each text with the findings that reading it gives: code and offset. */
const findings: readonly (readonly [text: string, expected: string])[] = [
  ["*nat\nCOMMIT\n", ""],
  ["*nat\r\nCOMMIT\r\n", "carriage-return@4"],
  ["*nat\n-A K\n", "missing-commit@10"],
  ["*nat\n*filter\nCOMMIT\n", "missing-commit@5"],
  ["*nat\nCOMMIT \n", "commit-trailing-blank@11"],
  ["*\n", "bad-table-line@0"],
  ["* nat x\n", "bad-table-line@0"],
  ["-A K\n-A K\n", "outside-table@0"],
  ["*nat\nfoo\nCOMMIT\n", "unexpected-word@5 unknown-line@5"],
  ["*nat\n  \nCOMMIT\n", "unknown-line@5"],
  ['*nat\n-A K --comment "a\nCOMMIT\n', "unterminated-quote@20"],
  ['*nat\n-A K --comment a"b c"\nCOMMIT\n', "quote-inside-word@20"],
  ["*nat\n-A K -s 1 -s 2\nCOMMIT\n", "duplicate-option@15"],
  ["*nat\n-A K -j X -g Y\nCOMMIT\n", "duplicate-option@15"],
  ["*nat\n-A K -t nat\nCOMMIT\n", "table-in-rule@10"],
  ["*nat\n-A K -s\nCOMMIT\n", "missing-argument@10"],
  ["*nat\n-A K -s  -j X\nCOMMIT\n", "unexpected-word@17"],
  ["*nat\n-A K -A Y\nCOMMIT\n", "several-commands@10"],
  ["*nat\n-A K 1\nCOMMIT\n", "bad-command@5"],
  ["*nat\n-F K -j X\nCOMMIT\n", "unexpected-option@5"],
  ["*nat\n[1:x] -A K\nCOMMIT\n", "bad-counters@5"],
  ["*nat\n:K\nCOMMIT\n", "bad-chain-line@5"],
  ["*nat\n:K - [0:0] x\nCOMMIT\n", "bad-chain-line@5"],
  ["*nat\n:K [0:0]\nCOMMIT\n", "missing-policy@8"],
  ["*nat\n-A K \0x\nCOMMIT\n", "nul@5 bad-command@5"],
];

test("what is wrong with a text is found at its place", (t) => {
  for (const [text, expected] of findings) {
    const found: string[] = [];
    parseScript(text, (each) => found.push(`${each.code}@${each.place?.offset}`));
    t.is(found.join(" "), expected, JSON.stringify(text));
  }
});

const MB = 1_000_000;
const hostile: readonly (readonly [name: string, text: string])[] = [
  ["one word", "a".repeat(8 * MB)],
  ["one option", `*nat\n-A K --comment ${"a".repeat(8 * MB)}\n`],
  ["quotes", `*nat\n-A K ${'"'.repeat(4 * MB)}\n`],
  ["quoted words", `*nat\n-A K --x ${'"a" '.repeat(MB)}\n`],
  ["backslashes", `*nat\n-A K "${"\\".repeat(4 * MB)}\n`],
  ["escapes", `*nat\n-A K --comment "${'\\"x\\\\'.repeat(2 * MB)}"\n`],
  ["flags", `*nat\n-A K ${"-m ".repeat(2 * MB)}\n`],
  ["blanks", `*nat\n:K${" ".repeat(4 * MB)}-${" ".repeat(4 * MB)}x\n`],
  ["brackets", "[\n".repeat(300_000)],
  ["bangs", `*nat\n-A K ${"! ".repeat(2 * MB)}\n`],
  ["NULs", "\0".repeat(4 * MB)],
  ["empty lines", "\n".repeat(2 * MB)],
  [
    "names",
    `*nat\n${":__proto__ - [0:0]\n:constructor - [0:0]\n-A __proto__ -j constructor\n".repeat(50_000)}COMMIT\n`,
  ],
];

for (const [name, text] of hostile) {
  test(`slow: hostile text of ${name} takes linear time`, (t) => {
    const start = performance.now();
    const script = parseScript(text);
    const written = formatScript(script);
    if (name === "escapes") t.true(written === text);
    applyScript(emptyRuleset, script, { family: "IPv4" });
    loadRuleset({ name: "-", text }, "IPv4", () => {});
    t.true(performance.now() - start < 15_000);
  });
}
