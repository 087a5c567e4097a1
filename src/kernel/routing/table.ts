import type { IPv6Words } from "../../net/ip.ts";
import { mask32 } from "../../net/prefix.ts";
import type { Interface, NextHop, Route } from "../host.ts";
import type { Address } from "../packet.ts";

/** A next hop with its interface; none when the description does not have it. */
export interface Hop {
  readonly device: Interface | undefined;
  readonly nextHop: NextHop;
}

/** A route in a table, ready for look-ups. */
export interface TableRoute {
  readonly route: Route;
  readonly hops: readonly Hop[];
  /** What a look-up that ends here answers with; `throw` goes on with the next policy rule. */
  readonly refuses: "none" | "unreachable" | "prohibit" | "blackhole" | "throw" | undefined;
}

/** The routes of one prefix, the preferred one first. */
export interface Leaf {
  readonly address: Address;
  readonly routes: readonly TableRoute[];
}

interface Level {
  readonly length: number;
  readonly mask: readonly [number, number, number, number];
  /** By the masked address, for IPv6 by a hash of it. */
  readonly leaves: ReadonlyMap<number, readonly Leaf[]>;
}

/** One routing table of one family: its prefixes by length, the longest first. */
export interface RouteTable {
  readonly levels: readonly Level[];
}

function hashWords(a: number, b: number, c: number, d: number): number {
  let hash = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 15) ^ b, 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 13) ^ c, 0x27d4eb2f);
  hash = Math.imul(hash ^ (hash >>> 16) ^ d, 0x165667b1);
  return hash ^ (hash >>> 15);
}

function levelMask(length: number): [number, number, number, number] {
  return [mask32(length), mask32(length - 32), mask32(length - 64), mask32(length - 96)];
}

function keyOf(address: Address, mask: Level["mask"]): number {
  if (typeof address === "number") return address & mask[0];
  return hashWords(address[0] & mask[0], address[1] & mask[1], address[2] & mask[2], address[3] & mask[3]);
}

function maskedEqual(a: IPv6Words, b: IPv6Words, mask: Level["mask"]): boolean {
  return (
    ((a[0] ^ b[0]) & mask[0]) === 0 &&
    ((a[1] ^ b[1]) & mask[1]) === 0 &&
    ((a[2] ^ b[2]) & mask[2]) === 0 &&
    ((a[3] ^ b[3]) & mask[3]) === 0
  );
}

/** The first level from `from` on that has the address, as an index; -1 when none has. Together with `leafAt` this is a look-up without garbage. */
export function nextLevel(table: RouteTable, address: Address, from: number): number {
  const { levels } = table;
  for (let i = from; i < levels.length; i++) {
    if (leafAt(table, address, i) !== undefined) return i;
  }
  return -1;
}

/** What a level has for an address. */
export function leafAt(table: RouteTable, address: Address, index: number): Leaf | undefined {
  const level = table.levels[index];
  if (level === undefined) return undefined;
  const leaves = level.leaves.get(keyOf(address, level.mask));
  if (leaves === undefined) return undefined;
  if (typeof address === "number") return leaves[0];
  for (const leaf of leaves) {
    if (typeof leaf.address !== "number" && maskedEqual(leaf.address, address, level.mask)) return leaf;
  }
  return undefined;
}

/** A table from its routes; those of one prefix are put in the order that `before` says, else they keep theirs. */
export function makeTable(routes: readonly TableRoute[], before: (a: TableRoute, b: TableRoute) => number): RouteTable {
  const byLength: Map<number, Map<number, { address: Address; routes: TableRoute[] }[]>> = new Map();
  for (const each of routes) {
    const { destination, prefixLength } = each.route;
    const leaves = byLength.get(prefixLength) ?? new Map<number, { address: Address; routes: TableRoute[] }[]>();
    byLength.set(prefixLength, leaves);
    const mask = levelMask(prefixLength);
    const key = keyOf(destination, mask);
    const bucket = leaves.get(key) ?? [];
    leaves.set(key, bucket);
    const leaf = bucket.find(
      ({ address }) =>
        typeof address === "number" || typeof destination === "number" || maskedEqual(address, destination, mask),
    );
    if (leaf === undefined) bucket.push({ address: destination, routes: [each] });
    else leaf.routes.push(each);
  }
  const levels = [...byLength]
    .sort(([a], [b]) => b - a)
    .map(([length, leaves]) => ({ length, mask: levelMask(length), leaves }));
  for (const { leaves } of levels)
    for (const bucket of leaves.values()) for (const leaf of bucket) leaf.routes.sort(before);
  return { levels };
}
