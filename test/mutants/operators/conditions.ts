import type { Match, Rule } from "../../../src/rules/iptables/model.ts";
import type { Negatable } from "../../../src/rules/iptables/module.ts";
import type { Operator } from "./fault.ts";
import { ruleOperator } from "./rule-sites.ts";
import { otherNetworks, otherProtocol } from "./values.ts";

const BASIC = ["source", "destination", "inInterface", "outInterface", "protocol"] as const;

/** Matches that ask nothing. */
const isIdle = (match: Match): boolean =>
  match.kind === "comment" || ((match.kind === "tcp" || match.kind === "udp") && Object.keys(match).length === 1);

const withMatch = (rule: Rule, at: number, match: Match): Rule => ({ ...rule, matches: rule.matches.with(at, match) });

/** A rule with each of its matches changed in every way that is given. */
export function eachMatch(rule: Rule, change: (match: Match) => readonly Match[]): readonly Rule[] {
  return rule.matches.flatMap((match, at) => change(match).map((other) => withMatch(rule, at, other)));
}

const isNegatable = (value: unknown): value is Negatable<unknown> =>
  typeof value === "object" && value !== null && "negated" in value && "value" in value;

/** A match with each of its conditions the other way round. */
function turnedRound(match: Match): readonly Match[] {
  if (match.kind === "statistic" || match.kind === "recent") return [{ ...match, negated: !match.negated }];
  return Object.entries(match).flatMap(([key, value]) =>
    isNegatable(value) ? [{ ...match, [key]: { ...value, negated: !value.negated } } as Match] : [],
  );
}

function withoutBasic(rule: Rule, key: (typeof BASIC)[number]): Rule {
  const { [key]: _, ...rest } = rule;
  // ports are of a protocol: without it they cannot be asked for
  if (key !== "protocol") return rest;
  return { ...rest, matches: rest.matches.filter(({ kind }) => kind !== "tcp" && kind !== "udp" && kind !== "sctp") };
}

/** The rule for another protocol, with the match of that one for its ports. */
function forProtocol(rule: Rule): readonly Rule[] {
  const { protocol } = rule;
  if (protocol === undefined || otherProtocol(protocol.value) === protocol.value) return [];
  const value = otherProtocol(protocol.value);
  const kinds = { 6: "tcp", 17: "udp", 132: "sctp" } as const;
  const kind = kinds[value as keyof typeof kinds];
  const matches = rule.matches.map((match): Match => {
    if (match.kind !== "tcp" && match.kind !== "udp" && match.kind !== "sctp") return match;
    const { source, destination } = match;
    return { kind, ...(source && { source }), ...(destination && { destination }) };
  });
  return [{ ...rule, protocol: { ...protocol, value }, matches }];
}

/** Faults of what a rule asks for. */
export const conditionOperators: readonly Operator[] = [
  ruleOperator("drop a condition", ({ rule }) => [
    ...BASIC.filter((key) => rule[key] !== undefined).map((key) => withoutBasic(rule, key)),
    ...rule.matches.flatMap((match, at) =>
      isIdle(match) ? [] : [{ ...rule, matches: rule.matches.toSpliced(at, 1) }],
    ),
  ]),
  ruleOperator("negate a condition", ({ rule }) => [
    ...BASIC.flatMap((key) => {
      const asked = rule[key];
      if (asked === undefined) return [];
      const other = { ...rule, [key]: { ...asked, negated: !asked.negated } };
      // ports are of a protocol that is asked for
      return [key === "protocol" ? { ...other, matches: withoutBasic(rule, key).matches } : other];
    }),
    ...eachMatch(rule, turnedRound),
  ]),
  ruleOperator("another network", ({ rule }) =>
    (["source", "destination"] as const).flatMap((key) => {
      const asked = rule[key];
      return asked === undefined
        ? []
        : otherNetworks(asked.value).map((value) => ({ ...rule, [key]: { ...asked, value } }));
    }),
  ),
  ruleOperator("another port", ({ rule }) =>
    eachMatch(rule, (match) => {
      if ((match.kind !== "tcp" && match.kind !== "udp" && match.kind !== "sctp") || match.destination === undefined)
        return [];
      const { from, to } = match.destination.value;
      return [{ ...match, destination: { ...match.destination, value: { from: from + 1, to: to + 1 } } }];
    }),
  ),
  ruleOperator("another protocol", ({ rule }) => forProtocol(rule)),
];
