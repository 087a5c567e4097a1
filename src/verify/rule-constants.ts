import type { Host } from "../kernel/host.ts";
import type { IPFamily } from "../net/family.ts";
import type { Match, Rule, Target } from "../rules/iptables/model.ts";
import type { MaskedAddress, PortRange } from "../rules/iptables/values.ts";
import { maskedNumbers } from "./numbers.ts";

/** Where the numbers of rules begin and end: between two of these no rule of the host tells values apart. */
export interface RuleConstants {
  readonly ports: ReadonlySet<bigint>;
  readonly addresses: ReadonlySet<bigint>;
  /** Marks that rules ask for. */
  readonly marks: ReadonlySet<number>;
}

const made = new WeakMap<Host, Map<IPFamily, RuleConstants>>();

interface Collected {
  readonly ports: Set<bigint>;
  readonly addresses: Set<bigint>;
  readonly marks: Set<number>;
}

function addPorts(into: Collected, ...ranges: readonly (PortRange | undefined)[]): void {
  for (const range of ranges) {
    if (range === undefined) continue;
    into.ports.add(BigInt(range.from));
    into.ports.add(BigInt(range.to) + 1n);
  }
}

function addAddresses(into: Collected, family: IPFamily, ...given: readonly (MaskedAddress | undefined)[]): void {
  for (const each of given) {
    for (const { from, to } of (each === undefined ? undefined : maskedNumbers(each, family)) ?? []) {
      into.addresses.add(from);
      into.addresses.add(to + 1n);
    }
  }
}

function addMatch(into: Collected, family: IPFamily, match: Match): void {
  switch (match.kind) {
    case "tcp":
    case "udp":
    case "sctp":
      addPorts(into, match.source?.value, match.destination?.value);
      break;
    case "multiport":
      addPorts(into, ...match.ports);
      break;
    case "mark":
      into.marks.add(match.mark.value.value);
      break;
    case "conntrack":
      addPorts(into, match.originalSourcePort?.value, match.originalDestinationPort?.value);
      addPorts(into, match.replySourcePort?.value, match.replyDestinationPort?.value);
      addAddresses(into, family, match.originalSource?.value, match.originalDestination?.value);
      addAddresses(into, family, match.replySource?.value, match.replyDestination?.value);
      break;
  }
}

function addTarget(into: Collected, target: Target | undefined): void {
  if (target?.kind === "DNAT" || target?.kind === "SNAT") addPorts(into, target.range.ports);
  else if (target?.kind === "MASQUERADE" || target?.kind === "REDIRECT") addPorts(into, target.ports);
}

function addRule(into: Collected, family: IPFamily, { source, destination, matches, target }: Rule): void {
  addAddresses(into, family, source?.value, destination?.value);
  for (const match of matches) addMatch(into, family, match);
  addTarget(into, target);
}

/** The constants of a host's rules, collected once. Those of sets are not among them. */
export function ruleConstants(host: Host, family: IPFamily): RuleConstants {
  const known = made.get(host) ?? new Map<IPFamily, RuleConstants>();
  made.set(host, known);
  const before = known.get(family);
  if (before !== undefined) return before;
  const into: Collected = { ports: new Set(), addresses: new Set(), marks: new Set() };
  for (const { chains } of host.rules[family].tables.values())
    for (const { rules } of chains.values()) for (const rule of rules) addRule(into, family, rule);
  known.set(family, into);
  return into;
}
