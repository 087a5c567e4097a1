import type { IPFamily } from "../net/family.ts";
import type { Backend, Ruleset, Table } from "../rules/iptables/ruleset.ts";
import type { Report } from "../text/diagnostic.ts";
import type { RulesDump } from "./rules.ts";

/** The rules of a node, of all runs of iptables-save together. */
export interface JoinedRules {
  readonly rules: Readonly<Record<IPFamily, Ruleset>>;
  /** That of the node: nft where both are in use. */
  readonly backend: Backend | undefined;
}

const isEmpty = ({ chains }: Table): boolean =>
  [...chains.values()].every(({ rules, policy = "ACCEPT" }) => rules.length === 0 && policy === "ACCEPT");

/** The tables of a family: a later run of one back end brings further ones, or the newer state. */
function tablesOf(
  runs: readonly RulesDump[],
  family: IPFamily,
  backends: readonly (Backend | undefined)[],
): readonly Table[] {
  const tables = new Map<string, Table>();
  for (const run of runs)
    if (run.family === family && backends.includes(run.backend))
      for (const [name, table] of run.ruleset.tables) tables.set(name, table);
  return [...tables.values()];
}

/**
 * Puts together what runs of iptables-save show of one node. Rules of both back ends are kept apart, as the kernel keeps them:
 * a packet goes through both. A text that does not tell its back end belongs to the one that the others tell.
 */
export function joinRuns(runs: readonly RulesDump[], report: Report): JoinedRules {
  const backends = new Set(
    runs.flatMap(({ backend, ruleset }) => ([...ruleset.tables.values()].every(isEmpty) ? [] : (backend ?? []))),
  );
  const both = backends.size === 2;
  const backend = both ? "nft" : (runs.find((run) => run.backend !== undefined)?.backend ?? undefined);
  const rulesOf = (family: IPFamily): Ruleset => {
    if (!both)
      return {
        tables: new Map(tablesOf(runs, family, ["nft", "legacy", undefined]).map((table) => [table.name, table])),
      };
    const own = tablesOf(runs, family, ["nft", undefined]);
    const legacy = tablesOf(runs, family, ["legacy"]).map((table) => ({ ...table, name: `legacy:${table.name}` }));
    return { tables: new Map([...own, ...legacy].map((table) => [table.name, table])) };
  };
  if (both) {
    const message =
      "there are rules of both back ends of iptables (nft and legacy): packets go through both, and no dump tells which come first; tables of the legacy one are named legacy:filter and so on";
    report({ severity: "warning", code: "both-backends", message });
  }
  return { rules: { IPv4: rulesOf("IPv4"), IPv6: rulesOf("IPv6") }, backend };
}
