import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import test from "ava";
import { findScenarios, readDumps, readScenarioSources } from "../../src/cli/scenario-folders.ts";
import { verifiedReleases } from "../../src/compile/iptables/traits.ts";
import { compareDumps, formatDifference } from "../../src/golden/compare.ts";
import { scenarioDumps } from "../../src/golden/dumps.ts";
import { readScenario, type Scenario } from "../../src/golden/scenario.ts";
import type { Diagnostic } from "../../src/text/diagnostic.ts";

const root = fileURLToPath(new URL("../../../golden/scenarios", import.meta.url));
const folders = findScenarios(root);

const scenarios = new Map<string, Scenario>();
const found: Diagnostic[] = [];
for (const folder of folders) {
  const scenario = readScenario(
    readScenarioSources(folder, (finding) => found.push(finding)),
    (finding) => found.push(finding),
  );
  if (scenario !== undefined) scenarios.set(folder.name, scenario);
}

test("all golden scenarios can be computed, and nothing is said about them", (t) => {
  t.deepEqual(
    found.map(({ message }) => message),
    [],
  );
  t.is(scenarios.size, folders.length);
});

test("the golden dumps are what is compiled", (t) => {
  let dumps = 0;
  for (const folder of folders) {
    const expected = scenarioDumps(scenarios.get(folder.name) as Scenario, {}, ({ message }) => t.fail(message));
    dumps += expected.size;
    const [first] = compareDumps(readDumps(folder), expected);
    if (first !== undefined) return t.fail(formatDifference(first, folder.name));
  }
  t.true(dumps > 1000);
});

test("there are at least 48 scenarios; six are written for every release", (t) => {
  t.true(folders.length >= 48);
  const releases = [...scenarios.values()].map(({ settings }) => settings.releases.length);
  t.is(releases.filter((count) => count === verifiedReleases.length).length, 6);
  t.true(releases.every((count) => count === 1 || count === verifiedReleases.length));
});

test("scenarios are written in ipvs mode, too, or say why not; one of them for every release", (t) => {
  const without = folders.filter(({ name }) => !scenarios.get(name)?.settings.modes.includes("ipvs"));
  t.is(without.length, 3);
  for (const { path } of without) t.regex(readFileSync(join(path, "scenario.yaml"), "utf8"), /^# ipvs mode \S.*$/m);
  const releases = [...scenarios.values()].map(({ settings }) => settings.ipvsReleases.length);
  t.is(releases.filter((count) => count === verifiedReleases.length).length, 1);
});

test("each scenario has its own idea: title, and inputs that no other has", (t) => {
  const read = (folder: string, name: string): string => readFileSync(join(folder, name), "utf8");
  const inputs = folders.map(({ path }) =>
    ["cluster.yaml", "kube-proxy.yaml", "host.yaml"].map((name) => read(path, name)).join("\0"),
  );
  t.is(new Set(inputs).size, folders.length);
  const titles = [...scenarios.values()].map(({ settings }) => settings.title);
  t.is(new Set(titles).size, folders.length);
  for (const title of titles) t.regex(title, /^\S.{15,110}\S$/);
});

test("every scenario has two nodes at least, so that local and remote show, or says which one it means", (t) => {
  for (const [name, { settings, cases }] of scenarios) {
    const nodes = new Set(cases.map(({ node }) => node.name));
    t.true(nodes.size >= 2 || settings.nodes !== undefined, name);
    t.is(new Set(cases.map(({ family }) => family)).size, 2, name);
  }
});

test("what a folder holds is what all its cases need, nothing twice", (t) => {
  for (const scenario of scenarios.values()) {
    const { cases, settings } = scenario;
    t.is(new Set(cases.map(({ folder, family }) => `${folder} ${family}`)).size, cases.length);
    const ipvsNodes = new Set(cases.filter(({ mode }) => mode === "ipvs").map(({ folder }) => folder));
    t.is(scenarioDumps(scenario, {}, () => undefined).size, 3 * cases.length + 5 * ipvsNodes.size);
    for (const mode of settings.modes) {
      const releases = mode === "ipvs" ? settings.ipvsReleases : settings.releases;
      t.is(cases.filter((one) => one.mode === mode).length % releases.length, 0);
    }
  }
});
