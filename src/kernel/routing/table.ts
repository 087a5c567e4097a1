import { mask32 } from "../../net/prefix.ts";
import { finish, mix } from "../hash.ts";
import { HashTable } from "../hash-table.ts";
import type { Interface, NextHop, Route } from "../host.ts";
import type { Address } from "../packet.ts";

/** A next hop with its interface; none when the description does not have it. */
export interface Hop {
  readonly device: Interface | undefined;
  readonly nextHop: NextHop;
}

/** A route, ready for look-ups. */
export interface UsableRoute {
  readonly route: Route;
  readonly hops: readonly Hop[];
  /** What a look-up that ends here answers with; `throw` goes on with the next policy rule. */
  readonly refuses: "none" | "unreachable" | "prohibit" | "blackhole" | "throw" | undefined;
}

/** A route in a table; those of one prefix are a chain, the preferred one first, as `fib_alias` in the kernel. */
export interface TableRoute extends UsableRoute {
  readonly next: TableRoute | undefined;
}

interface Level {
  readonly length: number;
  readonly mask: readonly [number, number, number, number];
  /** The first route of each prefix, by a hash of the masked address. */
  readonly prefixes: HashTable<TableRoute>;
}

/** One routing table of one family: its prefixes by length, the longest first. */
export interface RouteTable {
  readonly levels: readonly Level[];
}

function hashOf(address: Address, mask: Level["mask"]): number {
  if (typeof address === "number") return finish(address & mask[0]);
  let hash = mix(0, address[0] & mask[0]);
  hash = mix(hash, address[1] & mask[1]);
  hash = mix(hash, address[2] & mask[2]);
  return finish(mix(hash, address[3] & mask[3]));
}

/** Have two addresses of one family the same bits under a mask? */
function maskedEqual(a: Address, b: Address, mask: Level["mask"]): boolean {
  if (typeof a === "number" || typeof b === "number")
    return typeof a === "number" && typeof b === "number" && ((a ^ b) & mask[0]) === 0;
  return (
    ((a[0] ^ b[0]) & mask[0]) === 0 &&
    ((a[1] ^ b[1]) & mask[1]) === 0 &&
    ((a[2] ^ b[2]) & mask[2]) === 0 &&
    ((a[3] ^ b[3]) & mask[3]) === 0
  );
}

/** The routes that a level has for an address: the first, which leads to the others. A look-up makes no garbage. */
export function routesAt({ mask, prefixes }: Level, address: Address): TableRoute | undefined {
  const hash = hashOf(address, mask);
  for (let slot = prefixes.first(hash); slot >= 0; slot = prefixes.next(slot, hash)) {
    const first = prefixes.at(slot);
    if (maskedEqual(first.route.destination, address, mask)) return first;
  }
  return undefined;
}

/** Which of two routes of one prefix is preferred: less than 0 is the first. */
type Preference = (a: UsableRoute, b: UsableRoute) => number;

/** The level of one prefix length. */
function makeLevel(length: number, routes: readonly UsableRoute[], before: Preference): Level {
  const mask = [mask32(length), mask32(length - 32), mask32(length - 64), mask32(length - 96)] as const;
  const level: Level = { length, mask, prefixes: new HashTable() };
  // the most preferred comes last, and so in front of all others
  for (const { route, hops, refuses } of routes.toSorted(before).reverse()) {
    const hash = hashOf(route.destination, mask);
    const next = routesAt(level, route.destination);
    if (next !== undefined) level.prefixes.delete(hash, next);
    level.prefixes.add(hash, { route, hops, refuses, next });
  }
  return level;
}

/** A table from its routes; those of one prefix are put in the order that `before` says, else they keep theirs. */
export function makeTable(routes: readonly UsableRoute[], before: Preference): RouteTable {
  const byLength = new Map<number, UsableRoute[]>();
  for (const each of routes) {
    const { prefixLength } = each.route;
    const known = byLength.get(prefixLength);
    if (known === undefined) byLength.set(prefixLength, [each]);
    else known.push(each);
  }
  const lengths = [...byLength].sort(([a], [b]) => b - a);
  return { levels: lengths.map(([length, of]) => makeLevel(length, of, before)) };
}
