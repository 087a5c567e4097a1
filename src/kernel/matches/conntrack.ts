import { type ConntrackMatch, conntrackStates, conntrackStatuses } from "../../rules/iptables/matches/conntrack.ts";
import type { StateMatch } from "../../rules/iptables/matches/state.ts";
import type { Negatable } from "../../rules/iptables/module.ts";
import type { MaskedAddress, PortRange } from "../../rules/iptables/values.ts";
import type { PortChoice } from "../chooser.ts";
import type { ConntrackEntry } from "../entry.ts";
import type { Address } from "../packet.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";
import { addressMatches } from "./address.ts";
import { askUnknown } from "./not-modelled.ts";
import { portIsIn } from "./ports.ts";

/** The state of a packet as a bit: without an entry it is UNTRACKED or INVALID, also before conntrack has looked. */
function stateBit(skb: Skb): number {
  if (skb.entry === undefined) return skb.state === "untracked" ? conntrackStates.UNTRACKED : conntrackStates.INVALID;
  switch (skb.state) {
    case "new":
      return conntrackStates.NEW;
    case "related":
      return conntrackStates.RELATED;
    default:
      return conntrackStates.ESTABLISHED;
  }
}

/** SNAT and DNAT as soon as the entry has been changed so (IPS_SRC_NAT, IPS_DST_NAT). */
function virtualBits(entry: ConntrackEntry | undefined): number {
  if (entry === undefined) return 0;
  return (entry.sourceChanged ? conntrackStates.SNAT : 0) | (entry.destinationChanged ? conntrackStates.DNAT : 0);
}

/** `-m state`: `state_mt`. */
export function stateMatches(_walk: Walk, skb: Skb, { states }: StateMatch): boolean {
  return ((states.value & stateBit(skb)) !== 0) !== states.negated;
}

/**
 * `-m conntrack`: `conntrack_mt`. Without an entry only `--ctstate` is looked at: it then decides alone, whatever else the
 * match asks for; a match that does not ask for the state fails.
 */
export function conntrackMatches(walk: Walk, skb: Skb, match: ConntrackMatch): boolean {
  const { states } = match;
  const { entry } = skb;
  if (states !== undefined) {
    const bits = stateBit(skb) | virtualBits(entry);
    if (((states.value & bits) !== 0) === states.negated) return false;
  }
  if (entry === undefined) return states !== undefined;
  if (match.direction !== undefined && (skb.direction === 0) !== (match.direction === "ORIGINAL")) return false;
  return (
    addressesMatch(entry, match) &&
    portsMatch(walk, skb, entry, match) &&
    statusMatches(entry, match.statuses) &&
    (match.expires === undefined || expiryMatches(walk, skb, entry, match.expires))
  );
}

function addressesMatch({ original, reply }: ConntrackEntry, match: ConntrackMatch): boolean {
  return (
    addressTest(original.src, match.originalSource) &&
    addressTest(original.dst, match.originalDestination) &&
    addressTest(reply.src, match.replySource) &&
    addressTest(reply.dst, match.replyDestination)
  );
}

function addressTest(address: Address, wanted: Negatable<MaskedAddress> | undefined): boolean {
  return wanted === undefined || addressMatches(address, wanted.value) !== wanted.negated;
}

/** `ct_proto_port_check_v3`: the tuples' 16-bit keys whatever the protocol; for ICMP these are identifier, and type and code. */
function portsMatch(walk: Walk, skb: Skb, entry: ConntrackEntry, match: ConntrackMatch): boolean {
  const { original, reply, chosenPort } = entry;
  const { protocol } = match;
  if (protocol !== undefined && (original.protocol === protocol.value) === protocol.negated) return false;
  const test = (port: number, choice: PortChoice | undefined, wanted: Negatable<PortRange> | undefined): boolean =>
    wanted === undefined || portIsIn(walk, skb, port, choice, [wanted.value]) !== wanted.negated;
  return (
    test(original.sport, undefined, match.originalSourcePort) &&
    test(original.dport, undefined, match.originalDestinationPort) &&
    test(reply.sport, undefined, match.replySourcePort) &&
    test(reply.dport, chosenPort, match.replyDestinationPort)
  );
}

/** At least one of the named bits is set; so `NONE`, the empty set, never holds and `! NONE` always does. */
function statusMatches(entry: ConntrackEntry, statuses: Negatable<number> | undefined): boolean {
  if (statuses === undefined) return true;
  const bits =
    (entry.seenReply ? conntrackStatuses.SEEN_REPLY : 0) |
    (entry.assured ? conntrackStatuses.ASSURED : 0) |
    (entry.confirmed ? conntrackStatuses.CONFIRMED : 0);
  return ((statuses.value & bits) !== 0) !== statuses.negated;
}

/**
 * Whole seconds until the entry expires. Before confirmation the kernel has a time span where it reads a moment, so that what
 * it sees depends on how long the machine has been running.
 */
function expiryMatches(
  walk: Walk,
  skb: Skb,
  entry: ConntrackEntry,
  { value, negated }: NonNullable<ConntrackMatch["expires"]>,
): boolean {
  if (!entry.confirmed) {
    return askUnknown(walk, skb, "--ctexpire holds for a connection that is not confirmed") !== negated;
  }
  const seconds = Math.max(0, Math.floor((entry.expires - walk.state.now) / 1000));
  return (seconds >= value.from && seconds <= value.to) !== negated;
}
