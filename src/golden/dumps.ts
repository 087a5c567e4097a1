import { compileIptables } from "../compile/iptables/compile.ts";
import type { IptablesSteps } from "../compile/iptables/load-compiled.ts";
import { compileIPVS } from "../compile/ipvs/compile.ts";
import type { IPFamily } from "../net/family.ts";
import type { SHA256Hex } from "../net/sha256.ts";
import { formatScript } from "../rules/iptables/format.ts";
import type { Backend } from "../rules/iptables/ruleset.ts";
import type { Report } from "../text/diagnostic.ts";
import type { IPVSFamilyResult } from "../view/family-result.ts";
import { commandLines, saveText } from "../view/iptables-text.ts";
import { ipvsNodeFiles } from "../view/ipvs-text.ts";
import { comparisonDumps } from "./comparison.ts";
import type { Scenario, ScenarioCase } from "./scenario.ts";

/** Texts by path below the scenario's folder, with `/` between the parts. */
export type Dumps = ReadonlyMap<string, string>;

export interface DumpOptions {
  /** A faster SHA-256 of the platform; the portable one when absent. */
  readonly sha256?: SHA256Hex;
  /** The back end whose `save` text is written; `nft` when absent. */
  readonly backend?: Backend;
}

const TOOLS: Readonly<Record<IPFamily, string>> = { IPv4: "iptables", IPv6: "ip6tables" };

/** The dumps of one case of iptables mode: `commands`, `restore` and `save` of its family. */
export function caseDumps(one: ScenarioCase, options: DumpOptions, report: Report): Dumps {
  return iptablesDumps(one, compileIptables(one.state, options), options, report);
}

function iptablesDumps(one: ScenarioCase, compiled: IptablesSteps, options: DumpOptions, report: Report): Dumps {
  const path = `${one.folder}/${TOOLS[one.family]}`;
  return new Map([
    [`${path}.commands`, commandLines(compiled.commands, one.family)],
    [`${path}.restore`, formatScript(compiled.restore)],
    [`${path}.save`, saveText(one.state, compiled, options.backend ?? "nft", report)],
  ]);
}

/** The dumps of one node in ipvs mode: those of each family's iptables, and what both families share. */
function ipvsDumps(cases: readonly ScenarioCase[], options: DumpOptions, report: Report): Dumps {
  const results = cases.map(({ state }) => ({ state, compiled: compileIPVS(state) }));
  const folder = cases[0]?.folder ?? "";
  return new Map([
    ...cases.flatMap((one, i) => {
      const result = results[i] as IPVSFamilyResult;
      return [...iptablesDumps(one, result.compiled, options, report)];
    }),
    ...ipvsNodeFiles(results, report).map(([name, text]) => [`${folder}/${name}`, text] as const),
  ]);
}

/** All dumps of a scenario. `report` is told of what the tools would refuse. */
export function scenarioDumps(scenario: Scenario, options: DumpOptions, report: Report): Dumps {
  const ofIPVS = new Map<string, ScenarioCase[]>();
  for (const one of scenario.cases) {
    if (one.mode !== "ipvs") continue;
    const node = ofIPVS.get(one.folder);
    if (node === undefined) ofIPVS.set(one.folder, [one]);
    else node.push(one);
  }
  const ofIptables = scenario.cases.filter(({ mode }) => mode === "iptables");
  return new Map([
    ...ofIptables.flatMap((one) => [...caseDumps(one, options, report)]),
    ...[...ofIPVS.values()].flatMap((cases) => [...ipvsDumps(cases, options, report)]),
    ...scenario.comparisons.flatMap((comparison) => [...comparisonDumps(comparison)]),
  ]);
}

/** `dumps/1.37-iptables/NODE/FILE`, `dumps/1.37-iptables-ipvs/diff.txt`: the names that this program gives; other files are not its own. */
const OWN = /^dumps\/1\.\d+-(?:(?:iptables|ipvs|nftables|userspace)\/[^/]+\/[^/]+|iptables-ipvs\/diff\.[a-z]+)$/;

/** Those of the paths below a scenario's folder that are dumps and are not among the expected ones. */
export function surplusDumps(paths: Iterable<string>, expected: Dumps): string[] {
  return [...paths].filter((path) => OWN.test(path) && !expected.has(path)).sort();
}
