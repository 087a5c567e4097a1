import { readFileSync } from "node:fs";
import test from "ava";
import type { IPFamily } from "../../src/net/family.ts";
import { parseScript } from "../../src/rules/iptables/parse.ts";
import { applyScript } from "../../src/rules/iptables/restore.ts";
import { type Backend, emptyRuleset, type Ruleset } from "../../src/rules/iptables/ruleset.ts";
import { formatSave } from "../../src/rules/iptables/save.ts";
import type { Diagnostic } from "../../src/text/diagnostic.ts";

const backends: readonly Backend[] = ["nft", "legacy"];

function bothVariants(row: string, reason: string): (readonly [row: string, reason: string])[] {
  return backends.map((backend) => [`${backend}: ${row}`, reason]);
}

/** Rows in which rulewalk is known to answer otherwise, each with the reason; a row that agrees again must go from here. */
const knownDifferences: readonly (readonly [row: string, reason: string])[] = [
  ["legacy: 4 filter -m limit --limit 3/d", "the kernel's limit depends on its HZ"],
  ["nft: 4 filter -m nosuch --foo 1", "another version may have the module: kept and reported as a warning"],
  ["legacy: 4 filter -m nosuch --foo 1", "the same"],
  ["nft: 4 filter -j NFLOG --nflog-range 64", "nft forgets an option that has no effect; one way of printing for both"],
  ...bothVariants(
    "4 filter -m hashlimit --hashlimit-upto 1/day --hashlimit-",
    "what is too slow depends on the kernel's HZ",
  ),
  ...bothVariants(
    "4 filter -m hashlimit --hashlimit-above 1gb/s",
    "a unit it does not know: kept as written, with a warning",
  ),
  ...bothVariants("4 filter -m owner --uid-owner nosuchuser", "names are the node's: kept as written, with a warning"),
  ...bothVariants("4 filter -m owner --uid-owner daemon", "the same"),
  ...bothVariants("4 filter -m devgroup --src-group nosuch", "the same"),
  ...bothVariants("4 mangle -j TEE --gateway example", "the same"),
  ...bothVariants("4 mangle -p tcp -j TPROXY --on-port x", "the same"),
  ...bothVariants("4 filter -j SET --add-set NOSUCH src", "which sets there are is the node's matter"),
  ...bothVariants("4 raw -p tcp -j CT --helper nosuch", "which helpers there are is the node's matter"),
  ...bothVariants("4 raw -p tcp -j CT --timeout foo", "which timeout policies there are is the node's matter"),
  ...bothVariants("4 nat -j NETMAP --to 10.0.0.0/255.0.255.0", "made one address without a word: kept, with a warning"),
  ...bothVariants("4 nat -j NETMAP --to 10.0.0.0/33", "made /32 without a word: refused here"),
  [
    "nft 0 n | *filter\\n-E INPUT K2",
    "1.8.9 loses the built-in chain's rules and says nothing; refused here as legacy does",
  ],
  [
    "nft refused n | *filter\\n-A K -c 5 6 -j ACCEPT\\n-Z K",
    "1.8.9 cannot zero a chain that has a rule made in the same script",
  ],
  ["legacy 0 n | *filter\\n-A K -c 5 6 -j ACCEPT\\n-Z K", "counters given in the same script outlive -Z"],
  ["nft 0 n | *filter\\n:K - [0:x]", "counters that are none: iptables ignores them where it needs none, refused here"],
  ["nft 0 - | *filter\\n:K - [0:x]", "the same"],
  ["nft 0 nc | *filter\\n:K - [0:x]", "the same"],
  ["nft 0 c | *filter\\n:K - [0:x]", "the same"],
  ["legacy 0 n | *filter\\n:K - [0:x]", "the same"],
  ["legacy 0 - | *filter\\n:K - [0:x]", "the same"],
  ["legacy 0 nc | *filter\\n:K - [0:x]", "the same"],
  ["legacy 0 c | *filter\\n:K - [0:x]", "the same"],
];

/** What is wrong beyond the known differences, and known differences among `rows` that are none any more. */
function unexpected(wrong: readonly string[], rows: RegExp): string {
  const known = knownDifferences.map(([row]) => row).filter((row) => rows.test(row));
  const fresh = wrong.filter((text) => !known.some((row) => text.startsWith(row)));
  const stale = known.filter((row) => !wrong.some((text) => text.startsWith(row)));
  return [...fresh, ...stale.map((row) => `agrees now: ${row}`)].join("\n");
}

interface Load {
  readonly family?: IPFamily;
  readonly backend: Backend;
  readonly flags?: string;
}

/** Loads a text as iptables-restore does; `errors` holds the codes of what was refused. */
function load(
  before: Ruleset,
  text: string,
  { family = "IPv4", backend, flags = "" }: Load,
): { after: Ruleset; errors: string[] } {
  const errors: string[] = [];
  const report = (found: Diagnostic): void => {
    if (found.severity === "error") errors.push(found.code);
  };
  const script = parseScript({ name: "-", text }, report);
  const options = { family, backend, noflush: flags.includes("n"), counters: flags.includes("c") };
  return { after: applyScript(before, script, options, report), errors };
}

interface Pair {
  readonly row: string;
  readonly family: IPFamily;
  readonly table: string;
  readonly rule: string;
  readonly printed: Record<Backend, string[]>;
}

/** Reads test/rules/saved-pairs.txt; its head says what stands in it. */
function readPairs(text: string): Pair[] {
  const pairs: Pair[] = [];
  for (const line of text.split("\n")) {
    const answer = /^(=|nft|legacy) (.*)$/.exec(line);
    const row = /^([46]) (\w+) (.*)$/.exec(line);
    if (answer !== null) {
      for (const backend of backends)
        if (answer[1] === "=" || answer[1] === backend) pairs.at(-1)?.printed[backend].push(answer[2] as string);
    } else if (row !== null) {
      const [, family, table = "", rule = ""] = row;
      pairs.push({
        row: line,
        family: family === "4" ? "IPv4" : "IPv6",
        table,
        rule,
        printed: { nft: [], legacy: [] },
      });
    }
  }
  return pairs;
}

function printedRules(pair: Pair, backend: Backend): string[] {
  const text = `*${pair.table}\n:K - [0:0]\n:Y - [0:0]\n-A K ${pair.rule}\nCOMMIT\n`;
  const { after, errors } = load(emptyRuleset, text, { family: pair.family, backend });
  if (errors.length > 0) return [`! ${errors.join(" ")}`];
  const rules = formatSave(after, pair.family, { backend }).split("\n");
  return rules.filter((line) => line.startsWith("-A K")).map((line) => line.slice(5) || "(empty)");
}

test("rules are printed and refused as by iptables 1.8.9", (t) => {
  const pairs = readPairs(readFileSync("test/rules/saved-pairs.txt", "utf8"));
  t.true(pairs.length > 200);
  const wrong: string[] = [];
  for (const pair of pairs) {
    for (const backend of backends) {
      const expected = pair.printed[backend].join(" | ");
      if (expected === "?") continue;
      const actual = printedRules(pair, backend).join(" | ");
      if (REFUSED.test(expected) ? !actual.startsWith("! ") || !REFUSED.test(actual) : actual !== expected) {
        wrong.push(`${backend}: ${pair.row}\n  expected ${expected}\n  actual   ${actual}`);
      }
    }
  }
  t.is(unexpected(wrong, /^\w+: /), "");
});

/** A message; a rule that begins with an inverted option goes on with a dash. */
const REFUSED = /^! [^-]/;

const written = (text: string): string => text.replaceAll("\\n", "\n").replaceAll("\\r", "\r").replaceAll("\\t", "\t");

test("scripts are applied and refused as by iptables-restore 1.8.9", (t) => {
  const base = "*filter\n:K - [0:0]\n:Y - [0:0]\n-A K -j Y\n-A INPUT -j K\nCOMMIT\n";
  const rows = readFileSync("test/rules/restore-cases.txt", "utf8").split("\n");
  const wrong: string[] = [];
  let count = 0;
  for (const row of rows) {
    const [head = "", script = "", saved = ""] = row.split(" | ");
    const [backend, exit, flags] = head.split(" ");
    if ((backend !== "nft" && backend !== "legacy") || exit === "crash") continue;
    count++;
    const before = load(emptyRuleset, base, { backend }).after;
    const { after, errors } = load(before, written(script), { backend, flags: flags ?? "" });
    const outcome = errors.length > 0 ? "refused" : "0";
    const text = formatSave(after, "IPv4", { backend, counters: true });
    if (outcome !== exit || text !== written(saved)) {
      wrong.push(`${row}\n  ${outcome} ${errors.join(" ")} ${text.replaceAll("\n", "\\n")}`);
    }
  }
  t.is(unexpected(wrong, / \| /), "");
  t.true(count > 150);
});

test("a script without --noflush: nft forgets the policies it does not name, legacy keeps them", (t) => {
  // seen with both variants of iptables 1.8.9
  for (const [backend, policy] of [
    ["nft", "ACCEPT"],
    ["legacy", "DROP"],
  ] as const) {
    const before = load(emptyRuleset, "*filter\n:INPUT DROP [5:6]\nCOMMIT\n", { backend, flags: "c" }).after;
    t.regex(formatSave(before, "IPv4", { backend }), /^:INPUT DROP \[5:6\]$/m);
    const { after } = load(before, "*filter\n:Z - [7:8]\nCOMMIT\n", { backend });
    t.regex(formatSave(after, "IPv4", { backend }), new RegExp(`^:INPUT ${policy} \\[0:0\\]$`, "m"));
  }
});

test("a refused table leaves the ruleset as it was, and the value that was handed in never changes", (t) => {
  const { after: before } = load(emptyRuleset, "*filter\n:K -\n-A K -j ACCEPT\nCOMMIT\n", { backend: "nft" });
  const text = formatSave(before, "IPv4", { backend: "nft" });
  const refused = load(before, "*filter\n-F K\n-A K -j NOSUCH\nCOMMIT\n", { backend: "nft", flags: "n" });
  t.is(refused.after, before);
  load(before, "*filter\n-F K\n-E K L\n-P INPUT DROP\n-Z\nCOMMIT\n", { backend: "nft", flags: "n" });
  t.is(formatSave(before, "IPv4", { backend: "nft" }), text);
});

/** What is said about rules that are not modelled: kept as they are, reported, the table loads. */
const unmodelled: readonly (readonly [rule: string, code: string])[] = [
  ["-m nosuch --foo 1 --bar", "unknown-match"],
  ["-m quota --quota 5", "unmodelled-match"],
  ["-j IDLETIMER --timeout 5 --label x", "unmodelled-target"],
  ["-m owner --uid-owner daemon", "unmodelled-option"],
  ["-m devgroup --src-group lan", "unmodelled-option"],
  ["-m realm --realm lan", "unmodelled-option"],
  ["-j TEE --gateway example.org", "unmodelled-option"],
  ["-j NOSUCH --foo 1", "unknown-target"],
  ["-p sctp -m sctp --chunk-types any DATA:BE", "unmodelled-option"],
  ["-s example.org -j ACCEPT", "host-name"],
];

test("what is not modelled is kept and reported at its place", (t) => {
  for (const [rule, code] of unmodelled) {
    const found: string[] = [];
    const text = `*filter\n:K - [0:0]\n-A K ${rule}\nCOMMIT\n`;
    const report = (each: Diagnostic): void => {
      found.push(`${each.severity} ${each.code}@${each.place?.offset}`);
    };
    const ruleset = applyScript(emptyRuleset, parseScript({ name: "-", text }, report), { family: "IPv4" }, report);
    t.deepEqual(found, [`warning ${code}@19`], rule);
    t.true(formatSave(ruleset, "IPv4", { backend: "nft" }).includes(`\n-A K ${rule}\n`), rule);
  }
});
