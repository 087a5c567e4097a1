import { tracksPorts } from "../kernel/conntrack/tuple.ts";
import type { ConntrackMatch } from "../rules/iptables/matches/conntrack.ts";
import type { Negatable } from "../rules/iptables/module.ts";
import type { MaskedAddress, PortRange } from "../rules/iptables/values.ts";
import type { Field } from "./field.ts";
import { fieldTest, maskedNumbers, portNumbers } from "./numbers.ts";
import { type Condition, constant, constantMatch, type Sent, type Sight } from "./sight.ts";

const kind = "conntrack";

/**
 * `-m conntrack` of a new connection, whose original tuple is the packet as it entered the host, and whose reply tuple is the
 * packet as it is now, turned round. Of a packet that belongs to a known connection nothing may vary anyway.
 */
export function conntrackConditions(sight: Sight, match: ConntrackMatch): readonly Condition[] {
  const { entry, direction, protocol } = sight.skb;
  const { states, statuses, expires, direction: wanted, protocol: tested } = match;
  if (entry === undefined || direction === 1) return [constantMatch(sight, match)];
  const conditions: Condition[] = [];
  if (states !== undefined) conditions.push(constantMatch(sight, { kind, states }));
  if (wanted !== undefined) conditions.push(constantMatch(sight, { kind, direction: wanted }));
  if (tested !== undefined) conditions.push(constantMatch(sight, { kind, protocol: tested }));
  const { entered, sent } = sight;
  for (const [field, given, since, alone] of [
    ["src", match.originalSource, entered, (value) => ({ kind, originalSource: value })],
    ["dst", match.originalDestination, entered, (value) => ({ kind, originalDestination: value })],
    ["dst", match.replySource, sent, (value) => ({ kind, replySource: value })],
    ["src", match.replyDestination, sent, (value) => ({ kind, replyDestination: value })],
  ] satisfies AddressTests)
    if (given !== undefined) conditions.push(addressCondition(sight, field, given, since, alone(given)));
  const ports = tracksPorts(protocol);
  for (const [field, given, since, alone] of [
    ["sport", match.originalSourcePort, entered, (value) => ({ kind, originalSourcePort: value })],
    ["dport", match.originalDestinationPort, entered, (value) => ({ kind, originalDestinationPort: value })],
    ["dport", match.replySourcePort, sent, (value) => ({ kind, replySourcePort: value })],
    ["sport", match.replyDestinationPort, sent, (value) => ({ kind, replyDestinationPort: value })],
  ] satisfies PortTests) {
    if (given === undefined) continue;
    if (ports && since[field]) conditions.push(fieldTest(sight, field, portNumbers(given.value), given.negated));
    // the second port of an ICMP tuple is its type and code
    else if (!ports && field === "dport" && sight.universe.icmpType[0]?.to !== sight.universe.icmpType[0]?.from)
      conditions.push({ kind: "coupled", fields: ["icmpType"], why: "the ports of -m conntrack for ICMP" });
    else conditions.push(constantMatch(sight, alone(given)));
  }
  if (statuses !== undefined) conditions.push(constantMatch(sight, { kind, statuses }));
  if (expires !== undefined) conditions.push(constantMatch(sight, { kind, expires }));
  return conditions.length === 0 ? [constant(true)] : conditions;
}

type Tests<F extends Field, T> = readonly (readonly [
  field: F,
  given: Negatable<T> | undefined,
  since: Sent,
  alone: (value: Negatable<T>) => ConntrackMatch,
])[];
type AddressTests = Tests<"src" | "dst", MaskedAddress>;
type PortTests = Tests<"sport" | "dport", PortRange>;

function addressCondition(
  sight: Sight,
  field: "src" | "dst",
  wanted: Negatable<MaskedAddress>,
  since: Sent,
  alone: ConntrackMatch,
): Condition {
  if (!since[field]) return constantMatch(sight, alone);
  const set = maskedNumbers(wanted.value, sight.skb.family);
  if (set === undefined) return { kind: "coupled", fields: [field], why: "a mask of scattered bits" };
  return fieldTest(sight, field, set, wanted.negated);
}
