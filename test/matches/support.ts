import type { ExecutionContext } from "ava";
import { scriptedChooser } from "../../src/kernel/chooser/scripted.ts";
import type { Chooser } from "../../src/kernel/chooser.ts";
import type { Host, Interface } from "../../src/kernel/host.ts";
import { makeHost } from "../../src/kernel/make-host.ts";
import { basicMatch } from "../../src/kernel/matches/basic.ts";
import { evaluateMatch } from "../../src/kernel/matches/evaluate.ts";
import { type Address, makePacket, type Packet } from "../../src/kernel/packet.ts";
import { localRoutes } from "../../src/kernel/routing/address-routes.ts";
import { makeSkb, type Skb } from "../../src/kernel/skb.ts";
import { HostState } from "../../src/kernel/state.ts";
import type { Walk } from "../../src/kernel/walk.ts";
import type { IPFamily } from "../../src/net/family.ts";
import { ipFamilies } from "../../src/net/family.ts";
import { parseIPv4, parseIPv6 } from "../../src/net/ip.ts";
import type { Rule } from "../../src/rules/iptables/model.ts";
import { parseScript } from "../../src/rules/iptables/parse.ts";
import { readRule } from "../../src/rules/iptables/read-rule.ts";
import { emptyRuleset } from "../../src/rules/iptables/ruleset.ts";

/** An address text as a packet holds it. */
export function address(text: string): Address {
  const value = parseIPv4(text) ?? parseIPv6(text);
  if (value === undefined) throw new Error(`${text} is no address`);
  return value;
}

function device(index: number, name: string, addresses: readonly string[]): Interface {
  return {
    index,
    name,
    up: true,
    loopback: name === "lo",
    mtu: 1500,
    addresses: addresses.map((text) => ({
      family: text.includes(":") ? "IPv6" : "IPv4",
      address: address(text),
      prefixLength: text.includes(":") ? 64 : 24,
      scope: "global",
      secondary: false,
      deprecated: false,
      noPrefixRoute: false,
    })),
  };
}

export const devices: Readonly<Record<"lo" | "eth0" | "cni0" | "veth1", Interface>> = {
  lo: device(1, "lo", ["127.0.0.1", "::1"]),
  eth0: device(2, "eth0", ["192.168.0.10", "fd00::10"]),
  cni0: device(3, "cni0", ["10.244.1.1", "fd00:10::1"]),
  veth1: { ...device(4, "veth1", []), bridge: false },
};

const host: Host = makeHost({
  name: "node",
  interfaces: Object.values(devices),
  routes: ipFamilies.flatMap((family) => localRoutes(Object.values(devices), family, true)),
  policyRules: [],
  sysctls: {
    ipForward: true,
    ipv6Forwarding: true,
    tcpBeLiberal: false,
    tcpLoose: true,
    conntrackChecksum: true,
    conntrackTimeouts: new Map(),
    ipv4: new Map(),
    notModelled: [],
  },
  rules: { IPv4: emptyRuleset, IPv6: emptyRuleset },
});

/** A walk that stands at rule 1 of filter's FORWARD chain. */
export function makeWalk(options: Partial<Walk> = {}): Walk {
  return {
    host,
    state: new HostState(),
    chooser: scriptedChooser([]),
    record: undefined,
    hook: "FORWARD",
    table: "filter",
    chain: "FORWARD",
    ruleNumber: 1,
    indexed: true,
    answers: [],
    depth: 0,
    hotdrop: false,
    ...options,
  };
}

/** What a row says about a packet: fields, addresses as texts, and what the host knows of it. */
export type SkbFields = Partial<Omit<Packet, "src" | "dst">> &
  Partial<
    Pick<Skb, "mark" | "entry" | "state" | "direction" | "local" | "owner" | "sportChoice" | "dportChoice" | "zone">
  > & {
    readonly src?: string;
    readonly dst?: string;
    readonly in?: keyof typeof devices;
    readonly out?: keyof typeof devices;
  };

/** A packet in the middle of its way; TCP from 10.0.0.1 (fd00:1::1) to 10.0.0.2 (fd00:1::2) unless the fields say otherwise. */
export function makeTestSkb({ src, dst, in: inName, out, ...fields }: SkbFields, family: IPFamily = "IPv4"): Skb {
  const v4 = family === "IPv4";
  const packet = makePacket({
    protocol: 6,
    ...fields,
    family,
    src: address(src ?? (v4 ? "10.0.0.1" : "fd00:1::1")),
    dst: address(dst ?? (v4 ? "10.0.0.2" : "fd00:1::2")),
  });
  const skb = makeSkb(packet, fields.mark ?? 0);
  for (const key of ["entry", "state", "direction", "local", "owner", "sportChoice", "dportChoice", "zone"] as const) {
    if (fields[key] !== undefined) Object.assign(skb, { [key]: fields[key] });
  }
  skb.inInterface = inName === undefined ? undefined : devices[inName];
  skb.outInterface = out === undefined ? undefined : devices[out];
  return skb;
}

/** The rule that a text behind `-A FORWARD` stands for; what iptables would refuse is an error of the row. */
export function rule(text: string, family: IPFamily = "IPv4"): Rule {
  const { lines } = parseScript({ name: "row", text: `*filter\n-A FORWARD ${text}\nCOMMIT\n` }, () => {});
  const line = lines[1];
  if (line?.kind !== "rule") throw new Error(`no rule: ${text}`);
  return readRule(line, family, ({ message, severity }) => {
    if (severity === "error") throw new Error(`${text}: ${message}`);
  });
}

/** Does a rule hold for a packet? */
export function matches(walk: Walk, skb: Skb, given: Rule): boolean {
  return basicMatch(skb, given) && given.matches.every((match) => evaluateMatch(walk, skb, match));
}

/** "yes", "no", or "unknown: what was asked" when the chooser had to say. */
export function answer(text: string, fields: SkbFields, family: IPFamily = "IPv4"): string {
  const chooser = scriptedChooser([]);
  const found = matches(makeWalk({ chooser }), makeTestSkb(fields, family), rule(text, family));
  const [first] = chooser.assumptions;
  return first === undefined ? (found ? "yes" : "no") : `unknown: ${first.what.what}`;
}

/** A chooser that must not be asked. */
export function noChooser(t: ExecutionContext): Chooser {
  const fail = (): never => {
    t.fail("the chooser was asked");
    throw new Error("the chooser was asked");
  };
  return { below: fail, share: fail, port: fail, unknown: fail };
}
