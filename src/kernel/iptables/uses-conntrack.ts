import type { Match, Rule, Target } from "../../rules/iptables/model.ts";
import type { Ruleset } from "../../rules/iptables/ruleset.ts";

const MATCHES: ReadonlySet<Match["kind"]> = new Set<Match["kind"]>([
  "conntrack",
  "state",
  "connmark",
  "connlimit",
  "connbytes",
]);
const TARGETS: ReadonlySet<Target["kind"]> = new Set<Target["kind"]>([
  "DNAT",
  "SNAT",
  "MASQUERADE",
  "REDIRECT",
  "NETMAP",
  "CONNMARK",
]);
/** Modules that are not modelled and register conntrack as well (their `checkentry` calls `nf_ct_netns_get`). */
const UNKNOWN: ReadonlySet<string> = new Set(["helper", "cluster", "connlabel", "CONNSECMARK", "SYNPROXY", "HMARK"]);

function needs(rule: Rule): boolean {
  const { matches, target } = rule;
  for (const match of matches)
    if (MATCHES.has(match.kind) || (match.kind === "unknown" && UNKNOWN.has(match.module))) return true;
  if (target === undefined) return false;
  if (target.kind === "CT") return !target.notrack;
  return TARGETS.has(target.kind) || (target.kind === "unknown" && UNKNOWN.has(target.module));
}

/**
 * Does any rule, reached or not, make the kernel track connections of this family (kernel-semantics §1.4)? Without one
 * there are no entries, and the nat table is not walked.
 */
export function usesConntrack(ruleset: Ruleset): boolean {
  for (const table of ruleset.tables.values())
    for (const chain of table.chains.values()) if (chain.rules.some(needs)) return true;
  return false;
}
