import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import test from "ava";
import fc from "fast-check";
import type { IPFamily } from "../../src/net/family.ts";
import { loadRuleset } from "../../src/rules/iptables/load.ts";
import { builtinChains } from "../../src/rules/iptables/ruleset.ts";
import { formatSave } from "../../src/rules/iptables/save.ts";
import type { Diagnostic, Source } from "../../src/text/diagnostic.ts";
import { damages } from "./damages.ts";
import { answers, type Fates, probesOf } from "./fates.ts";

const folder = fileURLToPath(new URL("../../../test/kernel/rulesets", import.meta.url));

interface Case {
  readonly name: string;
  readonly text: string;
  /** In an order that no tool prints. */
  readonly written: string;
  readonly family: IPFamily;
  /** The sets that the rules ask. */
  readonly sets: readonly Source[];
}

/** The rules as the tool prints them: the files are written by hand, in an order that it does not have. */
function printed(text: string, family: IPFamily): string {
  const ruleset = loadRuleset({ name: "rules", text }, family, () => undefined);
  return formatSave(ruleset, family, {
    backend: "nft",
    header: { version: "1.8.9", date: "Sat Nov 21 07:26:59 2026" },
  });
}

function setsOf(file: string): readonly Source[] {
  const name = file.replace(/save$/, "ipset");
  return existsSync(join(folder, name)) ? [{ name, text: readFileSync(join(folder, name), "utf8") }] : [];
}

const cases: readonly Case[] = readdirSync(folder)
  .filter((file) => file.endsWith(".save"))
  .sort()
  .map((file) => {
    const family = file.endsWith(".v6.save") ? "IPv6" : "IPv4";
    const raw = readFileSync(join(folder, file), "utf8");
    return { name: file, family, text: printed(raw, family), written: raw, sets: setsOf(file) };
  });

const asText = (fates: readonly Fates[]): string[] =>
  fates.map((each) => [...each].map((pair) => pair.join(" ")).join("; "));
/** What the loader refuses; a piece that is no rule at all any more may be taken for whatever it looks like. */
const errorsOf = (found: readonly Diagnostic[]): string[] =>
  found.flatMap(({ severity, code, message }) =>
    severity === "error" && code !== "unknown-dump" && code !== "no-interfaces" ? [message] : [],
  );

const known = new Map<string, readonly string[]>();

/** The fates of packets through the undamaged text. */
function cleanFates({ name, text, family, sets }: Case): readonly string[] {
  const found = known.get(name) ?? asText(answers({ name, text }, probesOf(text, family, 1), sets).fates);
  known.set(name, found);
  return found;
}

for (const { name, apply } of damages) {
  test(`slow: every packet has the same fate behind: ${name}`, (t) => {
    for (const each of cases) {
      const { name: file, text, family, sets } = each;
      const probes = probesOf(text, family, 1);
      const { fates, found } = answers({ name: file, text: apply(text) }, probes, sets);
      t.deepEqual(errorsOf(found), [], file);
      t.deepEqual(
        found
          .filter(
            ({ code }) =>
              ["extract", "unknown-line", "line-left-out", "table-unknown"].includes(code) && name !== "Markdown",
          )
          .map(({ message }) => message),
        [],
        file,
      );
      t.deepEqual(asText(fates), cleanFates(each), file);
    }
  });
}

/** What of the answers contradicts the whole text: a fate that it does not give, or gives with a smaller chance. */
function contradictions(cut: readonly Fates[], whole: readonly Fates[]): string[] {
  return cut.flatMap((fates, i) => {
    const right = whole[i] ?? new Map<string, string>();
    if (fates.has("unknown") || right.has("unknown")) return [];
    const [a, b] = [asText([fates])[0], asText([right])[0]];
    return a === b ? [] : [`packet ${i}: ${a} instead of ${b}`];
  });
}

/** Where a cut loses something that can be seen: inside of a table. */
function insideTables(text: string): readonly number[] {
  const places: number[] = [];
  let start = 0;
  let inTable = false;
  for (const line of text.split("\n")) {
    if (inTable || line.startsWith("*")) for (let i = start + 1; i <= start + line.length; i++) places.push(i);
    if (line.startsWith("*")) inTable = true;
    if (line === "COMMIT") {
      // behind its last letter nothing is missing
      places.pop();
      inTable = false;
    }
    start += line.length + 1;
  }
  return places;
}

const EMPTY: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  [...builtinChains].map(([table, chains]) => [
    table,
    [`*${table}`, ...chains.map((chain) => `:${chain} ACCEPT [0:0]`), "COMMIT", ""],
  ]),
);

/** The tables that a text does not hold, as the tool prints them when they are empty. */
function otherTables(text: string, family: IPFamily): string {
  return Object.entries(EMPTY)
    .filter(([table]) => !text.includes(`\n*${table}\n`))
    .map(([, lines]) => printed(lines.join("\n"), family))
    .join("");
}

interface Cut {
  readonly name: string;
  /** Where all tables that stay whole are: else one of those that may be missing leaves every packet open. */
  readonly others?: "before" | "behind";
  readonly isWritten?: true;
  readonly apply: (text: string, at: number, other: number, family: IPFamily) => string;
}

const cuts: readonly Cut[] = [
  { name: "the beginning", others: "behind", apply: (text, at) => text.slice(at) },
  { name: "the end", others: "before", apply: (text, at) => text.slice(0, at) },
  { name: "the beginning of a written text", others: "behind", isWritten: true, apply: (text, at) => text.slice(at) },
  { name: "the end of a written text", others: "before", isWritten: true, apply: (text, at) => text.slice(0, at) },
  { name: "both ends", apply: (text, at, other) => text.slice(Math.min(at, other), Math.max(at, other)) },
  {
    name: "all lines but those with a word",
    apply: (text, at, _other, family) => {
      const word = /[A-Za-z-]{4,}/.exec(text.slice(at))?.[0] ?? "";
      const found = text.split("\n").filter((line) => line.includes(word));
      return `$ ${family === "IPv6" ? "ip6tables" : "iptables"}-save | grep -e ${word}\n${found.join("\n")}\n`;
    },
  },
];

for (const { name, apply, others, isWritten } of cuts) {
  test(`slow: no answer contradicts the whole text when ${name} is lost`, (t) => {
    const whole = cases.map(({ name: file, text: print, written, family, sets }) => {
      const text = isWritten === true ? written : print;
      const probes = probesOf(text, family, 3);
      const more = otherTables(text, family);
      const before = others === "before" ? more : "";
      const behind = others === "behind" ? more : "";
      const full = `${before}${text}${behind}`;
      return {
        file,
        family,
        sets,
        text: full,
        probes,
        fates: answers({ name: file, text: full }, probes, sets).fates,
        places: insideTables(text).map((at) => at + before.length),
      };
    });
    let answered = 0;
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.nat(), (which, at, other) => {
        const {
          file,
          family,
          sets,
          text,
          probes,
          fates: right,
          places,
        } = whole[which % whole.length] as (typeof whole)[number];
        const cut = apply(text, places[at % places.length] ?? 0, places[other % places.length] ?? 0, family);
        const { fates, found } = answers({ name: file, text: cut }, probes, sets);
        const wrong = contradictions(fates, right);
        const errors = errorsOf(found);
        if (wrong.length + errors.length > 0) throw new Error(`${file}: ${[...wrong, ...errors][0]}\n${cut}`);
        answered += fates.filter((each) => !each.has("unknown")).length;
      }),
      { numRuns: 200, includeErrorInReport: true },
    );
    t.log(`${answered} packets answered`);
    if (others !== undefined && isWritten !== true) t.true(answered > 0);
    else t.pass();
  });
}
