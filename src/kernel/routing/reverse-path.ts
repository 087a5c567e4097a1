import type { IPv6Words } from "../../net/ip.ts";
import type { Interface } from "../host.ts";
import type { Address } from "../packet.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";
import { ipv6Kind, isMulticast4, isUnset, LIMITED_BROADCAST, ownerOf, scopes } from "./address.ts";
import type { MartianReason } from "./decision.ts";
import { lookUpRoute } from "./fib.ts";
import type { Lookup } from "./lookup.ts";
import { acceptLocal, reversePathFilter, sendRedirects, srcValidMark } from "./switches.ts";
import type { TableRoute } from "./table.ts";

/** A look-up of the way back to a packet's source. */
function backwards(skb: Skb, overrides: Partial<Lookup>): Lookup {
  return {
    family: skb.family,
    dst: skb.src,
    src: skb.dst,
    mark: 0,
    tos: skb.tos,
    protocol: 0,
    sport: 0,
    dport: 0,
    inInterface: "lo",
    outInterface: "",
    routesBy: "",
    strict: true,
    ...overrides,
  };
}

const usesDevice = ({ hops }: TableRoute, device: Interface): boolean => hops.some((hop) => hop.device === device);

/**
 * The checks of a received IPv4 packet's source (`fib_validate_source`; kernel-semantics §3.7): own addresses, addresses
 * that cannot be sources, and rp_filter. `destination` is 0 for broadcasts and multicasts, `outInterface` where a
 * forwarded packet goes. `undefined` when the source is good.
 */
export function sourceFault(
  walk: Walk,
  skb: Skb,
  device: Interface,
  destination: Address,
  outInterface: Interface | undefined,
): MartianReason | undefined {
  const { host } = walk;
  const filter = reversePathFilter(host, device.name);
  if (filter === 0 && (device !== outInterface || !sendRedirects(host, device.name))) {
    if (acceptLocal(host, device.name)) return undefined;
    if (!host.fib.customLocalRoutes && !host.fib.IPv4.customRules)
      return ownerOf(host, skb.src) === undefined ? undefined : "source-is-own";
  }
  return lookUpSource(walk, skb, device, filter, { destination, outInterface });
}

/** `__fib_validate_source` */
function lookUpSource(
  walk: Walk,
  skb: Skb,
  device: Interface,
  filter: number,
  way: { readonly destination: Address; readonly outInterface: Interface | undefined },
): MartianReason | undefined {
  const { host } = walk;
  const flow = backwards(skb, {
    src: way.destination,
    mark: srcValidMark(host, device.name) ? skb.mark : 0,
    protocol: skb.protocol,
    sport: skb.dport,
    dport: skb.sport,
    inInterface: way.outInterface?.name ?? "lo",
  });
  const found = lookUpRoute(host.fib.IPv4, flow, walk.chooser);
  const lastResort = filter > 0 ? "reverse-path" : undefined;
  if (typeof found === "string" || found.refuses !== undefined) return lastResort;
  const { type } = found.route;
  if (type === "local") {
    if (!acceptLocal(host, device.name)) return "source-is-own";
  } else if (type !== "unicast") return "source-invalid";
  if (usesDevice(found, device) || (type === "local" && device.loopback)) return undefined;
  // without an address a device has no strict way back: only rp_filter 0 lets it through
  if (!device.addresses.some(({ family }) => family === "IPv4")) return lastResort;
  return filter === 1 ? "reverse-path" : undefined;
}

/** `-m rpfilter` */
export interface ReversePathOptions {
  readonly loose: boolean;
  readonly validMark: boolean;
  readonly acceptLocal: boolean;
}

/** What a way back is looked up towards: a destination that cannot be a source says nothing. */
function answering(dst: Address): Address | undefined {
  if (typeof dst !== "number") return ipv6Kind(dst).cast === "unicast" ? dst : undefined;
  return isMulticast4(dst) || dst === LIMITED_BROADCAST ? 0 : dst;
}

function reversePathOk6(
  walk: Walk,
  skb: Skb,
  source: IPv6Words,
  device: Interface,
  options: ReversePathOptions,
): boolean {
  const linkLocal = ipv6Kind(source).scope === scopes.link && !ipv6Kind(source).loopback;
  const by = linkLocal || !options.loose ? device.name : "";
  const flow = backwards(skb, {
    src: answering(skb.dst),
    mark: options.validMark ? skb.mark : 0,
    protocol: skb.protocol,
    inInterface: "",
    outInterface: by,
    routesBy: by,
    strict: linkLocal,
  });
  const found = lookUpRoute(walk.host.fib.IPv6, flow, walk.chooser);
  if (typeof found === "string" || found.refuses !== undefined || found.route.type === "anycast") return false;
  if (found.route.type === "local") return options.acceptLocal;
  return options.loose || usesDevice(found, device);
}

/**
 * Does the way back to the source leave by the in-interface (`rpfilter_lookup_reverse`, `rpfilter_lookup_reverse6`)?
 * Loose: is there any. The packets that the match lets through without a look-up are its own affair.
 */
export function reversePathOk(walk: Walk, skb: Skb, options: ReversePathOptions): boolean {
  const device = skb.inInterface;
  if (device === undefined) return true;
  if (typeof skb.src !== "number") return reversePathOk6(walk, skb, skb.src, device, options);
  const flow = backwards(skb, { src: answering(skb.dst), mark: options.validMark ? skb.mark : 0 });
  const found = lookUpRoute(walk.host.fib.IPv4, flow, walk.chooser);
  if (typeof found === "string" || found.refuses !== undefined) return false;
  const { type } = found.route;
  if (type !== "unicast" && !(type === "local" && options.acceptLocal)) return false;
  return options.loose || usesDevice(found, device);
}

/** No bound at all: what TCPMSS starts from. */
const ANY_MTU = 0xffffffff;

/** MTU of the way back to the source, as TCPMSS asks it: that of the route, else of its device (`tcpmss_reverse_mtu`); 2^32-1 without a way. */
export function reverseMTU(walk: Walk, skb: Skb): number {
  if (isUnset(skb.src)) return ANY_MTU;
  const found = lookUpRoute(walk.host.fib[skb.family], backwards(skb, { src: undefined, strict: false }), walk.chooser);
  if (typeof found === "string" || found.refuses !== undefined) return ANY_MTU;
  return found.route.mtu ?? found.hops.find(({ device }) => device !== undefined)?.device?.mtu ?? ANY_MTU;
}
