import type { IPFamily } from "../../net/family.ts";
import { addressTypes } from "../../rules/iptables/matches/addrtype.ts";
import type { Host, Interface, Route } from "../host.ts";
import type { Address } from "../packet.ts";
import { addressKey, type Fib } from "./fib.ts";
import { isLimitedBroadcast, isMulticast, isZeroNet } from "./kinds.ts";

function longest(fib: Fib, family: IPFamily, table: number, address: Address): Route | undefined {
  const found = fib[family].tables.get(table);
  if (found === undefined) return undefined;
  for (const length of found.lengths) {
    const key = typeof address === "number" ? (address & (length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0)) >>> 0 : prefixKey(address, length);
    const routes = found.networks.get(length)?.get(key);
    if (routes?.[0] !== undefined) return routes[0];
  }
  return undefined;
}

function prefixKey(address: Exclude<Address, number>, length: number): string {
  const masked = address.map((word, i) => {
    const bits = Math.max(0, Math.min(32, length - 32 * i));
    return bits === 0 ? 0 : (word & (0xffffffff << (32 - bits))) >>> 0;
  });
  return addressKey([masked[0] ?? 0, masked[1] ?? 0, masked[2] ?? 0, masked[3] ?? 0])
    .toString()
    .split(",")
    .slice(0, Math.ceil(length / 32))
    .map((word) => `${word},`)
    .join("");
}

/**
 * Bits of `addressTypes` for an address (kernel-semantics §2.6): IPv4 by the local table and special ranges only; an IPv6 address
 * can be of several types at once. With a device, only its own addresses are local.
 */
export function addressType(host: Host, family: IPFamily, address: Address, device?: Interface): number {
  return family === "IPv4" ? typeV4(host, address, device) : typeV6(host, address, device);
}

/** `__inet_dev_addr_type` */
function typeV4(host: Host, address: Address, device: Interface | undefined): number {
  if (isZeroNet(address) || isLimitedBroadcast(address)) return addressTypes.BROADCAST;
  if (isMulticast(address)) return addressTypes.MULTICAST;
  const route = longest(host.fib, "IPv4", 255, address);
  if (route === undefined) return addressTypes.UNICAST;
  const on = route.nextHops[0]?.device;
  if (device !== undefined && on !== device.name) return addressTypes.UNICAST;
  return route.type === "broadcast" ? addressTypes.BROADCAST : route.type === "local" ? addressTypes.LOCAL : addressTypes.UNICAST;
}

/** `match_lookup_rt6`: the format of the address, and what the routes say. */
function typeV6(host: Host, address: Address, device: Interface | undefined): number {
  if (isMulticast(address)) return addressTypes.MULTICAST;
  const unicast = addressTypes.UNICAST;
  const own = longest(host.fib, "IPv6", 255, address);
  if (own?.type === "local") {
    const on = host.fib.IPv6.owners.get(addressKey(address));
    return device !== undefined && on !== device ? unicast : unicast | addressTypes.LOCAL;
  }
  if (own?.type === "anycast") return unicast | addressTypes.ANYCAST;
  const route = longest(host.fib, "IPv6", 254, address);
  const refused = route === undefined || route.type === "blackhole" || route.type === "unreachable" || route.type === "prohibit";
  return refused ? unicast | addressTypes.UNREACHABLE : unicast;
}
