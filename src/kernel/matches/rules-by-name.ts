import type { IPFamily } from "../../net/family.ts";
import type { HashlimitMatch } from "../../rules/iptables/matches/hashlimit.ts";
import type { RecentMatch } from "../../rules/iptables/matches/recent.ts";
import type { Ruleset } from "../../rules/iptables/ruleset.ts";

type Rules = Readonly<Record<IPFamily, Ruleset>>;
type Named = RecentMatch | HashlimitMatch;

/** The matches of a host's rules that share what they keep by a name. */
export interface MatchesByName {
  /** Lists of `recent` belong to both families. */
  readonly recent: ReadonlyMap<string, readonly RecentMatch[]>;
  /** Tables of `hashlimit` belong to one. */
  readonly hashlimit: Readonly<Record<IPFamily, ReadonlyMap<string, readonly HashlimitMatch[]>>>;
}

const known = new WeakMap<Rules, MatchesByName>();

/** Looks through a host's rules once. */
export function matchesByName(rules: Rules): MatchesByName {
  let found = known.get(rules);
  if (found === undefined) {
    found = collect(rules);
    known.set(rules, found);
  }
  return found;
}

function collect(rules: Rules): MatchesByName {
  const recent = new Map<string, RecentMatch[]>();
  const hashlimit = { IPv4: new Map<string, HashlimitMatch[]>(), IPv6: new Map<string, HashlimitMatch[]>() };
  for (const family of ["IPv4", "IPv6"] as const) {
    for (const match of namedMatches(rules[family])) {
      if (match.kind === "recent") add(recent, match);
      else add(hashlimit[family], match);
    }
  }
  return { recent, hashlimit };
}

function add<M extends Named>(map: Map<string, M[]>, match: M): void {
  const list = map.get(match.name);
  if (list === undefined) map.set(match.name, [match]);
  else list.push(match);
}

function* namedMatches({ tables }: Ruleset): Generator<Named> {
  for (const table of tables.values()) {
    for (const chain of table.chains.values()) {
      for (const rule of chain.rules) {
        for (const match of rule.matches) if (match.kind === "recent" || match.kind === "hashlimit") yield match;
      }
    }
  }
}
