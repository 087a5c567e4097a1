import type { Chooser } from "../../src/kernel/chooser.ts";
import {
  defaultSysctls,
  type Host,
  type HostDescription,
  type Interface,
  type InterfaceSwitches,
  type PolicyRule,
  type Route,
  type RouteType,
  type Sysctls,
} from "../../src/kernel/host.ts";
import { makeHost } from "../../src/kernel/make-host.ts";
import { type Address, makePacket } from "../../src/kernel/packet.ts";
import type { RouteDecision } from "../../src/kernel/routing/decision.ts";
import { makeSkb, type Skb } from "../../src/kernel/skb.ts";
import { HostState } from "../../src/kernel/state.ts";
import type { Walk } from "../../src/kernel/walk.ts";
import type { IPFamily } from "../../src/net/family.ts";
import { formatIP, parseIPv4, parseIPv6 } from "../../src/net/ip.ts";
import { emptyRuleset } from "../../src/rules/iptables/ruleset.ts";

/** An address as the kernel parts take it. */
export function address(text: string): Address {
  const read = text.includes(":") ? parseIPv6(text) : parseIPv4(text);
  if (read === undefined) throw new Error(`not an address: ${text}`);
  return read;
}

/** The address as text. */
export function addressText(value: Address | undefined): string {
  if (value === undefined) return "-";
  return formatIP(typeof value === "number" ? { family: "IPv4", value } : { family: "IPv6", words: value });
}

export const familyOfText = (text: string): IPFamily => (text.includes(":") ? "IPv6" : "IPv4");

/** `lo 127.0.0.1/8 ::1/128`: a name and addresses; `@peer` behind one, `!link` for its scope, `!2nd`, `!old` (deprecated). */
export function device(index: number, text: string): Interface {
  const [name = "", ...addresses] = text.split(" ");
  return {
    index,
    name,
    up: true,
    loopback: name === "lo",
    mtu: name === "lo" ? 65536 : 1500,
    addresses: addresses.map((each) => {
      const [main = "", ...flags] = each.split("!");
      const [own = "", tail = ""] = main.split("/");
      const [length, peer] = tail.split("@");
      const scope = flags.includes("link") ? "link" : flags.includes("host") ? "host" : "global";
      return {
        family: familyOfText(own),
        address: address(own),
        prefixLength: Number(length),
        ...(peer === undefined ? {} : { peer: address(peer) }),
        scope: own.startsWith("127.") || own === "::1" ? "host" : own.startsWith("fe80") ? "link" : scope,
        secondary: flags.includes("2nd"),
        deprecated: flags.includes("old"),
        noPrefixRoute: false,
      };
    }),
  };
}

const types: readonly string[] = [
  "local",
  "broadcast",
  "multicast",
  "anycast",
  "blackhole",
  "unreachable",
  "prohibit",
  "throw",
];

/** A route in the words of `ip route`: `[type] prefix [via gw] [dev d] [table n] [src a] [metric n] [tos n] [scope s]`, hops as `hop GW DEV WEIGHT`. */
export function route(text: string): Route {
  const words = text.split(" ");
  const type = types.includes(words[0] ?? "") ? (words.shift() as RouteType) : "unicast";
  const [net = "", length] = (words.shift() ?? "").split("/");
  const destination = net === "default" ? "0.0.0.0" : net === "default6" ? "::" : net;
  const family = familyOfText(destination);
  const value = (name: string): string | undefined => {
    const at = words.indexOf(name);
    return at < 0 ? undefined : words[at + 1];
  };
  const gateway = (gw: string): { gateway: { family: IPFamily; address: Address } } | object =>
    gw === "-" ? {} : { gateway: { family: familyOfText(gw), address: address(gw) } };
  const nextHops = words.flatMap((word, i) =>
    word === "hop"
      ? [{ device: words[i + 2] ?? "", ...gateway(words[i + 1] ?? "-"), weight: Number(words[i + 3]), usable: true }]
      : [],
  );
  const dev = value("dev");
  if (dev !== undefined) nextHops.push({ device: dev, ...gateway(value("via") ?? "-"), weight: 1, usable: true });
  const src = value("src");
  const own = type === "local" || type === "broadcast" || type === "anycast" || type === "multicast";
  return {
    family,
    table: Number(value("table") ?? (own ? 255 : 254)),
    type,
    destination: address(destination),
    prefixLength: Number(length ?? (net.startsWith("default") ? 0 : family === "IPv4" ? 32 : 128)),
    tos: Number(value("tos") ?? 0),
    metric: Number(value("metric") ?? 0),
    ...(src === undefined ? {} : { preferredSource: address(src) }),
    scope:
      (value("scope") as Route["scope"]) ??
      (type === "local" ? "host" : value("via") === undefined ? "link" : "global"),
    nextHops,
  };
}

export interface HostText {
  readonly interfaces: readonly string[];
  readonly routes: readonly string[];
  readonly rules?: readonly PolicyRule[];
  readonly ipv4?: Readonly<Record<string, InterfaceSwitches>>;
  readonly sysctls?: Partial<Sysctls>;
}

export function hostOf({ interfaces, routes, rules = [], ipv4 = {}, sysctls = {} }: HostText): Host {
  const description: HostDescription = {
    name: "test",
    interfaces: interfaces.map((text, i) => device(i + 1, text)),
    routes: routes.map(route),
    policyRules: rules,
    sysctls: {
      ...defaultSysctls,
      ipForward: true,
      ipv6Forwarding: true,
      ipv4: new Map(Object.entries(ipv4)),
      ...sysctls,
    },
    rules: { IPv4: emptyRuleset, IPv6: emptyRuleset },
  };
  return makeHost(description);
}

/** Unknown conditions do not hold; shares are given to whoever asks. */
export function scriptedChooser(share: (shares: readonly number[]) => number = () => 0, unknown = false): Chooser {
  return { below: () => false, share, port: ({ from }) => from, unknown: () => unknown };
}

export function walkOf(host: Host, chooser: Chooser = scriptedChooser()): Walk {
  return {
    host,
    state: new HostState(),
    chooser,
    record: undefined,
    hook: "PREROUTING",
    table: "raw",
    chain: "",
    ruleNumber: 0,
    indexed: true,
    answers: [],
    depth: 0,
    hotdrop: false,
  };
}

/** A received packet of `src > dst` by an interface. */
export function received(host: Host, inInterface: string, src: string, dst: string, mark = 0): Skb {
  const skb = makeSkb(
    makePacket({ family: familyOfText(dst), src: address(src), dst: address(dst), protocol: 17 }),
    mark,
  );
  skb.inInterface = host.byName.get(inInterface);
  return skb;
}

/** A decision in one line: `eth0 via 10.0.0.1 src 10.0.0.2`, `local eth0 src 10.0.0.2`, `refused none`, `martian source-is-own`. */
export function decisionText(decision: RouteDecision): string {
  switch (decision.kind) {
    case "refused":
      return `refused ${decision.type}`;
    case "martian":
      return `martian ${decision.reason}`;
    case "local":
      return `${decision.cast === "unicast" ? "local" : decision.cast} ${decision.device.name} src ${addressText(decision.source)}`;
    case "unicast": {
      const cast = decision.cast === "unicast" ? "" : `${decision.cast} `;
      const source = decision.source === undefined ? "" : ` src ${addressText(decision.source)}`;
      return `${cast}${decision.device.name} via ${addressText(decision.nextHop.address)}${source}`;
    }
  }
}
