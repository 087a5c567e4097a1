import type { Host, InterfaceAddress } from "../../src/kernel/host.ts";
import { type Address, sameAddress } from "../../src/kernel/packet.ts";
import { networkOf } from "../../src/kernel/routing/address-routes.ts";
import type { IPFamily } from "../../src/net/family.ts";
import { parseIP } from "../../src/net/ip.ts";
import { addressOf } from "../../src/network/addresses.ts";
import { OVERLAY } from "../../src/network/devices.ts";
import type { NetworkNode } from "../../src/network/network.ts";
import { ipvsInterface } from "../../src/proxy/ipvs.ts";
import { addressText } from "../routing/support.ts";
import type { Place } from "./support.ts";

/** A namespace to make; `sysctls` by name. */
export interface HostPlan {
  readonly name: string;
  readonly taps: "node" | "end";
  readonly sysctls: Readonly<Record<string, number>>;
}

/** Lines for `ip -batch` and `bridge -batch` in a host's namespace, where `@NAME ` stands for another's. */
export interface LinkPlan {
  readonly host: string;
  readonly ip: readonly string[];
  readonly bridge?: readonly string[];
}

/** Hosts to make, then what joins them, in this order. */
export interface NetworkPlan {
  readonly hosts: readonly HostPlan[];
  readonly links: readonly LinkPlan[];
}

/** The one host that is everybody outside, their routers included. */
export const OUTSIDE = "outside";
/** A Pod's host, by its key. */
export const podHost = (key: string): string => `pod/${key}`;

/** Length of a prefix that holds one address. */
export const WHOLE = { IPv4: 32, IPv6: 128 } as const;
const hex = (n: number): string => n.toString(16).padStart(2, "0");
/** A hardware address: of what kind of device, on which node, which of them. */
export const mac = (kind: "bridge" | "uplink" | "overlay" | "veth" | "pod", node: number, i = 0): string =>
  `02:00:00:${hex(["bridge", "uplink", "overlay", "veth", "pod"].indexOf(kind))}:${hex(node)}:${hex(i)}`;

/** What every Pod takes for its gateway, whatever addresses the node's end of the veth has. */
export const POD_GATEWAY = { IPv4: "169.254.1.1", IPv6: "fe80::1" } as const;

/** A node with its place in the cluster's order. */
export interface PlannedNode {
  readonly node: NetworkNode;
  readonly index: number;
  /** What leads to links outside: names of its own interfaces that are neither loopback, overlay, a Pod's nor kube-ipvs0. */
  readonly uplinks: readonly string[];
}

/** The nodes of a place that can be made. */
export function plannedNodes({ network }: Place): PlannedNode[] {
  return network.nodes.flatMap((name, index) => {
    const node = network.node(name);
    if (node === undefined) return [];
    const ofPods = new Set([...node.pods.map((pod) => pod.interface), ipvsInterface]);
    const uplinks = node.host.interfaces
      .filter((each) => !each.loopback && each.name !== OVERLAY && !ofPods.has(each.name))
      .map((each) => each.name);
    return [{ node, index, uplinks }];
  });
}

/** The addresses of a host on one of its interfaces. */
export const addressesOf = (host: Host, device: string): readonly InterfaceAddress[] =>
  host.byName.get(device)?.addresses ?? [];

/** The line that says whose hardware address is behind an address, for good: nothing is asked on the wire. */
export const permanent = (address: string, lladdr: string, device: string): string =>
  `neigh replace ${address} lladdr ${lladdr} dev ${device} nud permanent`;

/** Addresses that the gateway of a link has: those by which nodes have their default routes. */
export function gateways(nodes: readonly PlannedNode[], device: string): string[] {
  const found = new Set<string>();
  for (const { node } of nodes) {
    for (const { prefixLength, nextHops } of node.host.routes) {
      const [hop] = nextHops;
      if (prefixLength === 0 && hop?.device === device && hop.gateway !== undefined)
        found.add(addressText(hop.gateway.address));
    }
  }
  return [...found];
}

/** The prefix length of the network on a link that an address lies in, as some node has it. */
export function linkOf(nodes: readonly PlannedNode[], device: string, address: Address): number | undefined {
  for (const { node } of nodes) {
    for (const own of addressesOf(node.host, device)) {
      if (typeof own.address !== typeof address) continue;
      if (sameAddress(networkOf(own.address, own.prefixLength), networkOf(address, own.prefixLength)))
        return own.prefixLength;
    }
  }
  return undefined;
}

/** A node's own address of a family on its way out. */
export function uplinkAddress({ node }: PlannedNode, family: IPFamily): string | undefined {
  const device = node.uplinks[family];
  const own = device === undefined ? undefined : addressesOf(node.host, device).find((each) => each.family === family);
  return own === undefined ? undefined : addressText(own.address);
}

/** An address that must be one. */
export function addressFrom(text: string): Address {
  const ip = parseIP(text);
  if (ip === undefined) throw new Error(`not an address: ${text}`);
  return addressOf(ip);
}
