import type { Host, Interface, Route } from "../../kernel/host.ts";
import { sameAddress } from "../../kernel/packet.ts";
import type { IPFamily } from "../../net/family.ts";
import { listAt } from "../../net/multimap.ts";
import { addressNumber, bitsOf } from "../field.ts";

/**
 * Addresses that a host has a route of their own to, in great numbers and each like the others: Pods, and addresses bound to a device
 * that nothing is sent by. Packets from and to others do not notice when they are not there.
 */
export interface Individuals {
  /** By address: what of the host is there for this one alone. */
  readonly byAddress: ReadonlyMap<bigint, Individual>;
}

export interface Individual {
  /** `bound`: the host's own, on a dummy device. `routed`: elsewhere. */
  readonly kind: "bound" | "routed";
  readonly route: Route;
  /** The interface that leads to this one and to nobody else. */
  readonly device: Interface | undefined;
}

const LOCAL = 255;
const MAIN = 254;

const none: Individuals = { byAddress: new Map() };

/** Interfaces that some route leads out by. */
function outgoing(host: Host, family: IPFamily): ReadonlySet<string> {
  const found = new Set<string>();
  for (const route of host.routes)
    if (route.family === family && route.type !== "local") for (const { device } of route.nextHops) found.add(device);
  return found;
}

/**
 * May addresses of a device be left out, for all that a source is chosen by? In IPv4 the first address of the way's own device
 * counts, then those of devices in order; in IPv6 one of the way's own device before all others (RFC 6724, rule 5).
 */
function isNeverChosen(host: Host, family: IPFamily, bound: Interface, out: ReadonlySet<string>): boolean {
  const has = ({ addresses }: Interface): boolean =>
    addresses.some(
      (own) => own.family === family && own.scope === "global" && !own.deprecated && own.tentative !== true,
    );
  if (out.has(bound.name)) return false;
  if (family === "IPv4")
    return host.interfaces.slice(0, host.interfaces.indexOf(bound)).some((each) => !each.loopback && has(each));
  return out.size > 0 && host.interfaces.every((each) => !out.has(each.name) || has(each));
}

/** Interfaces of which each address is also one of an interface before it. */
function withoutOwnAddresses(host: Host): ReadonlySet<string> {
  const seen = new Set<string>();
  const found = new Set<string>();
  for (const { name, addresses } of host.interfaces) {
    const texts = addresses.map(({ address }) => String(address));
    if (texts.every((text) => seen.has(text))) found.add(name);
    for (const text of texts) seen.add(text);
  }
  return found;
}

/** Devices that lead to one address of a family and to nothing else. */
function devicesOfOne(host: Host, family: IPFamily, full: Readonly<Record<IPFamily, number>>): ReadonlySet<string> {
  const led = new Map<string, number>();
  for (const route of host.routes) {
    const isWhole = route.prefixLength === full[route.family];
    if (route.type === "local" && isWhole) continue;
    for (const { device } of route.nextHops) {
      const own = !isWhole ? Number.POSITIVE_INFINITY : route.family === family ? 1 : 0;
      led.set(device, (led.get(device) ?? 0) + own);
    }
  }
  return new Set([...led].flatMap(([device, count]) => (count === 1 ? device : [])));
}

/**
 * Finds them by their routes; none where policy rules were added, as then more than the destination decides about a route.
 */
export function individualsOf(host: Host, family: IPFamily): Individuals {
  const fib = host.fib[family];
  if (fib.customRules) return none;
  const full = { IPv4: bitsOf("dst", "IPv4"), IPv6: bitsOf("dst", "IPv6") };
  const routes = new Map<bigint, Route[]>();
  for (const route of host.routes)
    if (route.family === family && route.prefixLength === full[family])
      listAt(routes, addressNumber(route.destination)).push(route);
  const out = outgoing(host, family);
  const ofOne = devicesOfOne(host, family, full);
  const borrowed = withoutOwnAddresses(host);
  const mayLeave = new Map(
    host.interfaces.map((device) => [device.name, isNeverChosen(host, family, device, out)] as const),
  );
  const preferred = new Set<bigint>();
  for (const { family: of, preferredSource, destination } of host.routes)
    if (of === family && preferredSource !== undefined && !sameAddress(preferredSource, destination))
      preferred.add(addressNumber(preferredSource));
  const own = new Map<bigint, { readonly name: string; readonly prefixLength: number }[]>();
  for (const { name, addresses } of host.interfaces)
    for (const each of addresses)
      if (each.family === family)
        listAt(own, addressNumber(each.address)).push({ name, prefixLength: each.prefixLength });
  const found = new Map<bigint, Individual>();
  for (const [address, list] of routes) {
    const [route, second] = list;
    const [hop, another] = route?.nextHops ?? [];
    if (route === undefined || second !== undefined || hop === undefined || another !== undefined) continue;
    if (preferred.has(address) || route.tos !== 0 || route.notModelled !== undefined) continue;
    const holders = own.get(address) ?? [];
    const device = host.byName.get(hop.device);
    if (device === undefined) continue;
    if (route.type === "local" && route.table === LOCAL) {
      const [holder, other] = holders;
      const isWhole = holder?.name === device.name && other === undefined && holder.prefixLength === full[family];
      if (isWhole && !device.loopback && mayLeave.get(device.name) === true)
        found.set(address, { kind: "bound", route, device: undefined });
    } else if (route.type === "unicast" && route.table === MAIN && holders.length === 0) {
      const alone = ofOne.has(device.name);
      found.set(address, { kind: "routed", route, device: alone && borrowed.has(device.name) ? device : undefined });
    }
  }
  return { byAddress: found };
}

/** Those of each side that are so on every side, or have no route of their own there. */
export function commonIndividuals(hosts: readonly Host[], family: IPFamily): readonly Individuals[] {
  const each = hosts.map((host) => individualsOf(host, family));
  const routed = hosts.map((host) => {
    const full = bitsOf("dst", family);
    const found = new Set<bigint>();
    for (const route of host.routes)
      if (route.family === family && route.prefixLength === full) found.add(addressNumber(route.destination));
    return found;
  });
  const holds = (address: bigint): boolean =>
    each.every(({ byAddress }, i) => byAddress.has(address) || routed[i]?.has(address) === false);
  return each.map(({ byAddress }) => ({ byAddress: new Map([...byAddress].filter(([address]) => holds(address))) }));
}
