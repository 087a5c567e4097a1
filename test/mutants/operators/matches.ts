import { maskAddress } from "../../../src/net/prefix.ts";
import { addressTypes } from "../../../src/rules/iptables/matches/addrtype.ts";
import { conntrackStates } from "../../../src/rules/iptables/matches/conntrack.ts";
import type { RecentMatch } from "../../../src/rules/iptables/matches/recent.ts";
import type { SetMatch } from "../../../src/rules/iptables/matches/set.ts";
import type { StatisticMatch } from "../../../src/rules/iptables/matches/statistic.ts";
import type { Match, Rule } from "../../../src/rules/iptables/model.ts";
import type { Table } from "../../../src/rules/iptables/ruleset.ts";
import { eachMatch } from "./conditions.ts";
import type { Operator } from "./fault.ts";
import { ruleOperator } from "./rule-sites.ts";
import { otherNetworks, otherProtocol } from "./values.ts";

type Kind = Match["kind"];

/** Every match of a kind in a rule, changed in all the ways that are given. */
const ofKind = <K extends Kind>(
  rule: Rule,
  kind: K,
  change: (match: Extract<Match, { readonly kind: K }>) => readonly Match[],
): readonly Rule[] =>
  eachMatch(rule, (match) => (match.kind === kind ? change(match as Extract<Match, { readonly kind: K }>) : []));

const STATES = ["INVALID", "NEW", "RELATED", "ESTABLISHED", "DNAT"] as const;
const WHOLE = 0x80000000;

/** Half as likely, and a hundredth more. */
function otherChances(match: StatisticMatch): readonly Match[] {
  if (match.mode !== "random") return [];
  const { threshold } = match;
  return [threshold >> 1, Math.min(WHOLE - 1, threshold + Math.floor(threshold / 100))].map((value) => ({
    ...match,
    threshold: value,
  }));
}

/** Lists of recent that a table's rules name. */
function listsOf({ chains }: Table): readonly string[] {
  const names = [...chains.values()].flatMap(({ rules }) =>
    rules.flatMap(({ matches }) => matches.flatMap((match) => (match.kind === "recent" ? match.name : []))),
  );
  return [...new Set(names)];
}

const following = <T>(list: readonly T[], value: T): T => list[(list.indexOf(value) + 1) % list.length] as T;

function otherRecents(match: RecentMatch, table: Table): readonly Match[] {
  const other = following(listsOf(table), match.name);
  const length = match.mask.family === "IPv4" ? 24 : 112;
  const common: readonly RecentMatch[] = [
    { ...match, name: other === match.name ? `${match.name}-` : other },
    { ...match, side: "destination" },
    { ...match, mask: maskAddress(match.mask, length) },
  ];
  if (match.operation === "set") return [...common, { ...match, operation: "update" }];
  return [
    ...common,
    { ...match, operation: match.operation === "rcheck" ? "update" : "rcheck" },
    { ...match, seconds: match.seconds >> 1 },
    { ...match, seconds: match.seconds * 2 },
    { ...match, seconds: 0, reap: false },
    { ...match, reap: !match.reap },
  ];
}

const turn = (direction: "src" | "dst"): "src" | "dst" => (direction === "src" ? "dst" : "src");

/** The next set with elements of the same shape. */
function otherSets(match: SetMatch, sets: readonly { readonly name: string; readonly type: string }[]) {
  const own = sets.find(({ name }) => name === match.set.value);
  const alike = sets.filter(
    ({ type, name }) => type === own?.type && name.startsWith("KUBE-6-") === own.name.startsWith("KUBE-6-"),
  );
  if (own === undefined || alike.length < 2) return [];
  return [{ ...match, set: { ...match.set, value: following(alike, own).name } }];
}

/** Faults of the values that a match compares with. */
export const matchOperators: readonly Operator[] = [
  ruleOperator("another mark asked for", ({ rule }) =>
    ofKind(rule, "mark", (match) => {
      const { value, mask } = match.mark.value;
      const other = { value: (value << 1) >>> 0, mask: (mask << 1) >>> 0 };
      return [
        { ...match, mark: { ...match.mark, value: other } },
        { ...match, mark: { ...match.mark, value: { value, mask: 0xffffffff } } },
      ];
    }),
  ),
  ruleOperator("other states of connections", ({ rule }) =>
    ofKind(rule, "conntrack", (match) => {
      const { states } = match;
      if (states === undefined) return [];
      const own = STATES.filter((name) => (states.value & conntrackStates[name]) !== 0);
      const fewer = own.map((name) => states.value & ~conntrackStates[name]).filter((value) => value !== 0);
      const others = [
        ...fewer,
        states.value === conntrackStates.NEW ? conntrackStates.ESTABLISHED : conntrackStates.NEW,
      ];
      return others.map((value) => ({ ...match, states: { ...states, value } }));
    }),
  ),
  ruleOperator("another type of address", ({ rule }) =>
    ofKind(rule, "addrtype", (match) => {
      if (match.destination === undefined) return [];
      return [{ ...match, destination: { ...match.destination, value: addressTypes.UNICAST } }];
    }),
  ),
  ruleOperator("another probability", ({ rule }) => ofKind(rule, "statistic", otherChances)),
  ruleOperator("another memory of clients", ({ rule, table }) =>
    ofKind(rule, "recent", (match) => otherRecents(match, table)),
  ),
  ruleOperator("another set asked", ({ rule, sets }) => ofKind(rule, "set", (match) => otherSets(match, sets))),
  ruleOperator("the other side asked of a set", ({ rule }) =>
    ofKind(rule, "set", (match) =>
      match.directions.map((direction, at) => ({ ...match, directions: match.directions.with(at, turn(direction)) })),
    ),
  ),
  ruleOperator("another virtual server asked for", ({ rule }) =>
    ofKind(rule, "ipvs", (match) => {
      const { protocol, address, port } = match;
      return [
        ...(protocol ? [{ ...match, protocol: { ...protocol, value: otherProtocol(protocol.value) } }] : []),
        ...(port ? [{ ...match, port: { ...port, value: port.value + 1 } }] : []),
        ...(address
          ? otherNetworks(address.value)
              .slice(0, 1)
              .map((value) => ({ ...match, address: { ...address, value } }))
          : []),
      ];
    }),
  ),
];
