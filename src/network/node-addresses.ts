import { type Address, sameAddress } from "../kernel/packet.ts";
import { networkOf } from "../kernel/routing/address-routes.ts";
import type { Node } from "../manifest/node.ts";
import type { IPFamily } from "../net/family.ts";
import { type IPAddress, parseIP } from "../net/ip.ts";
import { parsePrefix } from "../net/prefix.ts";
import { nodeView } from "../proxy/node.ts";
import { addressOf } from "./addresses.ts";

/** A Node's own addresses: the InternalIPs, else what kube-proxy takes for them. */
export function nodeAddresses(node: Node): IPAddress[] {
  const internal = (node.status?.addresses ?? [])
    .filter(({ type }) => type === "InternalIP")
    .flatMap(({ address = "" }) => parseIP(address) ?? []);
  return internal.length > 0 ? internal : [...nodeView(node).ips];
}

/** One of a Node's podCIDRs; its first address is the overlay device's. */
export interface PodNetwork {
  readonly family: IPFamily;
  readonly network: Address;
  readonly length: number;
}

/** The podCIDRs of a Node that can be read. */
export function podNetworks(node: Node): PodNetwork[] {
  const texts = node.spec?.podCIDRs ?? (node.spec?.podCIDR === undefined ? [] : [node.spec.podCIDR]);
  return texts.flatMap((text) => {
    const prefix = parsePrefix(text);
    if (prefix === undefined) return [];
    return [{ family: prefix.address.family, network: addressOf(prefix.address), length: prefix.length }];
  });
}

/** Is the address one of the network's? */
export function inside({ network, length, family }: PodNetwork, ip: IPAddress): boolean {
  return family === ip.family && sameAddress(networkOf(addressOf(ip), length), network);
}
