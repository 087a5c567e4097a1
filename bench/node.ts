import { seededChooser } from "../src/kernel/chooser/seeded.ts";
import type { Chooser } from "../src/kernel/chooser.ts";
import type { Event } from "../src/kernel/event.ts";
import { defaultSysctls, type Host, type Interface, type Route } from "../src/kernel/host.ts";
import { chainIndex } from "../src/kernel/iptables/chain-index.ts";
import { defaultIPVSSwitches } from "../src/kernel/ipvs/switches.ts";
import { makeHost } from "../src/kernel/make-host.ts";
import { makePacket, type Packet, protocols } from "../src/kernel/packet.ts";
import { receive } from "../src/kernel/run.ts";
import { makeSets } from "../src/kernel/sets.ts";
import { HostState } from "../src/kernel/state.ts";
import { parseIPSets } from "../src/rules/ipset/parse.ts";
import { loadRuleset } from "../src/rules/iptables/load.ts";
import { emptyRuleset } from "../src/rules/iptables/ruleset.ts";
import type { IPVSTable } from "../src/rules/ipvs/model.ts";
import { parseIPVSCommands } from "../src/rules/ipvs/parse-commands.ts";
import { refuse } from "./subject.ts";

const NODE = 0xc0a80002;
const GATEWAY = 0xc0a80001;
const POD_BRIDGE = 0x0a640001;
const LOOPBACK = 0x7f000001;
const FIRST_POD = 0x0a640002;
const PODS = 200;
const FIRST_SERVICE = 0x0a600001;

function device(index: number, name: string, address: number, prefixLength: number): Interface {
  const own = { family: "IPv4", address, prefixLength, scope: "global", secondary: false } as const;
  const loopback = name === "lo";
  const mtu = loopback ? 65536 : 1500;
  return {
    index,
    name,
    up: true,
    loopback,
    mtu,
    addresses: [{ ...own, deprecated: false, noPrefixRoute: false }],
  };
}

function route(destination: number, prefixLength: number, to: string, gateway?: number): Route {
  const local = prefixLength === 32 || to === "lo";
  const via = gateway === undefined ? {} : { gateway: { family: "IPv4", address: gateway } as const };
  return {
    family: "IPv4",
    table: local ? 255 : 254,
    type: local ? "local" : "unicast",
    destination,
    prefixLength,
    tos: 0,
    metric: 0,
    scope: local ? "host" : gateway === undefined ? "link" : "global",
    nextHops: [{ device: to, weight: 1, usable: true, ...via }],
  };
}

/** What the tools of a node print: `iptables-save`, and in ipvs mode `ipvsadm -Sn` and `ipset save`. */
export interface NodeTexts {
  readonly rules: string;
  readonly ipvsadm?: string;
  readonly ipset?: string;
}

/** The virtual servers of a text, and the addresses of theirs that kube-ipvs0 has. */
function virtualServers(ipvsadm: string): { readonly table: IPVSTable; readonly addresses: readonly number[] } {
  const table = parseIPVSCommands({ name: "ipvsadm.txt", text: ipvsadm }, refuse);
  const addresses = table.virtualServers.flatMap(({ key }) =>
    key.kind === "address" && key.address.family === "IPv4" ? [key.address.value] : [],
  );
  return { table, addresses: [...new Set(addresses)] };
}

/** A node of the plain cluster with its rules: Pods behind cni0, everything else behind eth0. Every chain has its index. */
export function loadNode({ rules: text, ipvsadm = "", ipset = "" }: NodeTexts): Host {
  const rules = loadRuleset({ name: "save.txt", text }, "IPv4", refuse);
  for (const { chains } of rules.tables.values()) for (const chain of chains.values()) chainIndex(chain);
  const { table, addresses } = virtualServers(ipvsadm);
  const sets = makeSets(parseIPSets({ name: "ipset.txt", text: ipset }, refuse).values());
  const bound = addresses.flatMap((address) => device(4, "kube-ipvs0", address, 32).addresses);
  const dummy = { ...device(4, "kube-ipvs0", LOOPBACK, 32), up: false, noARP: true, addresses: bound };
  return makeHost(
    {
      name: "node-1",
      interfaces: [
        device(1, "lo", LOOPBACK, 8),
        device(2, "eth0", NODE, 24),
        device(3, "cni0", POD_BRIDGE, 24),
        ...(bound.length === 0 ? [] : [dummy]),
      ],
      routes: [
        route(0x7f000000, 8, "lo"),
        route(NODE, 32, "eth0"),
        route(POD_BRIDGE, 32, "cni0"),
        route(0xc0a80000, 24, "eth0"),
        route(0x0a640000, 24, "cni0"),
        route(0, 0, "eth0", GATEWAY),
        ...addresses.map((address) => route(address, 32, "kube-ipvs0")),
      ],
      policyRules: [],
      sysctls: { ...defaultSysctls, ipForward: true, ipvs: { ...defaultIPVSSwitches, conntrack: true } },
      rules: { IPv4: rules, IPv6: emptyRuleset },
      ipvs: table,
    },
    sets,
  );
}

/** The interface that `flowPacket`'s packets come in by. */
export const POD_SIDE = "cni0";

/** The first packet of flow number `i`, from a Pod to the cluster IP of one of so many Services; flows go all over them. */
export function flowPacket(i: number, services: number): Packet {
  return makePacket({
    family: "IPv4",
    src: FIRST_POD + (i % PODS),
    dst: FIRST_SERVICE + ((i * 7919) % services),
    protocol: protocols.tcp,
    sport: 1024 + (Math.floor(i / PODS) % 60_000),
    dport: 80,
  });
}

/** Sends packets through a node one after the other; the events of each are collected, and their number is given. */
export class Tracer {
  readonly state: HostState = new HostState();
  readonly #host: Host;
  readonly #indexed: boolean;
  readonly #chooser: Chooser = seededChooser(1);

  constructor(host: Host, indexed: boolean) {
    this.#host = host;
    this.#indexed = indexed;
  }

  trace(packets: readonly Packet[]): number {
    let count = 0;
    for (const packet of packets) {
      const events: Event[] = [];
      const { outcome } = receive(
        {
          host: this.#host,
          state: this.state,
          chooser: this.#chooser,
          record: (event) => events.push(event),
          indexed: this.#indexed,
        },
        packet,
        POD_SIDE,
      );
      if (outcome.kind !== "transmitted") throw new Error(`a packet of the benchmark is ${outcome.kind}`);
      count += events.length;
    }
    return count;
  }
}
