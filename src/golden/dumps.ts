import { compileIptables } from "../compile/iptables/compile.ts";
import type { IPFamily } from "../net/family.ts";
import type { SHA256Hex } from "../net/sha256.ts";
import { formatScript } from "../rules/iptables/format.ts";
import type { Backend } from "../rules/iptables/ruleset.ts";
import type { Report } from "../text/diagnostic.ts";
import { commandsText, saveText } from "../view/iptables-text.ts";
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

/** The dumps of one case: `commands`, `restore` and `save` of its family. */
export function caseDumps(one: ScenarioCase, options: DumpOptions, report: Report): Dumps {
  const compiled = compileIptables(one.state, options);
  const path = `${one.folder}/${TOOLS[one.family]}`;
  return new Map([
    [`${path}.commands`, commandsText(one.state)],
    [`${path}.restore`, formatScript(compiled.restore)],
    [`${path}.save`, saveText(one.state, compiled, options.backend ?? "nft", report)],
  ]);
}

/** All dumps of a scenario. `report` is told of rules that the iptables tools would refuse. */
export function scenarioDumps(scenario: Scenario, options: DumpOptions, report: Report): Dumps {
  return new Map(scenario.cases.flatMap((one) => [...caseDumps(one, options, report)]));
}

/** `dumps/1.37-iptables/NODE/FILE`: the names that this program gives; other files are not its own. */
const OWN = /^dumps\/1\.\d+-(?:iptables|ipvs|nftables|userspace)\/[^/]+\/[^/]+$/;

/** Those of the paths below a scenario's folder that are dumps and are not among the expected ones. */
export function surplusDumps(paths: Iterable<string>, expected: Dumps): string[] {
  return [...paths].filter((path) => OWN.test(path) && !expected.has(path)).sort();
}
