import type { IPv6Words } from "../../net/ip.ts";
import type { Host, Interface } from "../host.ts";
import type { Address } from "../packet.ts";

/** What an IPv6 address is by its form alone (`__ipv6_addr_type`). */
export interface IPv6Kind {
  readonly cast: "any" | "unicast" | "multicast";
  readonly loopback: boolean;
  readonly mapped: boolean;
  /** IPv4-compatible, ::a.b.c.d */
  readonly compatible: boolean;
  /** As in the multicast scope field: 1 interface, 2 link, 5 site, 14 global. */
  readonly scope: number;
}

export const scopes = { node: 1, link: 2, site: 5, global: 14 } as const;

function kind(cast: IPv6Kind["cast"], scope: number, extra: Partial<IPv6Kind> = {}): IPv6Kind {
  return { cast, scope, loopback: false, mapped: false, compatible: false, ...extra };
}

const GLOBAL = kind("unicast", scopes.global);
const LINK_LOCAL = kind("unicast", scopes.link);
const SITE_LOCAL = kind("unicast", scopes.site);
const LOOPBACK = kind("unicast", scopes.link, { loopback: true });
const ANY = kind("any", scopes.link);
const MAPPED = kind("unicast", scopes.global, { mapped: true });
const COMPATIBLE = kind("unicast", scopes.global, { compatible: true });

/** The kind of an IPv6 address. */
export function ipv6Kind(words: IPv6Words): IPv6Kind {
  const [a, b, c, d] = words;
  if (a >>> 24 === 0xff) return kind("multicast", (a >>> 16) & 15);
  if (a >>> 22 === 0xfe800000 >>> 22) return LINK_LOCAL;
  if (a >>> 22 === 0xfec00000 >>> 22) return SITE_LOCAL;
  if (a !== 0 || b !== 0) return GLOBAL;
  if (c === 0) return d === 0 ? ANY : d === 1 ? LOOPBACK : COMPATIBLE;
  return c === 0xffff ? MAPPED : GLOBAL;
}

export const isMulticast4 = (address: Address): boolean => typeof address === "number" && address >>> 28 === 14;
export const isLoopback4 = (address: Address): boolean => typeof address === "number" && address >>> 24 === 127;
export const LIMITED_BROADCAST = 0xffffffff;
/** 224.0.0.0/24, multicast that no router forwards. */
export const isLinkMulticast4 = (address: Address): boolean =>
  typeof address === "number" && address >>> 8 === 0xe00000;

/** 0.0.0.0 or ::, or nothing. */
export function isUnset(address: Address | undefined): boolean {
  if (address === undefined || address === 0) return true;
  return typeof address !== "number" && address[0] === 0 && address[1] === 0 && address[2] === 0 && address[3] === 0;
}

const holders = new WeakMap<Host, ReadonlyMap<number | string, Interface>>();

const holderKey = (address: Address): number | string => (typeof address === "number" ? address : address.join());

/** The first interface that holds an address; looked up by a map that is made once, as hosts may have thousands. */
export function ownerOf(host: Host, address: Address): Interface | undefined {
  let known = holders.get(host);
  if (known === undefined) {
    const made = new Map<number | string, Interface>();
    for (const device of host.interfaces)
      for (const own of device.addresses)
        if (!made.has(holderKey(own.address))) made.set(holderKey(own.address), device);
    holders.set(host, made);
    known = made;
  }
  return known.get(holderKey(address));
}
