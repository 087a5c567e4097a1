import type { Match, Rule } from "../../rules/iptables/model.ts";
import type { Address } from "../packet.ts";

/** Matches that ask nothing, count nothing and change nothing: a rule may be skipped although they stand before the port. */
const PURE: ReadonlySet<Match["kind"]> = new Set<Match["kind"]>([
  "comment",
  "mark",
  "connmark",
  "conntrack",
  "state",
  "addrtype",
  "tcp",
  "udp",
  "sctp",
]);

/** `--ctexpire` and `--ctrepldstport` may ask what nobody knows; whoever skips them does not ask. */
function isPure(match: Match): boolean {
  if (match.kind === "conntrack") return match.expires === undefined && match.replyDestinationPort === undefined;
  return PURE.has(match.kind);
}

/** The one address that a rule's destination allows. */
export function exactDestination(rule: Rule): Address | undefined {
  const { destination } = rule;
  if (destination === undefined || destination.negated) return undefined;
  const { address, mask } = destination.value;
  if (address.family === "IPv4") return mask.family === "IPv4" && mask.value === 0xffffffff ? address.value : undefined;
  return mask.family === "IPv6" && mask.words.every((word) => word === 0xffffffff) ? address.words : undefined;
}

/** Protocol × 65536 + the one destination port that a rule allows, when nothing before that condition has an effect. */
export function exactPort(rule: Rule): number | undefined {
  const { protocol } = rule;
  if (protocol === undefined || protocol.negated) return undefined;
  for (const match of rule.matches) {
    if (match.kind === "tcp" || match.kind === "udp" || match.kind === "sctp") {
      const port = match.destination;
      if (port !== undefined && !port.negated && port.value.from === port.value.to)
        return protocol.value * 65536 + port.value.from;
    }
    if (!isPure(match)) return undefined;
  }
  return undefined;
}
