import type { Host, PolicyRule } from "../kernel/host.ts";
import type { Address } from "../kernel/packet.ts";
import type { IPFamily } from "../net/family.ts";
import { prefixInterval } from "../net/intervals.ts";
import type { IPv6Words } from "../net/ip.ts";
import { ascending } from "../net/sorted.ts";
import { addressNumber } from "./field.ts";

const isOf = (address: Address, family: IPFamily): boolean => (typeof address === "number") === (family === "IPv4");

/** Where the addresses of a prefix begin, and where those behind it do; none of another family. */
export function prefixEdges(address: Address, length: number, family: IPFamily): readonly bigint[] {
  if (!isOf(address, family)) return [];
  const { from, to } = prefixInterval(addressNumber(address), length, family === "IPv4" ? 32 : 128);
  return [from, to + 1n];
}

const full = (family: IPFamily): number => (family === "IPv4" ? 32 : 128);

/** Ranges that the kernel treats in ways of their own: this network, loopback, multicast of each kind, broadcast. */
const SPECIAL4: readonly (readonly [address: number, length: number])[] = [
  [0, 8],
  [0, 32],
  [0x7f000000, 8],
  [0xe0000000, 4],
  [0xe0000000, 24],
  [0xe0000001, 32],
  [0xffffffff, 32],
];

/** Forms of IPv6 addresses, and the prefixes of RFC 6724's labels. */
const SPECIAL6: readonly (readonly [address: IPv6Words, length: number])[] = [
  [[0, 0, 0, 0], 128],
  [[0, 0, 0, 1], 128],
  [[0, 0, 0, 0], 96],
  [[0, 0, 0xffff, 0], 96],
  [[0xfe800000, 0, 0, 0], 10],
  [[0xfec00000, 0, 0, 0], 10],
  [[0xfc000000, 0, 0, 0], 7],
  [[0x20020000, 0, 0, 0], 16],
  [[0x20010000, 0, 0, 0], 32],
  [[0x20010010, 0, 0, 0], 28],
  [[0x20010020, 0, 0, 0], 28],
  [[0x3ffe0000, 0, 0, 0], 16],
];

/** Flags and scopes of IPv6 multicast. */
const MULTICAST_KINDS = 256;

/** The groups that every interface or every router is in. */
const JOINED6: readonly IPv6Words[] = [
  [0xff010000, 0, 0, 1],
  [0xff010000, 0, 0, 2],
  [0xff020000, 0, 0, 1],
  [0xff020000, 0, 0, 2],
  [0xff050000, 0, 0, 2],
];

function makeSpecialEdges(family: IPFamily): readonly bigint[] {
  if (family === "IPv4")
    return ascending(SPECIAL4.flatMap(([address, length]) => prefixEdges(address, length, family)));
  const edges = SPECIAL6.flatMap(([address, length]) => prefixEdges(address, length, family));
  for (let kind = 0; kind < MULTICAST_KINDS; kind++)
    edges.push(...prefixEdges([((0xff00 + kind) << 16) >>> 0, 0, 0, 0], 16, family));
  for (const group of JOINED6) edges.push(...prefixEdges(group, 128, family));
  return ascending(edges);
}

const special: Readonly<Record<IPFamily, readonly bigint[]>> = {
  IPv4: makeSpecialEdges("IPv4"),
  IPv6: makeSpecialEdges("IPv6"),
};

/** Where the special ranges begin and end, in ascending order. */
export const specialEdges = (family: IPFamily): readonly bigint[] => special[family];

/** The solicited-node group of an address. */
const solicited = (address: IPv6Words): Address => [0xff020000, 0, 1, (0xff000000 | (address[3] & 0xffffff)) >>> 0];

/** Both families' edges of a host, made once. */
const made = new WeakMap<Host, Map<IPFamily, readonly bigint[]>>();

/**
 * Where something about addresses changes on a host: its routes, its interfaces' addresses and networks, its policy rules, and the
 * special ranges. Between two edges, which are ascending, all addresses have the same routes and types.
 */
export function hostEdges(host: Host, family: IPFamily): readonly bigint[] {
  const known = made.get(host) ?? new Map<IPFamily, readonly bigint[]>();
  made.set(host, known);
  const before = known.get(family);
  if (before !== undefined) return before;
  const edges = new Set(specialEdges(family));
  const add = (address: Address | undefined, length = full(family)): void => {
    if (address !== undefined) for (const edge of prefixEdges(address, length, family)) edges.add(edge);
  };
  for (const route of host.routes) {
    if (route.family !== family) continue;
    add(route.destination, route.prefixLength);
    // the address of a network on the link is its routers' in IPv6
    add(route.destination);
    add(route.preferredSource);
  }
  for (const { addresses } of host.interfaces) {
    for (const { address, prefixLength, broadcast, peer } of addresses) {
      add(address);
      if (isOf(address, family)) add(address, prefixLength);
      add(broadcast);
      add(peer);
      if (typeof address !== "number") add(solicited(address));
    }
  }
  for (const rule of host.policyRules) for (const edge of policyEdges(rule, family)) edges.add(edge);
  const list = ascending(edges);
  known.set(family, list);
  return list;
}

/** Where the addresses begin or end that a policy rule names. */
export function policyEdges({ source, destination }: PolicyRule, family: IPFamily): readonly bigint[] {
  return [source, destination].flatMap((prefix) =>
    prefix === undefined ? [] : prefixEdges(prefix.address, prefix.prefixLength, family),
  );
}

/** Where the bits that an address shares with an own one begin to be more or fewer: IPv6 chooses its source by them. */
export function likenessEdges(host: Host): readonly bigint[] {
  return host.interfaces.flatMap(({ addresses }) =>
    addresses.flatMap(({ address, prefixLength }) => {
      if (typeof address === "number") return [];
      const lengths = Array.from({ length: prefixLength }, (_, i) => i + 1);
      return lengths.flatMap((length) => prefixEdges(address, length, "IPv6"));
    }),
  );
}
