import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import test from "ava";
import { type Explanation, explain } from "../../src/inspect/explain.ts";
import { explainJSON, explainText } from "../../src/inspect/explain-report.ts";
import { readDump } from "../../src/inspect/read-dump.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));

function savesUnder(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.save$/.test(entry.name) && !/^(?:ipvsadm|ipset)\./.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

const explained = (name: string, text: string): readonly Explanation[] =>
  readDump({ name, text }, {}, () => undefined).map(explain);

const plain = { strong: (text: string): string => text };
const textOf = (explanations: readonly Explanation[]): string =>
  explanations.map((explanation) => [...explainText(explanation, plain)].join("")).join("\n");

interface JSONRule {
  readonly number: number;
  readonly text: string;
}
interface JSONForm {
  readonly dumps: readonly {
    readonly groups: readonly {
      readonly chains: readonly {
        readonly table: string;
        readonly chain: string;
        readonly rules: readonly JSONRule[];
      }[];
    }[];
  }[];
}

/** The rules of a dump by table, chain and number: the text's own `-A` lines, counted. */
function rulesOfText(text: string): string[] {
  const numbers = new Map<string, number>();
  const found: string[] = [];
  let table = "";
  for (const line of text.split("\n")) {
    if (line.startsWith("*")) table = line.slice(1).trim();
    const chain = /^(?:\[\d+:\d+\] )?-A (\S+)/.exec(line)?.[1];
    if (chain === undefined) continue;
    const number = (numbers.get(`${table} ${chain}`) ?? 0) + 1;
    numbers.set(`${table} ${chain}`, number);
    found.push(`${table} ${chain} ${number}`);
  }
  return found.sort();
}

function rulesOfJSON(form: JSONForm): string[] {
  return form.dumps
    .flatMap(({ groups }) => groups.flatMap(({ chains }) => chains))
    .flatMap(({ table, chain, rules }) => rules.map(({ number }) => `${table} ${chain} ${number}`))
    .sort();
}

/** The rules that the text form lists, below the headings of their chains. */
function rulesOfReport(text: string): string[] {
  const found: string[] = [];
  let place = "";
  for (const line of text.split("\n")) {
    place = /^ {2}((?:raw|mangle|nat|filter|security) [^ ]+?)(?::| \(|$)/.exec(line)?.[1] ?? place;
    const number = /^ {4} *(\d+) {2}/.exec(line)?.[1];
    if (number !== undefined) found.push(`${place} ${number}`);
  }
  return found.sort();
}

const folders = ["golden/scenarios", "test/kernel/rulesets", "test/upstream/real"];
for (const folder of folders) {
  test(`slow: each rule of each dump in ${folder} is told exactly once, in text and in JSON`, (t) => {
    const paths = savesUnder(folder);
    t.true(paths.length > 0);
    for (const path of paths) {
      const text = readFileSync(path, "utf8");
      const explanations = explained(path, text);
      const rules = rulesOfText(text);
      t.deepEqual(rulesOfJSON(JSON.parse([...explainJSON(explanations)].join("")) as JSONForm), rules, path);
      t.deepEqual(rulesOfReport(textOf(explanations)), rules, path);
    }
  });
}

test("slow: the release that wrote a dump is among those that are guessed, and the mode is right", (t) => {
  for (const path of [...savesUnder("golden/scenarios"), ...savesUnder("test/upstream/real")]) {
    const [, minor = "", mode = ""] = /v?1\.(\d+)-([a-z]+)/.exec(path.slice(root.length)) ?? [];
    for (const { origin } of explained(path, readFileSync(path, "utf8"))) {
      if (mode === "ipvs" || mode === "iptables") t.is(origin.mode, mode, path);
      const { releases } = origin;
      t.false(origin.contradictory, `${path}: ${JSON.stringify(origin.evidence)}`);
      if (releases === undefined) continue;
      t.true(releases.from <= Number(minor) && Number(minor) <= releases.to, `${path}: ${JSON.stringify(origin)}`);
    }
  }
});

test("chains of endpoints that lead to themselves or to each other are explained", (t) => {
  const [a, b] = ["KUBE-SEP-GWQABTP5GBYXHJY5", "KUBE-SEP-ACQABTP5GBYXHJY5"];
  const comment = '-m comment --comment "default/web:http"';
  for (const target of [a, b]) {
    const chains = `:${a} - [0:0]\n:${b} - [0:0]\n`;
    const text = `*nat\n${chains}-A ${a} ${comment} -j ${target}\n-A ${b} ${comment} -j ${a}\nCOMMIT\n`;
    t.true(textOf(explained("-", text)).includes("default/web:http"), target);
  }
});
