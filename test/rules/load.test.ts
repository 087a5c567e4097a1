import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import test from "ava";
import fc from "fast-check";
import type { IPFamily } from "../../src/net/family.ts";
import { loadRuleset } from "../../src/rules/iptables/load.ts";
import { parseScript } from "../../src/rules/iptables/parse.ts";
import { applyScript } from "../../src/rules/iptables/restore.ts";
import { type Backend, emptyRuleset, type Ruleset } from "../../src/rules/iptables/ruleset.ts";
import { formatSave } from "../../src/rules/iptables/save.ts";
import { sampleCluster } from "../../src/sample/cluster.ts";
import type { Diagnostic } from "../../src/text/diagnostic.ts";
import { families } from "../upstream/compare.ts";
import { MINOR } from "../upstream/compare-sample.ts";
import { answerTo, refusals } from "../upstream/feed.ts";

interface Loading {
  readonly family: IPFamily;
  readonly backend: Backend;
  readonly counters: boolean;
}

const loadings: readonly Loading[] = (["IPv4", "IPv6"] as const).flatMap((family) =>
  (["nft", "legacy"] as const).flatMap((backend) => [true, false].map((counters) => ({ family, backend, counters }))),
);

interface Loaded {
  readonly ruleset: Ruleset;
  readonly found: readonly Diagnostic[];
}

function collect(load: (report: (found: Diagnostic) => void) => Ruleset): Loaded {
  const found: Diagnostic[] = [];
  const ruleset = load((each) => {
    found.push(each);
  });
  return { ruleset, found };
}

/** Names of tables and chains in the order in which they are kept, which equality of maps does not see. */
function orders({ tables }: Ruleset): string {
  return [...tables].map(([name, { chains }]) => `${name}: ${[...chains.keys()].join(" ")}`).join("\n");
}

/** How loading a text differs from the general path; "" when it does not. */
function difference(text: string, { family, ...options }: Loading): string {
  const source = { name: "-", text };
  const direct = collect((report) => loadRuleset(source, family, report, options));
  const general = collect((report) =>
    applyScript(emptyRuleset, parseScript(source, report), { family, ...options }, report),
  );
  if (!isDeepStrictEqual(direct.found, general.found))
    return `findings: ${JSON.stringify(direct.found)} | ${JSON.stringify(general.found)}`;
  const save = { backend: options.backend, counters: true };
  const [left, right] = [direct, general].map(({ ruleset }) => formatSave(ruleset, family, save));
  if (left !== right) return `rules: ${left} | ${right}`;
  if (orders(direct.ruleset) !== orders(general.ruleset)) return "order of tables or chains";
  return isDeepStrictEqual(direct.ruleset, general.ruleset) ? "" : "values";
}

/** Whether chains are jumped to by several rules, and whether all of these share the jump: behind the direct path only. */
function jumps({ tables }: Ruleset): { repeated: boolean; shared: boolean } {
  const [names, objects] = [new Map<string, number>(), new Map<unknown, string>()];
  for (const [table, { chains }] of tables) {
    for (const { target } of [...chains.values()].flatMap(({ rules }) => rules)) {
      if (target?.kind !== "jump") continue;
      const name = `${table} ${target.chain}`;
      names.set(name, (names.get(name) ?? 0) + 1);
      objects.set(target, name);
    }
  }
  return { repeated: [...names.values()].some((count) => count > 1), shared: objects.size === names.size };
}

const filesBelow = (folder: string, end: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(end))
    .map((name) => join(folder, name));

const isIPv6 = (name: string): boolean => /ip6tables|\.ipv6\./.test(name);

test("slow: whole dumps load as by the general path", (t) => {
  const files = [...filesBelow("golden", ".save"), ...filesBelow("golden", ".restore")].filter(
    (file) => !/(?:ipset|ipvsadm)\.save$/.test(file),
  );
  files.push(...filesBelow("test/upstream/real", ".save"));
  let direct = 0;
  for (const [i, file] of files.entries()) {
    const text = readFileSync(file, "utf8");
    const fitting = loadings.filter(({ family }) => (family === "IPv6") === isIPv6(file));
    const loading = fitting[i % fitting.length] as Loading;
    t.is(difference(text, loading), "", `${file} ${JSON.stringify(loading)}`);
    if (!file.endsWith(".save")) continue;
    const { ruleset, found } = collect((report) => loadRuleset({ name: file, text }, loading.family, report));
    t.is(found.map(({ code, message }) => `${code} ${message}`).join("\n"), "", file);
    const { repeated, shared } = jumps(ruleset);
    t.true(shared, `${file} went the general way`);
    if (repeated) direct++;
  }
  t.true(files.length > 1200);
  t.true(direct > 500, `${direct} of ${files.length} show which way they went`);
});

/** Rules of each family and table that iptables takes or refuses, and what it prints of them. */
function rulePool(): ReadonlyMap<string, readonly string[]> {
  const pool = new Map<string, string[]>();
  let rules: string[] = [];
  for (const line of readFileSync("test/rules/saved-pairs.txt", "utf8").split("\n")) {
    const row = /^([46]) (\w+) (.*)$/.exec(line);
    const printed = /^(?:=|nft|legacy) ([-!].*)$/.exec(line)?.[1];
    if (row !== null) {
      const key = `${row[1]} ${row[2]}`;
      rules = pool.get(key) ?? [];
      pool.set(key, rules);
      rules.push(row[3] as string);
    } else if (printed !== undefined && !/^! [^-]/.test(printed)) rules.push(printed);
  }
  return pool;
}

const pool = rulePool();
const junk = [
  "-m",
  "-j",
  "!",
  "-s",
  "1.2.3.4",
  '"',
  '"a b"',
  "-c",
  "[1:2]",
  "Y",
  "K",
  "\t",
  "\r",
  "\0",
  "x",
  "-A",
  "-4",
];
const edit = fc.record({
  kind: fc.constantFrom("delete", "double", "swap", "insert", "replace", "blank", "cut", "case", "line"),
  at: fc.nat(),
  other: fc.nat(),
  word: fc.constantFrom(...junk),
});
interface Edit {
  readonly kind: string;
  readonly at: number;
  readonly other: number;
  readonly word: string;
}

/** Damages a text at one of its words or lines. */
function damage(text: string, { kind, at, other, word }: Edit): string {
  if (kind === "cut")
    return text.slice(0, at % (text.length + 1)) + text.slice((at % (text.length + 1)) + 1 + (other % 3));
  const lines = text.split("\n");
  const i = at % lines.length;
  if (kind === "line") {
    lines.splice(
      i,
      1,
      ...([[], [lines[i] as string, lines[i] as string], [lines[other % lines.length] as string]][
        other % 3
      ] as string[]),
    );
    return lines.join("\n");
  }
  const words = (lines[i] as string).split(" ");
  const j = other % words.length;
  const old = words[j] as string;
  const k = (other >>> 8) % words.length;
  if (kind === "delete") words.splice(j, 1);
  else if (kind === "double") words.splice(j, 0, old);
  else if (kind === "swap") [words[j], words[k]] = [words[k] as string, old];
  else if (kind === "insert") words.splice(j, 0, word);
  else if (kind === "replace") words[j] = word;
  else if (kind === "blank") words[j] = `${old} `;
  else words[j] = old.toUpperCase() === old ? old.toLowerCase() : old.toUpperCase();
  lines[i] = words.join(" ");
  return lines.join("\n");
}

/** What is near to the form of iptables-save, or means something else in the company of other rules. */
const special: readonly string[] = [
  "-j Y",
  "-j NOSUCH",
  "-g Y",
  "-i eth0 -j Y",
  "! -i eth0 -j Y",
  "!-i eth0 -j Y",
  "! -i eth0 -i eth1",
  "-i a\tb -j Y",
  "-i abcdefghijklmnop",
  "-i +",
  "-p all -j Y",
  "! -p 0 -j Y",
  "-s 010.2.3.4/32 -j Y",
  "-s 1.2.3.4/08",
  "-s 10.1.2.3/8 -j Y",
  "-s 1.2.3.4/32 -s 1.2.3.4/32",
  "-s 0.0.0.0/0 -s 1.2.3.4/32",
  "! -d 0.0.0.0/0",
  "-s 1.1.1.1,2.2.2.2 -j Y",
  "-4 -j Y",
  "-6 -j Y",
  "-p tcp -j DNAT --to-destination 1.2.3.4:80",
  "-p esp -j DNAT --to-destination 1.2.3.4:80",
  "! -p tcp -j DNAT --to-destination 1.2.3.4:080",
  "-j DNAT --to-destination 1.2.3.4:80",
  "-j DNAT --to-destination 1.2.3.4",
  "-p tcp -m tcp --dport 80 -j Y",
  "-p udp -m tcp --dport 80 -j Y",
  "! -p tcp -m tcp --dport 80 -j Y",
  "-m tcp --dport 80 -p tcp",
  '-m comment --comment "a\\"b" -j Y',
  '-m comment --comment "a\\\\b" -j Y',
  '-m comment --comment "a\0b"',
  '-m comment --comment "a" -j Y',
  '-m comment --comment "a b" -j Y',
  '-m comment --comment "a b"c -j Y',
  "-m comment --comment a -j Y",
  "-m comment --comment a.b -p tcp -j Y",
  `-m comment --comment "${"x".repeat(300)}"`,
  "-m mark --mark 0x1 -m conntrack --ctstate NEW -j ACCEPT",
  "-m connmark --mark 0x1 -m mark --mar 0x2",
  "-m recent --set --name -m --rsource -j Y",
  "-m limit --limit 3/hour -j LOG --log-level 4",
  "-m quota --quota 5 -j Y",
  "-j Y -m mark --mark 1",
  "-j ACCEPT ",
];
const chainLines = [
  ":Z - [0:0]",
  ":K - [1:2]",
  ":Y ACCEPT [0:0]",
  ":LOG - [0:0]",
  ":OUTPUT DROP [3:4]",
  ":OUTPUT - [0:0]",
  ":-x - [0:0]",
  ":A - [0:x]",
  ":A",
  ":INPUT FOO [0:0]",
];
const commands = ["-A", "-A", "-A", "-A", "-A", "-A", "-A", "-A", "-A", "-I", "-D"];

/** One table; more often than not one that iptables-save could have printed. */
function tableText(key: string): fc.Arbitrary<string> {
  const rules = fc.oneof(fc.constantFrom(...(pool.get(key) as string[])), fc.constantFrom(...special));
  const line = fc
    .tuple(
      fc.constantFrom("", "", "[0:0] ", "[7:123] "),
      fc.constantFrom(...commands),
      fc.constantFrom("K", "K", "Y", "OUTPUT"),
      rules,
    )
    .map(([counters, command, chain, rule]) => `${counters}${command} ${chain} ${rule}\n`);
  const head = ":OUTPUT ACCEPT [0:0]\n:K - [0:0]\n:Y - [0:0]\n";
  const extra = fc.oneof(
    { weight: 4, arbitrary: fc.constant("") },
    fc.constantFrom(...chainLines).map((each) => `${each}\n`),
  );
  const body = fc.tuple(extra, fc.array(line, { maxLength: 4 })).map(([more, lines]) => head + more + lines.join(""));
  const table = key.split(" ")[1];
  return fc.oneof({ weight: 6, arbitrary: body }, fc.constant("")).map((each) => `*${table}\n${each}COMMIT\n`);
}

const texts = fc.constantFrom("4", "6").chain((digit) => {
  const keys = [...pool.keys()].filter((key) => key.startsWith(digit));
  const loading = fc.constantFrom(...loadings.filter(({ family }) => family === `IPv${digit}`));
  const tables = fc.array(fc.constantFrom(...keys).chain(tableText), { minLength: 1, maxLength: 3 });
  const edits = fc.oneof(fc.constant([]), fc.array(edit, { maxLength: 2 }));
  return fc
    .tuple(loading, tables, edits)
    .map(([how, parts, changes]) => ({ how, text: changes.reduce(damage, parts.join("")) }));
});

test("slow: each rule alone loads as by the general path", (t) => {
  let count = 0;
  for (const [key, rules] of pool) {
    const [digit, table] = key.split(" ");
    for (const how of loadings.filter(({ family }) => family === `IPv${digit}`)) {
      for (const rule of [...rules, ...special]) {
        const text = `*${table}\n:K - [0:0]\n:Y - [0:0]\n[1:2] -A K ${rule}\n-A K -j Y\nCOMMIT\n`;
        t.is(difference(text, how), "", text);
        count++;
      }
    }
  }
  t.true(count > 3000);
});

test("slow: texts of any rules, whole or damaged, load as by the general path", (t) => {
  fc.assert(
    fc.property(texts, ({ how, text }) => {
      t.is(difference(text, how), "");
    }),
    { numRuns: 10_000 },
  );
});

test("slow: what a sampled cluster compiles to loads as by the general path, damaged or not", (t) => {
  const small = { weights: { "cluster.endpoints": { large: 0 } }, services: 4 } as const;
  fc.assert(
    fc.property(fc.integer(), fc.array(edit, { maxLength: 3 }), fc.constantFrom(...loadings), (seed, edits, how) => {
      const question = { ...sampleCluster(seed, small), minor: MINOR };
      if (refusals(question).length > 0) return;
      for (const [family] of families) {
        const text = answerTo(question, family).restore;
        t.is(difference(edits.reduce(damage, text), how), "");
      }
    }),
    { numRuns: 100 },
  );
});
