import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import test from "ava";
import fc from "fast-check";
import { lint } from "../../src/inspect/lint.ts";
import { lintJSON, lintText } from "../../src/inspect/lint-report.ts";
import type { IPFamily } from "../../src/net/family.ts";
import { parseCommand, parseScript } from "../../src/rules/iptables/parse.ts";
import { applyCommand, applyScript } from "../../src/rules/iptables/restore.ts";
import { emptyRuleset, type Ruleset } from "../../src/rules/iptables/ruleset.ts";
import { formatSave } from "../../src/rules/iptables/save.ts";
import { type RecordedStep, readRecords, recordFiles } from "../upstream/records.ts";

const folder = fileURLToPath(new URL("../../../test/upstream", import.meta.url));
// the other files hold no text but the canonical form, which is not to be loaded
const files = recordFiles(`${folder}/records`, "iptables").filter((file) => /-(?:named|random|settings)\./.test(file));
const families: readonly (readonly [string, IPFamily])[] = [
  ["ipv4", "IPv4"],
  ["ipv6", "IPv6"],
];

/**
 * What kube-proxy's own texts are told, and why it is right: in one record its first write is refused, so that its chains
 * stay empty; up to 1.24 it relies on a kubelet to drop what it marks, and none ran when the records were made.
 */
const expected: Readonly<Record<string, readonly string[]>> = {
  "seq-first-write-fails#0": ["empty-chain"],
  "21": ["drop-missing"],
};

/** Codes of the findings that are not notes. */
function codes(text: string, family: IPFamily): string[] {
  return lint([{ name: "record", text }], { family, severity: "warning" }).map(({ code }) => code);
}

/** The ruleset of a family after each step's commands and restore, as iptables-save prints it; none when a text is refused. */
function* applied(steps: readonly RecordedStep[], key: string, family: IPFamily): Generator<readonly [number, string]> {
  let ruleset: Ruleset = emptyRuleset;
  for (const [i, step] of steps.entries()) {
    const answer = step[key];
    if (answer?.restore === undefined) return;
    for (const text of answer.commands ?? []) {
      const command = parseCommand(text);
      if (command !== undefined) ruleset = applyCommand(ruleset, command, { family });
    }
    let refused = false;
    const script = parseScript(answer.restore);
    ruleset = applyScript(ruleset, script, { family, noflush: true, counters: true }, ({ severity }) => {
      if (severity === "error") refused = true;
    });
    if (refused) return;
    yield [i, formatSave(ruleset, family, { backend: "nft" })];
  }
}

for (const file of files) {
  test(`slow: nothing but notes in ${file.split("/").at(-1)}`, (t) => {
    let texts = 0;
    const wrong = new Set<string>();
    const check = (name: string, minor: number, text: string | undefined, family: IPFamily): void => {
      if (text === undefined) return;
      texts++;
      const right = expected[name] ?? expected[`${minor}`] ?? [];
      for (const code of codes(text, family)) if (!right.includes(code)) wrong.add(`${name}: ${code}`);
    };
    for (const record of readRecords(file)) {
      for (const [key, family] of families) {
        for (const [i, step] of record.answer.steps.entries()) {
          for (const text of [step[key]?.save, step[key]?.canonical, step[key]?.restore])
            check(`${record.name}#${i}`, record.minor, text, family);
        }
        for (const [i, text] of applied(record.answer.steps, key, family))
          check(`${record.name}#${i}`, record.minor, text, family);
      }
    }
    t.true(texts > 20);
    t.deepEqual([...wrong], []);
  });
}

const real = readdirSync(`${folder}/real`).filter((name) => name.endsWith(".save"));

test("nothing but notes in what the real iptables-save printed", (t) => {
  t.is(real.length, 44);
  for (const name of real) {
    const text = readFileSync(`${folder}/real/${name}`, "utf8");
    t.deepEqual(codes(text, name.includes("ipv4") ? "IPv4" : "IPv6"), [], name);
  }
});

const lines = real.flatMap((name) => readFileSync(`${folder}/real/${name}`, "utf8").split("\n"));
const hostileLines = [
  "*nat",
  "COMMIT",
  ":KUBE-SERVICES - [0:0]",
  ":__proto__ - [0:0]",
  "-A constructor -j __proto__",
  "-E KUBE-SERVICES toString",
  "-X",
  "-F",
  "-D INPUT 1",
  "-I INPUT 5 -j ACCEPT",
  "-R INPUT 1 -j RETURN",
  "-A KUBE-SEP-AAAAAAAAAAAAAAAA -j DNAT --to-destination :80",
  "-A KUBE-SVC-AAAAAAAAAAAAAAAA -m statistic --mode random --probability 0 -j KUBE-SEP-AAAAAAAAAAAAAAAA",
  '-A INPUT -m comment --comment "',
  "\u0000\ud800",
  "",
];

test("a dump of any lines is linted without a throw, and the same way each time", (t) => {
  const line = fc.oneof(fc.constantFrom(...lines), fc.constantFrom(...hostileLines), fc.string({ unit: "binary" }));
  fc.assert(
    fc.property(fc.array(line, { maxLength: 60 }), (some) => {
      const sources = [{ name: "dump", text: some.join("\n") }];
      const found = lint(sources);
      t.is(lintJSON(found), lintJSON(lint(sources)));
      t.regex(lintText(sources, found, { color: false }), /\d notes?\n$/);
      return found.every(({ place }) => place.offset >= 0 && place.offset <= place.source.text.length);
    }),
    { numRuns: 500 },
  );
});

test("reading a dump twice as long finds the same twice", (t) => {
  const name = "v1.37-dual-stack.ipv4.iptables-nft.save";
  const text = readFileSync(`${folder}/real/${name}`, "utf8").replaceAll("-A POSTROUTING", "-A INPUT");
  const once = lint([{ name, text }]).map(({ code }) => code);
  t.true(once.includes("base-jump-missing"));
  const twice = lint([{ name, text: text + text }]).map(({ code }) => code);
  t.deepEqual(
    twice,
    [...once, ...once].sort((a, b) => twice.indexOf(a) - twice.indexOf(b)),
  );
});
