import type { IPAddress } from "../net/ip.ts";
import type { Match } from "../rules/iptables/model.ts";
import type { LintRule } from "./dump.ts";

/** Matches whose answer for a packet depends on the packet, on its connection and its way only, not on chance or on time. */
const steady: ReadonlySet<Match["kind"]> = new Set([
  "addrtype",
  "comment",
  "connmark",
  "conntrack",
  "icmp",
  "icmp6",
  "iprange",
  "ipvs",
  "mark",
  "multiport",
  "nfacct",
  "physdev",
  "sctp",
  "set",
  "state",
  "tcp",
  "udp",
]);

/** Matches that are always true. */
function isNeutral({ kind }: Match): boolean {
  return kind === "comment" || kind === "nfacct";
}

/** True when no packet passes the rule by. */
export function isUnconditional(rule: LintRule): boolean {
  return (
    rule.source === undefined &&
    rule.destination === undefined &&
    rule.inInterface === undefined &&
    rule.outInterface === undefined &&
    rule.protocol === undefined &&
    rule.fragment === undefined &&
    rule.matches.every(isNeutral)
  );
}

/**
 * A text that two rules share when they match the same packets; `undefined` when that cannot be said, as of random
 * choices or of matches that are not modelled. Comments do not count.
 */
export function conditionKey(rule: LintRule): string | undefined {
  for (const { kind } of rule.matches) if (!steady.has(kind)) return undefined;
  const { source, destination, inInterface, outInterface, protocol, fragment } = rule;
  const matches = rule.matches.filter((match) => !isNeutral(match));
  return JSON.stringify([source, destination, inInterface, outInterface, protocol, fragment, matches]);
}

/** A number that rules of equal conditions share, and others seldom: cheap enough for every rule. */
export function conditionHash(rule: LintRule): number {
  const { source, destination, protocol, matches } = rule;
  let hash =
    (protocol?.value ?? 0) + 256 * addressHash(source?.value.address) + addressHash(destination?.value.address);
  for (const match of matches) {
    if (isNeutral(match)) continue;
    hash = hash * 31 + 1;
    if (match.kind === "tcp" || match.kind === "udp" || match.kind === "sctp")
      hash += match.destination?.value.from ?? 0;
  }
  return hash | 0;
}

function addressHash(address: IPAddress | undefined): number {
  if (address === undefined) return 0;
  return address.family === "IPv4" ? address.value : address.words[2] ^ address.words[3];
}

/** True when the condition looks at a mark, which rules between may change. */
export function looksAtMark(rule: LintRule): boolean {
  return rule.matches.some(({ kind }) => kind === "mark" || kind === "connmark" || kind === "set");
}

/** Targets after which a packet does not come to the next rule of the chain, RETURN among them. */
const ending: ReadonlySet<string> = new Set([
  "ACCEPT",
  "DROP",
  "REJECT",
  "RETURN",
  "DNAT",
  "SNAT",
  "MASQUERADE",
  "REDIRECT",
  "NETMAP",
  "goto",
]);

/** True when a packet that matches the rule does not come to the next one. */
export function isEnding(rule: LintRule): boolean {
  return rule.target !== undefined && ending.has(rule.target.kind);
}

const harmless: ReadonlySet<string> = new Set(["LOG", "NFLOG", "TRACE", "TCPMSS", ...ending]);

/** True when a packet that comes to the next rule may be another than before. */
export function mayChange(rule: LintRule): boolean {
  return rule.target !== undefined && !harmless.has(rule.target.kind);
}
