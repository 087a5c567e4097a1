import type { IPFamily } from "../../net/family.ts";
import type { IPv6Words } from "../../net/ip.ts";
import { addressTypes } from "../../rules/iptables/matches/addrtype.ts";
import type { Chooser } from "../chooser.ts";
import type { Host, Interface, RouteType } from "../host.ts";
import { type Address, sameAddress } from "../packet.ts";
import { ipv6Kind, isMulticast4, isUnset, LIMITED_BROADCAST } from "./address.ts";
import { lookUpLocal, lookUpRoute } from "./fib.ts";
import type { Lookup } from "./lookup.ts";

/** The type of an IPv4 address (`__inet_dev_addr_type`): special ranges, else the table `local`; with a device only its routes. */
export function addressType4(host: Host, address: number, device: Interface | undefined): RouteType {
  if (address === 0 || address === LIMITED_BROADCAST) return "broadcast";
  if (isMulticast4(address)) return "multicast";
  const found = lookUpLocal(host.fib.IPv4, address);
  if (found === undefined) return "unicast";
  return device === undefined || found.hops[0]?.device === device ? found.route.type : "unicast";
}

const BITS: Readonly<Record<RouteType, number>> = {
  unicast: addressTypes.UNICAST,
  local: addressTypes.LOCAL,
  broadcast: addressTypes.BROADCAST,
  multicast: addressTypes.MULTICAST,
  anycast: addressTypes.ANYCAST,
  blackhole: addressTypes.BLACKHOLE,
  unreachable: addressTypes.UNREACHABLE,
  prohibit: addressTypes.PROHIBIT,
  throw: addressTypes.THROW,
};

/** Rules that are not modelled do not match: a question about an address has no packet that could tell. */
const certain: Chooser = {
  below: () => false,
  share: () => 0,
  port: () => undefined,
  unknown: () => false,
};

/** LOCAL, ANYCAST and UNREACHABLE: a route look-up without a source, as this host's own (`match_lookup_rt6`). */
function routeTypes6(host: Host, words: IPv6Words, device: Interface | undefined, chooser: Chooser): number {
  const flow: Lookup = {
    family: "IPv6",
    dst: words,
    src: undefined,
    mark: 0,
    tos: 0,
    protocol: 0,
    sport: 0,
    dport: 0,
    inInterface: "lo",
    outInterface: device?.name ?? "",
    routesBy: device?.name ?? "",
    strict: device !== undefined,
  };
  const owned = device?.addresses.some((own) => own.tentative !== true && sameAddress(own.address, words)) === true;
  const local = owned ? addressTypes.LOCAL : 0;
  const found = lookUpRoute(host.fib.IPv6, flow, chooser);
  if (typeof found === "string" || found.refuses !== undefined) return local | addressTypes.UNREACHABLE;
  const { type, destination, prefixLength } = found.route;
  // the address of a prefix on the link is its subnet's routers, whether or not this host is one (`ipv6_anycast_destination`)
  const onLink = prefixLength < 127 && found.hops.every(({ nextHop }) => nextHop.gateway === undefined);
  const anycast = type === "anycast" || (onLink && sameAddress(destination, words));
  return (
    local | (device === undefined && type === "local" ? addressTypes.LOCAL : 0) | (anycast ? addressTypes.ANYCAST : 0)
  );
}

/**
 * The types of an address as `-m addrtype` tests them, bits of `addressTypes` (kernel-semantics §2.6). An IPv4 address
 * has exactly one; with a device (`--limit-iface-in`, `-out`) what belongs to other devices is UNICAST. An IPv6 address
 * has UNICAST or MULTICAST by its form, and with them LOCAL, ANYCAST and UNREACHABLE by its route.
 */
export function addressType(
  host: Host,
  family: IPFamily,
  address: Address,
  device?: Interface,
  chooser: Chooser = certain,
): number {
  if (typeof address === "number") return family === "IPv4" ? BITS[addressType4(host, address, device)] : 0;
  if (isUnset(address)) return addressTypes.UNSPEC | routeTypes6(host, address, device, chooser);
  const form = ipv6Kind(address).cast === "multicast" ? addressTypes.MULTICAST : addressTypes.UNICAST;
  return form | routeTypes6(host, address, device, chooser);
}
