import { hash } from "node:crypto";
import { findScenarios, readDumps, readScenarioSources } from "../../src/cli/scenario-folders.ts";
import { caseDumps, type Dumps } from "../../src/golden/dumps.ts";
import { readScenario, type ScenarioCase } from "../../src/golden/scenario.ts";
import type { Report } from "../../src/text/diagnostic.ts";
import { type Backend, backends } from "./tools.ts";

/** One rule set to load into a real kernel, and what the real iptables-save must print then. */
export interface RuleSet {
  readonly name: string;
  readonly tool: "iptables" | "ip6tables";
  readonly backend: Backend;
  readonly commands: string;
  readonly restore: string;
  readonly save: string;
  /** Named counters that its rules need. */
  readonly counters: readonly string[];
}

const sha256 = (text: string): string => hash("sha256", text, "hex");

const fail: Report = ({ message }) => {
  throw new Error(message);
};

function texts(dumps: Dumps): readonly [string, string, string] {
  const [commands = "", restore = "", save = ""] = [...dumps.values()];
  return [commands, restore, save];
}

function ruleSets(name: string, one: ScenarioCase): RuleSet[] {
  const tool = one.family === "IPv4" ? "iptables" : "ip6tables";
  return backends.map((backend) => {
    const [commands, restore, save] = texts(caseDumps(one, { sha256, backend }, fail));
    const counters = new Set([...restore.matchAll(/--nfacct-name (\S+)/g)].map((match) => match[1] ?? ""));
    const label = `${name}/${one.folder}/${tool} (${backend})`;
    return { name: label, tool, backend, commands, restore, save, counters: [...counters] };
  });
}

/**
 * The rule sets of all scenarios of a folder. Throws when a scenario is faulty or its dumps are not as compiled: what
 * the kernel is asked about are the files in the folder.
 */
export function goldenRuleSets(folder: string, only: readonly string[]): RuleSet[] {
  const known = findScenarios(folder);
  const unknown = only.filter((wanted) => !known.some(({ name }) => name === wanted));
  if (unknown.length > 0) throw new Error(`no scenario ${unknown.join(", ")} in ${folder}`);
  const found = known.filter(({ name }) => only.length === 0 || only.includes(name));
  return found.flatMap((scenarioFolder) => {
    const scenario = readScenario(readScenarioSources(scenarioFolder, fail), fail);
    if (scenario === undefined) throw new Error(`${scenarioFolder.path}: faulty`);
    const stored = readDumps(scenarioFolder);
    // the kernel here has no ip_vs
    const cases = scenario.cases.filter(({ mode }) => mode === "iptables");
    for (const one of cases) {
      for (const [path, text] of caseDumps(one, { sha256 }, fail)) {
        if (stored.get(path) !== text)
          throw new Error(`${scenarioFolder.path}/${path} is not as compiled; npm run golden writes it`);
      }
    }
    return cases.flatMap((one) => ruleSets(scenarioFolder.name, one));
  });
}
