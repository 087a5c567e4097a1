import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import test from "ava";
import { findScenarios, readDumps, readScenarioSources, type ScenarioFolder } from "../../src/cli/scenario-folders.ts";
import { compareNodes, type Diff } from "../../src/diff/compare-nodes.ts";
import { findingsOf } from "../../src/diff/merge.ts";
import { compareDumps, formatDifference } from "../../src/golden/compare.ts";
import type { ScenarioComparison } from "../../src/golden/comparison.ts";
import { scenarioDumps } from "../../src/golden/dumps.ts";
import { readScenario, type Scenario } from "../../src/golden/scenario.ts";

const root = fileURLToPath(new URL("../../../golden/", import.meta.url));
const folders = findScenarios(`${root}differences`);

/** Each difference that is known upstream, and the entry of the list that explains it. */
const rows: readonly (readonly [folder: string, entry: string])[] = [
  ["node-port-addresses", "node-port-without-endpoints"],
  ["node-port-on-localhost", "node-port-on-loopback"],
  ["pod-calls-local-load-balancer", "local-policy-for-insiders"],
  ["service-port-like-a-node-port", "service-port-like-a-node-port"],
  ["source-ranges-before-1.29", "source-ranges-from-the-node"],
  ["source-ranges-seen-from-the-node", "source-ranges-from-the-node"],
  ["undefined-port-of-a-cluster-ip", "service-address-without-port"],
  ["virtual-server-without-real-servers", "no-endpoints-from-the-node"],
];

function scenarioIn(folder: ScenarioFolder): Scenario {
  const fail = ({ message }: { readonly message: string }): never => {
    throw new Error(message);
  };
  const found = readScenario(readScenarioSources(folder, fail), fail);
  if (found === undefined) throw new Error(folder.name);
  return found;
}

/** The comparison of a folder, with a list that may lack an entry. */
function compared({ setting }: ScenarioComparison, without?: string): Diff {
  return compareNodes({ ...setting, intended: setting.intended.filter(({ id }) => id !== without) });
}

const findings = ({ comparisons }: Diff): number =>
  comparisons.reduce((sum, { found }) => sum + findingsOf(found).length, 0);

test("every folder has its row, and a line in the README that names the entry", (t) => {
  t.deepEqual(
    folders.map(({ name }) => name),
    rows.map(([name]) => name),
  );
  const readme = readFileSync(`${root}README.md`, "utf8");
  for (const [name, entry] of rows) t.regex(readme, new RegExp(`^\\| \`${name}\` \\|.*\\| \`${entry}\` \\|$`, "m"));
});

for (const [name, entry] of rows) {
  const folder = folders.find((each) => each.name === name) as ScenarioFolder;
  const scenario = scenarioIn(folder);

  test(`slow: ${name}: what diff says is as written`, (t) => {
    const expected = scenarioDumps(scenario, {}, ({ message }) => t.fail(message));
    t.true(expected.size >= 2);
    const [first] = compareDumps(readDumps(folder), expected);
    t.is(first === undefined ? "" : formatDifference(first, folder.name), "");
  });

  test(`slow: ${name}: ${entry} explains it, and without that entry it is a finding`, (t) => {
    const [comparison] = scenario.comparisons;
    if (comparison === undefined) return t.fail("nothing is compared");
    const known = compared(comparison);
    t.is(findings(known), 0);
    t.true(known.comparisons.some(({ found }) => (found.excused.get(entry) ?? 0) > 0));
    t.true(findings(compared(comparison, entry)) > 0);
  });
}
