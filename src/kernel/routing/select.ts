import type { IPFamily } from "../../net/family.ts";
import { mask32 } from "../../net/prefix.ts";
import type { AddressScope, Host, Interface, InterfaceAddress } from "../host.ts";
import type { Address } from "../packet.ts";
import { inNetwork } from "./fib.ts";
import { isLinkLocal, isMulticast } from "./kinds.ts";

const SCOPES: Readonly<Record<AddressScope, number>> = { global: 0, site: 200, link: 253, host: 254, nowhere: 255 };

function ofFamily(device: Interface, family: IPFamily): readonly InterfaceAddress[] {
  return device.addresses.filter((given) => given.family === family);
}

/**
 * `inet_select_addr`: the IPv4 address that an interface talks to `destination` with, or one of another interface
 * (kernel-semantics §3.5). Secondary addresses and those of a narrower scope than `scope` do not count.
 */
export function selectAddress(
  host: Host,
  device: Interface,
  destination: Address | undefined,
  scope: AddressScope,
): Address | undefined {
  const limit = SCOPES[scope];
  let first: Address | undefined;
  for (const { address, peer, prefixLength, secondary, scope: own } of ofFamily(device, "IPv4")) {
    if (secondary || SCOPES[own] > limit) continue;
    if (destination === undefined || inNetwork(destination, peer ?? address, prefixLength)) return address;
    first ??= address;
  }
  if (first !== undefined) return first;
  for (const other of host.interfaces) {
    if (other === device) continue;
    const found = ofFamily(other, "IPv4").find(
      (given) => !given.secondary && given.scope !== "link" && SCOPES[given.scope] <= limit,
    );
    if (found !== undefined) return found.address;
  }
  return undefined;
}

/** Number of leading bits that two IPv6 addresses share. */
function commonBits(a: Address, b: Address): number {
  if (typeof a === "number" || typeof b === "number") return 0;
  for (let i = 0; i < 4; i++) {
    const difference = ((a[i] as number) ^ (b[i] as number)) >>> 0;
    if (difference !== 0) return 32 * i + Math.clz32(difference);
  }
  return 128;
}

/** Scope by RFC 4291: 1 host, 2 link, 5 site, 14 global; of a multicast address the one it names. */
function scopeOf(address: Address): number {
  if (typeof address === "number") return 14;
  if (isMulticast(address)) return (address[0] >>> 16) & 15;
  if (isLinkLocal(address)) return 2;
  if (address[0] === 0 && address[1] === 0 && address[2] === 0 && address[3] === 1) return 2;
  return address[0] >>> 22 === 0x3fb ? 5 : 14;
}

/** The default policy table of RFC 6724 as the kernel has it (`ip6addrlbl_init_table`). */
const LABELS: readonly (readonly [network: readonly [number, number, number, number], length: number, label: number])[] = [
  [[0, 0, 0, 1], 128, 0],
  [[0, 0, 0xffff, 0], 96, 4],
  [[0, 0, 0, 0], 96, 3],
  [[0x20010000, 0, 0, 0], 32, 6],
  [[0x20010010, 0, 0, 0], 28, 7],
  [[0x20020000, 0, 0, 0], 16, 2],
  [[0xfc000000, 0, 0, 0], 7, 5],
  [[0, 0, 0, 0], 0, 1],
];

function label(address: Address): number {
  if (typeof address === "number") return 4;
  return LABELS.find(([network, length]) => inNetwork(address, network, length))?.[2] ?? 1;
}

interface Candidate {
  readonly given: InterfaceAddress;
  readonly device: Interface;
}

/** Is `a` better than `b` as a source for the destination (RFC 6724 §5)? A tie keeps the one that was looked at first. */
function better(a: Candidate, b: Candidate, destination: Address, out: Interface | undefined): boolean {
  const scope = scopeOf(destination);
  const [scopeA, scopeB] = [scopeOf(a.given.address), scopeOf(b.given.address)];
  if (scopeA !== scopeB) return scopeA < scopeB ? scopeA >= scope : scopeB < scope;
  if (a.given.deprecated !== b.given.deprecated) return b.given.deprecated;
  const [onA, onB] = [a.device === out, b.device === out];
  if (out !== undefined && onA !== onB) return onA;
  const wanted = label(destination);
  const [labelA, labelB] = [label(a.given.address) === wanted, label(b.given.address) === wanted];
  if (labelA !== labelB) return labelA;
  // only as far as the source's own prefix goes
  const bits = ({ given }: Candidate): number =>
    Math.min(commonBits(given.address, destination), given.prefixLength);
  return bits(a) > bits(b);
}

/** `ipv6_dev_get_saddr`: the source for a destination, also from other interfaces than the one it leaves by. */
export function selectIPv6Source(host: Host, out: Interface | undefined, destination: Address): Address | undefined {
  const local = isLinkLocal(destination) || (isMulticast(destination) && scopeOf(destination) <= 2);
  let best: Candidate | undefined;
  for (const device of host.interfaces) {
    if (local && out !== undefined && device !== out) continue;
    for (const given of ofFamily(device, "IPv6")) {
      const candidate = { given, device };
      if (best === undefined || better(candidate, best, destination, out)) best = candidate;
    }
  }
  return best?.given.address;
}

/** The directed broadcast address of an IPv4 address's network. */
export function broadcastOf({ address, prefixLength, broadcast }: InterfaceAddress): Address | undefined {
  if (broadcast !== undefined || typeof address !== "number") return broadcast;
  return prefixLength >= 31 ? undefined : (address | ~mask32(prefixLength)) >>> 0;
}
