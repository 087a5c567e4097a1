import type { AddressScope, Interface } from "../kernel/host.ts";
import type { Address } from "../kernel/packet.ts";
import { ipv6Kind, scopes } from "../kernel/routing/address.ts";
import type { IPFamily } from "../net/family.ts";
import { type IPAddress, parseIP } from "../net/ip.ts";
import { addressOf } from "./addresses.ts";
import { WHOLE } from "./plain-route.ts";

export const UPLINK_MTU = 1500;
/** What ipvs mode binds Services' addresses to. */
const IPVS_DEVICE = "kube-ipvs0";
/** The device to other nodes' Pods. */
export const OVERLAY = "flannel.1";

/** An address with the length of its network. */
export interface OwnAddress {
  readonly family: IPFamily;
  readonly address: Address;
  readonly prefixLength: number;
}

/** As the kernel gives it to an address that `ip addr add` names without one. */
function scopeOf(device: string, { address }: OwnAddress): AddressScope {
  if (device === "lo") return "host";
  return typeof address !== "number" && ipv6Kind(address).scope === scopes.link ? "link" : "global";
}

/** An interface that is up, with its addresses in the order in which the kernel holds them. */
export function device(index: number, name: string, mtu: number, addresses: readonly OwnAddress[]): Interface {
  return {
    index,
    name,
    up: true,
    loopback: name === "lo",
    ...(name === OVERLAY ? { noARP: true } : {}),
    mtu,
    addresses: addresses.map((own) => ({
      ...own,
      scope: scopeOf(name, own),
      secondary: false,
      deprecated: false,
      noPrefixRoute: false,
    })),
  };
}

/** An address of an interface as `ip addr` writes it; a bare one is a host's. */
export function ownAddress(text: string): OwnAddress | undefined {
  const [host = "", length] = text.split("/");
  const ip = parseIP(host);
  if (ip === undefined) return undefined;
  const prefixLength = length === undefined ? WHOLE[ip.family] : Number(length);
  if (!Number.isInteger(prefixLength) || prefixLength < 0 || prefixLength > WHOLE[ip.family]) return undefined;
  return { family: ip.family, address: addressOf(ip), prefixLength };
}

/** kube-ipvs0 with its addresses: a dummy device that is never up (ipvs-mode §2.4); what is local it makes all the same. */
export function withBound(
  addresses: readonly IPAddress[] | undefined,
  interfaces: readonly Interface[],
): readonly Interface[] {
  if (addresses === undefined) return interfaces;
  const all = addresses.map((ip) => ({ family: ip.family, address: addressOf(ip), prefixLength: WHOLE[ip.family] }));
  // the kernel holds those of IPv6 newest first, and where nothing else decides the first of them is a packet's source
  const own = [
    ...all.filter(({ family }) => family === "IPv4"),
    ...all.filter(({ family }) => family === "IPv6").reverse(),
  ];
  const index = Math.max(...interfaces.map((each) => each.index)) + 1;
  return [...interfaces, { ...device(index, IPVS_DEVICE, UPLINK_MTU, own), up: false, noARP: true }];
}
