import { portKey } from "../kernel/nat/range.ts";
import type { Skb } from "../kernel/skb.ts";
import { containsValue, differenceOf, type IntervalSet, interval, unionOf } from "../net/intervals.ts";
import type { Target } from "../rules/iptables/model.ts";
import type { NATRange } from "../rules/iptables/targets/nat.ts";
import type { PortRange } from "../rules/iptables/values.ts";
import type { Field } from "./field.ts";
import { portNumbers } from "./numbers.ts";
import { type Draft, fixFields, requireField } from "./region.ts";
import { numberOf } from "./rule-number.ts";
import type { Sent, Sight } from "./sight.ts";

type Side = { readonly address: "src" | "dst"; readonly port: "sport" | "dport" };
const SOURCE: Side = { address: "src", port: "sport" };
const DESTINATION: Side = { address: "dst", port: "dport" };

/** What a NAT target does to one end of a packet. */
interface Change {
  readonly side: Side;
  readonly range: NATRange;
  readonly random: boolean;
  /** The address is chosen by the host, one and the same for all. */
  readonly chosen: boolean;
}

function changeOf(target: Target): Change | undefined {
  const ports = (range: PortRange | undefined): NATRange => (range === undefined ? {} : { ports: range });
  switch (target.kind) {
    case "DNAT":
      return { side: DESTINATION, range: target.range, random: target.random, chosen: false };
    case "SNAT":
      return { side: SOURCE, range: target.range, random: target.random || target.randomFully, chosen: false };
    case "MASQUERADE":
      return { side: SOURCE, range: ports(target.ports), random: target.random || target.randomFully, chosen: true };
    case "REDIRECT":
      return { side: DESTINATION, range: ports(target.ports), random: target.random, chosen: true };
    default:
      return undefined;
  }
}

/** The classes of source ports that the kernel looks for another one in (`nf_nat_l4proto_unique_tuple`). */
const PORT_CLASSES: readonly IntervalSet[] = [interval(0n, 511n), interval(512n, 1023n), interval(1024n, 65535n)];

/**
 * A rule with a NAT target has matched: leaves only packets that it translates to the same, and says which fields are as sent behind
 * it.
 */
export function constrainByNAT(draft: Draft, sight: Sight, target: Target): Sent {
  const { sent, skb, walk } = sight;
  const reason = (why: string): void => {
    draft.reasons.add(`rule ${numberOf(walk)} of ${walk.chain} in ${walk.table}: ${why}`);
  };
  if (target.kind === "NETMAP") {
    const field = walk.hook === "PREROUTING" || walk.hook === "OUTPUT" ? "dst" : "src";
    if (sent[field]) {
      fixFields(draft, [field]);
      reason("NETMAP keeps some bits of the address");
    }
    return { ...sent, [field]: false };
  }
  const change = changeOf(target);
  if (change === undefined || (target.kind === "MASQUERADE" && skb.src === 0)) return sent;
  const { side, range } = change;
  const { addresses } = range;
  if (side === SOURCE && !change.random) draft.mapsSources = true;
  const written = change.chosen || addresses !== undefined;
  if (addresses !== undefined && JSON.stringify(addresses.from) !== JSON.stringify(addresses.to)) {
    fixFields(
      draft,
      (["src", "dst"] as const).filter((field) => sent[field]),
    );
    reason("it chooses one of several addresses by both ends of the connection");
  }
  return {
    ...sent,
    [side.address]: sent[side.address] && !written,
    [side.port]: sent[side.port] && keepsPort(draft, skb, change, walk.state.entries.size > 0, reason),
  };
}

/** Does a port stay as it was sent? Leaves only packets for which it does as it does for this one. */
function keepsPort(
  draft: Draft,
  skb: Skb,
  { side, range, random }: Change,
  knowsConnections: boolean,
  reason: (why: string) => void,
): boolean {
  const { ports, basePort } = range;
  const { port } = side;
  const key = portKey({ ...skb, sport: 0, dport: 0 }, side === SOURCE ? "source" : "destination");
  if (key === undefined || key !== port || isSingle(draft, port)) return true;
  if (basePort !== undefined) {
    fixFields(draft, [port]);
    reason("it maps a range of ports to another");
    return false;
  }
  if (random) {
    if (ports === undefined && side === DESTINATION) return true;
    const own = ports === undefined && PORT_CLASSES.find((each) => containsValue(each, draft.point[port]));
    if (own !== undefined && own !== false) requireField(draft, port, own);
    return false;
  }
  if (ports === undefined) return true;
  if (ports.from === ports.to) return false;
  if (knowsConnections) reason("known connections may hold some of its ports");
  const inside = portNumbers(ports);
  const kept = containsValue(inside, draft.point[port]);
  const first = side === DESTINATION ? interval(BigInt(ports.from)) : [];
  if (kept && containsValue(first, draft.point[port])) reason("the port is the one that others are given");
  const outside = unionOf(differenceOf(draft.universe[port], inside), first);
  requireField(draft, port, kept ? inside : outside);
  return kept;
}

const isSingle = (draft: Draft, field: Field): boolean =>
  draft.universe[field][0]?.from === draft.universe[field][0]?.to;
