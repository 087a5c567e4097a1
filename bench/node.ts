import { seededChooser } from "../src/kernel/chooser/seeded.ts";
import type { Chooser } from "../src/kernel/chooser.ts";
import type { Event } from "../src/kernel/event.ts";
import { defaultSysctls, type Host, type Interface, type Route } from "../src/kernel/host.ts";
import { chainIndex } from "../src/kernel/iptables/chain-index.ts";
import { makeHost } from "../src/kernel/make-host.ts";
import { makePacket, type Packet, protocols } from "../src/kernel/packet.ts";
import { receive } from "../src/kernel/run.ts";
import { HostState } from "../src/kernel/state.ts";
import { loadRuleset } from "../src/rules/iptables/load.ts";
import { emptyRuleset } from "../src/rules/iptables/ruleset.ts";
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

/** A node of the plain cluster with its rules: Pods behind cni0, everything else behind eth0. Every chain has its index. */
export function loadNode(text: string): Host {
  const rules = loadRuleset({ name: "save.txt", text }, "IPv4", refuse);
  for (const { chains } of rules.tables.values()) for (const chain of chains.values()) chainIndex(chain);
  return makeHost({
    name: "node-1",
    interfaces: [device(1, "lo", LOOPBACK, 8), device(2, "eth0", NODE, 24), device(3, "cni0", POD_BRIDGE, 24)],
    routes: [
      route(0x7f000000, 8, "lo"),
      route(NODE, 32, "eth0"),
      route(POD_BRIDGE, 32, "cni0"),
      route(0xc0a80000, 24, "eth0"),
      route(0x0a640000, 24, "cni0"),
      route(0, 0, "eth0", GATEWAY),
    ],
    policyRules: [],
    sysctls: { ...defaultSysctls, ipForward: true },
    rules: { IPv4: rules, IPv6: emptyRuleset },
  });
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
