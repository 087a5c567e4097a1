import type { IPFamily } from "../../net/family.ts";
import type { IPv6Words } from "../../net/ip.ts";
import { mask32 } from "../../net/prefix.ts";
import type { AddressScope, Interface, InterfaceAddress, Route, RouteType } from "../host.ts";
import { type Address, sameAddress } from "../packet.ts";
import { ipv6Kind } from "./address.ts";

const LOCAL = 255;
const MAIN = 254;
/** Metric of the routes that the kernel itself makes in IPv6 (IP6_RT_PRIO_ADDRCONF). */
const ADDRCONF_METRIC = 256;

interface Made {
  readonly family: IPFamily;
  readonly table: number;
  readonly type: RouteType;
  readonly destination: Address;
  readonly prefixLength: number;
  readonly metric?: number;
  readonly preferredSource?: Address;
  readonly scope?: AddressScope;
}

function made(device: Interface, fields: Made): Route {
  return {
    tos: 0,
    metric: 0,
    scope: "global",
    ...fields,
    nextHops: [{ device: device.name, weight: 1, usable: true }],
  };
}

/** The address with the bits behind the prefix cleared. */
export function networkOf(address: Address, prefixLength: number): Address {
  if (typeof address === "number") return (address & mask32(prefixLength)) >>> 0;
  const word = (i: 0 | 1 | 2 | 3): number => (address[i] & mask32(prefixLength - 32 * i)) >>> 0;
  return [word(0), word(1), word(2), word(3)];
}

/** The primary address that a secondary one stands behind, else the address itself. */
function primaryOf(device: Interface, own: InterfaceAddress): Address {
  if (!own.secondary) return own.address;
  const network = networkOf(own.peer ?? own.address, own.prefixLength);
  const primary = device.addresses.find(
    (other) =>
      other.family === own.family &&
      !other.secondary &&
      other.prefixLength === own.prefixLength &&
      sameAddress(networkOf(other.peer ?? other.address, other.prefixLength), network),
  );
  return primary?.address ?? own.address;
}

/** `fib_add_ifaddr`: the address itself, its prefix where the device is a loopback, and its broadcast addresses. */
function localRoutes4(device: Interface, own: InterfaceAddress): Route[] {
  const { address, prefixLength, secondary } = own;
  const preferredSource = primaryOf(device, own);
  const common = { family: "IPv4", table: LOCAL, preferredSource } as const;
  const route = (type: RouteType, destination: Address, length: number): Route =>
    made(device, { ...common, type, destination, prefixLength: length, scope: type === "local" ? "host" : "link" });
  const routes = [route("local", address, 32)];
  if (!device.up) return routes;
  const network = networkOf(own.peer ?? address, prefixLength) as number;
  const last = (network | ~mask32(prefixLength)) >>> 0;
  const hasPrefix = network !== 0 && !secondary && (network !== address || prefixLength < 32);
  if (hasPrefix && device.loopback && !own.noPrefixRoute) routes.push(route("local", network, prefixLength));
  const broadcasts = new Set<Address>();
  if (own.broadcast !== undefined && own.broadcast !== 0xffffffff) broadcasts.add(own.broadcast);
  if (hasPrefix && prefixLength < 31) broadcasts.add(last);
  for (const each of broadcasts) routes.push(route("broadcast", each, 32));
  return routes;
}

/**
 * `addrconf_join_anycast` and `__ipv6_ifa_notify`: the address, and as a router its subnet's anycast address. On a device that is down
 * the kernel waits before it asks whether the address is unique; where it need not ask (NOARP, as kube-ipvs0) the address is there at
 * once (`addrconf_dad_begin`; ipvs-mode §2.4).
 */
function localRoutes6(device: Interface, own: InterfaceAddress, forwarding: boolean): Route[] {
  if (own.tentative === true || !(device.up || device.noARP === true)) return [];
  const { address, prefixLength } = own;
  const common = { family: "IPv6", table: LOCAL, prefixLength: 128 } as const;
  const routes = [made(device, { ...common, type: "local", destination: address })];
  const anycast = networkOf(own.peer ?? address, prefixLength);
  if (forwarding && prefixLength < 127 && !device.loopback)
    routes.push(made(device, { ...common, type: "anycast", destination: anycast }));
  return routes;
}

/**
 * The routes of the table `local` that the kernel makes for the addresses of interfaces (`fib_add_ifaddr`, `addrconf.c`).
 * `forwarding`: IPv6 routers also answer to the anycast address of each subnet.
 */
export function localRoutes(interfaces: readonly Interface[], family: IPFamily, forwarding: boolean): Route[] {
  const routes: Route[] = [];
  for (const device of interfaces) {
    for (const own of device.addresses) {
      if (own.family !== family) continue;
      routes.push(...(family === "IPv4" ? localRoutes4(device, own) : localRoutes6(device, own, forwarding)));
    }
    if (family === "IPv6" && device.up && !device.loopback && device.addresses.some((own) => own.family === "IPv6")) {
      const all: IPv6Words = [0xff000000, 0, 0, 0];
      const metric = ADDRCONF_METRIC;
      routes.push(made(device, { family, table: LOCAL, type: "multicast", destination: all, prefixLength: 8, metric }));
    }
  }
  return withoutRepeats(routes);
}

function withoutRepeats(routes: readonly Route[]): Route[] {
  const seen = new Set<string>();
  return routes.filter((route) => {
    const { table, type, destination, prefixLength, nextHops } = route;
    const key = `${table} ${type} ${String(destination)}/${prefixLength} ${nextHops[0]?.device}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** The routes of the table `main` that the kernel makes for the prefixes of addresses: the networks on the links. */
export function connectedRoutes(interfaces: readonly Interface[], family: IPFamily): Route[] {
  const routes: Route[] = [];
  for (const device of interfaces) {
    for (const own of device.addresses) {
      const { address, peer, prefixLength, secondary, noPrefixRoute } = own;
      if (own.family !== family || noPrefixRoute || !device.up) continue;
      const destination = networkOf(peer ?? address, prefixLength);
      const common = { family, table: MAIN, type: "unicast", destination, prefixLength } as const;
      if (family === "IPv4") {
        const worthIt = destination !== 0 && !secondary && (destination !== address || prefixLength < 32);
        if (worthIt && !device.loopback)
          routes.push(made(device, { ...common, preferredSource: address, scope: "link" }));
      } else if (own.tentative !== true && ipv6Kind(address as IPv6Words).cast === "unicast")
        routes.push(made(device, { ...common, metric: ADDRCONF_METRIC }));
    }
  }
  return withoutRepeats(routes);
}
