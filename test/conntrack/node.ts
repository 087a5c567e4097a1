import { confirm, track } from "../../src/kernel/conntrack/track.ts";
import type { ConntrackEntry } from "../../src/kernel/entry.ts";
import type { Event, Hook } from "../../src/kernel/event.ts";
import type { Sysctls } from "../../src/kernel/host.ts";
import { makeHost } from "../../src/kernel/make-host.ts";
import { makePacket, type PacketFields } from "../../src/kernel/packet.ts";
import { makeSkb, type Skb } from "../../src/kernel/skb.ts";
import { HostState } from "../../src/kernel/state.ts";
import type { Walk } from "../../src/kernel/walk.ts";
import { emptyRuleset } from "../../src/rules/iptables/ruleset.ts";

const sysctls: Sysctls = {
  ipForward: true,
  ipv6Forwarding: true,
  tcpBeLiberal: false,
  tcpLoose: true,
  conntrackChecksum: true,
  conntrackTimeouts: new Map(),
  ipv4: new Map(),
  notModelled: [],
};

/** A host of which only conntrack is there: packets are tracked and, unless told otherwise, confirmed at once. */
export interface Node {
  readonly walk: Walk;
  readonly state: HostState;
  readonly events: Event[];
  /** Tracks one packet and confirms its entry. */
  send(fields: PacketFields): Skb;
  /** Tracks one packet only. */
  track(fields: PacketFields, before?: (skb: Skb) => void): Skb;
  entries(): readonly ConntrackEntry[];
}

/** A node with an empty table; `reopen` is what an unknown condition is said to be. */
export function makeNode(change: Partial<Sysctls> = {}, hook: Hook = "PREROUTING", reopen = false): Node {
  const state = new HostState();
  const events: Event[] = [];
  const rules = { IPv4: emptyRuleset, IPv6: emptyRuleset };
  const host = makeHost({
    name: "node",
    interfaces: [],
    routes: [],
    policyRules: [],
    sysctls: { ...sysctls, ...change },
    // conntrack knows nothing of rules
    rules,
  });
  const chooser = { below: () => false, share: () => 0, port: () => undefined, unknown: () => reopen };
  const record = (event: Event): number => events.push(event);
  const place = { hook, table: "raw", chain: "PREROUTING", ruleNumber: 0, depth: 0, hotdrop: false } as const;
  const walk: Walk = { host, state, chooser, record, indexed: true, answers: [], ...place };
  const trackOne = (fields: PacketFields, before?: (skb: Skb) => void): Skb => {
    const skb = makeSkb(makePacket(fields), 0);
    before?.(skb);
    track(walk, skb);
    return skb;
  };
  const send = (fields: PacketFields): Skb => {
    const skb = trackOne(fields);
    confirm(walk, skb);
    return skb;
  };
  return { walk, state, events, send, track: trackOne, entries: () => state.entries.list() };
}
