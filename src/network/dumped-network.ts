import type { NodeDumps } from "../dump/node-dumps.ts";
import type { Host } from "../kernel/host.ts";
import { type Address, sameAddress } from "../kernel/packet.ts";
import type { IPFamily } from "../net/family.ts";
import { ipFamilies } from "../net/family.ts";
import { type IPAddress, isLoopback } from "../net/ip.ts";
import { textOf } from "./addresses.ts";
import { type Network, type NetworkNode, type Owner, SPECIAL } from "./network.ts";
import { NetworkState } from "./network-state.ts";

/** The interface of a node's default route, by family. */
function uplinksOf(host: Host): NetworkNode["uplinks"] {
  const uplinks: Partial<Record<IPFamily, string>> = {};
  for (const family of ipFamilies) {
    const found = host.routes.find(
      (route) => route.family === family && route.prefixLength === 0 && route.type === "unicast" && route.table === 254,
    );
    const device = found?.nextHops[0]?.device;
    if (device !== undefined) uplinks[family] = device;
  }
  return uplinks;
}

function ipOf(address: Address): IPAddress {
  return typeof address === "number" ? { family: "IPv4", value: address } : { family: "IPv6", words: address };
}

/**
 * Nodes of which only their own dumps are known, as a network. Whose an address is they tell for their own; everybody else is
 * outside, be it a Pod behind a veth, and is taken to reply by the way that the packet came. A packet that leaves for another
 * one's address as its next hop comes in there.
 */
export function dumpedNetwork(nodes: readonly NodeDumps[]): {
  readonly network: Network;
  readonly state: NetworkState;
} {
  const byName = new Map(
    nodes.map(({ host }) => [host.name, { name: host.name, host, pods: [], uplinks: uplinksOf(host) }] as const),
  );
  const owners = new Map<string, string>();
  for (const { host } of nodes)
    for (const { addresses } of host.interfaces)
      for (const { address } of addresses) if (!owners.has(textOf(address))) owners.set(textOf(address), host.name);
  const ownerOf = (address: Address): Owner => {
    if (isLoopback(ipOf(address)) || sameAddress(address, 0) || textOf(address) === "::") return { kind: "no-host" };
    const node = owners.get(textOf(address));
    return node === undefined ? { kind: "outside" } : { kind: "node", node };
  };
  const named = nodes.flatMap(({ host }) =>
    host.interfaces.flatMap(({ addresses }) =>
      addresses.map(({ family, address }) => ({ address, prefixLength: family === "IPv4" ? 32 : 128 })),
    ),
  );
  const network: Network = {
    nodes: [...byName.keys()],
    outsideRoutesPods: undefined,
    outsideReturns: true,
    node: (name) => byName.get(name),
    ownerOf,
    named: () => [...SPECIAL, ...named],
    overlayNode: () => undefined,
  };
  return { network, state: new NetworkState(nodes.map(({ host, state }) => [host.name, state] as const)) };
}
