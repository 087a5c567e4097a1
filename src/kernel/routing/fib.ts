import type { IPFamily } from "../../net/family.ts";
import { mask32 } from "../../net/prefix.ts";
import type { HostDescription, Interface, NextHop, PolicyRule, Route } from "../host.ts";
import type { Address } from "../packet.ts";
import type { Walk } from "../walk.ts";

type Key = number | string;

/** One routing table: for each prefix length, longest first, the routes of each network. */
interface RouteTable {
  readonly lengths: readonly number[];
  readonly networks: ReadonlyMap<number, ReadonlyMap<Key, readonly Route[]>>;
}

interface FamilyFib {
  /** By priority. */
  readonly rules: readonly PolicyRule[];
  readonly tables: ReadonlyMap<number, RouteTable>;
  /** There are rules besides the three that every host has. */
  readonly customRules: boolean;
  /** The host's own addresses, and whose they are. */
  readonly owners: ReadonlyMap<Key, Interface>;
}

/** Routes and policy rules in a form that look-ups are fast in. */
export type Fib = Readonly<Record<IPFamily, FamilyFib>>;

/** What a look-up asks about. `inInterface` is `lo` for what this host sends. */
export interface FibQuery {
  readonly family: IPFamily;
  readonly destination: Address;
  readonly source: Address | undefined;
  readonly mark: number;
  readonly tos: number;
  readonly inInterface: string;
  readonly outInterface: string | undefined;
  readonly protocol: number;
  readonly sport: number;
  readonly dport: number;
}

export type FibResult =
  | { readonly kind: "route"; readonly route: Route; readonly nextHop: NextHop | undefined }
  | { readonly kind: "none" }
  | { readonly kind: "refused"; readonly type: "blackhole" | "unreachable" | "prohibit"; readonly route: Route | undefined };

const TABLES = { local: 255, main: 254, default: 253 } as const;

function defaultRules(family: IPFamily): readonly PolicyRule[] {
  const rule = (priority: number, table: number): PolicyRule => ({
    family,
    priority,
    negated: false,
    action: { kind: "table", table },
  });
  const rules = [rule(0, TABLES.local), rule(32766, TABLES.main)];
  return family === "IPv4" ? [...rules, rule(32767, TABLES.default)] : rules;
}

/** The key of a network: an address without its host bits. */
function networkKey(address: Address, length: number): Key {
  if (typeof address === "number") return (address & mask32(length)) >>> 0;
  let key = "";
  for (let i = 0; i < 4 && length > 32 * i; i++)
    key += `${((address[i] as number) & mask32(length - 32 * i)) >>> 0},`;
  return key;
}

export const addressKey = (address: Address): Key => networkKey(address, 128);

/** Is an address in a network? */
export function inNetwork(address: Address, network: Address, length: number): boolean {
  return networkKey(address, length) === networkKey(network, length);
}

function makeTable(routes: readonly Route[]): RouteTable {
  const networks = new Map<number, Map<Key, Route[]>>();
  for (const route of routes) {
    const byKey = networks.get(route.prefixLength) ?? new Map<Key, Route[]>();
    networks.set(route.prefixLength, byKey);
    const key = networkKey(route.destination, route.prefixLength);
    byKey.set(key, [...(byKey.get(key) ?? []), route]);
  }
  for (const byKey of networks.values())
    for (const [key, list] of byKey) byKey.set(key, list.sort((a, b) => b.tos - a.tos || a.metric - b.metric));
  return { lengths: [...networks.keys()].sort((a, b) => b - a), networks };
}

function makeFamily(description: HostDescription, family: IPFamily): FamilyFib {
  const own = description.policyRules.filter((rule) => rule.family === family);
  const rules = own.length === 0 ? defaultRules(family) : [...own].sort((a, b) => a.priority - b.priority);
  const byTable = new Map<number, Route[]>();
  for (const route of description.routes) {
    if (route.family !== family) continue;
    const list = byTable.get(route.table);
    if (list === undefined) byTable.set(route.table, [route]);
    else list.push(route);
  }
  const owners = new Map<Key, Interface>();
  for (const device of description.interfaces) {
    for (const { family: of, address } of device.addresses)
      if (of === family && !owners.has(addressKey(address))) owners.set(addressKey(address), device);
  }
  const usual = defaultRules(family);
  const customRules = rules.some((rule) => !usual.some((each) => JSON.stringify(each) === JSON.stringify(rule)));
  return {
    rules,
    tables: new Map([...byTable].map(([table, routes]) => [table, makeTable(routes)])),
    customRules,
    owners,
  };
}

/** The look-up structures of a host's routes. */
export function makeFib(description: HostDescription): Fib {
  return { IPv4: makeFamily(description, "IPv4"), IPv6: makeFamily(description, "IPv6") };
}

/** Can a route be used for the query? Next hops that are down do not count, nor other interfaces than the wanted one. */
function usableHops(route: Route, query: FibQuery): readonly NextHop[] {
  const { nextHops } = route;
  if (query.outInterface === undefined && nextHops.length === 1 && (nextHops[0] as NextHop).usable) return nextHops;
  return nextHops.filter(
    ({ usable, device }) => usable && (query.outInterface === undefined || device === query.outInterface),
  );
}

const LEADS_SOMEWHERE: ReadonlySet<Route["type"]> = new Set(["unicast", "local", "broadcast", "multicast", "anycast"]);

/** The longest matching prefix that can be used; `undefined` when there is none, or a throw route. */
function lookupTable(walk: Walk, table: RouteTable, query: FibQuery, shortest: number): FibResult | undefined {
  for (const length of table.lengths) {
    if (length <= shortest) return undefined;
    const routes = table.networks.get(length)?.get(networkKey(query.destination, length));
    if (routes === undefined) continue;
    for (const route of routes) {
      if (route.tos !== 0 && route.tos !== (query.tos & 0x1c)) continue;
      const { type } = route;
      if (type === "throw") return undefined;
      if (!LEADS_SOMEWHERE.has(type))
        return { kind: "refused", type: type as "blackhole" | "unreachable" | "prohibit", route };
      if (type === "local" && route.nextHops.length === 0) return { kind: "route", route, nextHop: undefined };
      const hops = usableHops(route, query);
      if (hops.length === 0) continue;
      return { kind: "route", route, nextHop: chooseHop(walk, hops) };
    }
  }
  return undefined;
}

const WHOLE = 0x80000000;

/** One of several next hops by a hash of the packet, which is seeded at random at boot: shares of 2^31 by weight. */
function chooseHop(walk: Walk, hops: readonly NextHop[]): NextHop | undefined {
  if (hops.length === 1) return hops[0];
  const total = hops.reduce((sum, { weight }) => sum + weight, 0);
  let [before, upto] = [0, 0];
  const shares = hops.map(({ weight }) => {
    upto += weight;
    // `fib_rebalance`: upper bounds rounded to the nearest
    const bound = Math.round((WHOLE * upto) / total);
    const share = bound - before;
    before = bound;
    return share;
  });
  return hops[walk.chooser.share(shares)];
}

function inRange(range: { readonly from: number; readonly to: number } | undefined, port: number): boolean {
  return range === undefined || (port >= range.from && port <= range.to);
}

function ruleMatches(walk: Walk, rule: PolicyRule, query: FibQuery): boolean {
  const { source, destination, mark } = rule;
  const matches =
    (source === undefined ||
      source.prefixLength === 0 ||
      (query.source !== undefined && inNetwork(query.source, source.address, source.prefixLength))) &&
    (destination === undefined || inNetwork(query.destination, destination.address, destination.prefixLength)) &&
    (mark === undefined || (query.mark & mark.mask) >>> 0 === mark.value) &&
    (rule.inInterface === undefined || rule.inInterface === query.inInterface) &&
    (rule.outInterface === undefined || rule.outInterface === query.outInterface) &&
    (rule.tos === undefined || rule.tos === (query.tos & 0x1c)) &&
    (rule.protocol === undefined || rule.protocol === query.protocol) &&
    inRange(rule.sourcePorts, query.sport) &&
    inRange(rule.destinationPorts, query.dport);
  if (matches && rule.notModelled !== undefined)
    return walk.chooser.unknown({ what: `ip rule ${rule.priority}: ${rule.notModelled}` }) !== rule.negated;
  return matches !== rule.negated;
}

/** `fib_lookup`, `fib6_rule_lookup`: the policy rules in order, each table by longest prefix. */
export function lookup(walk: Walk, query: FibQuery): FibResult {
  const { rules, tables } = walk.host.fib[query.family];
  let from = 0;
  for (const rule of rules) {
    if (rule.priority < from || !ruleMatches(walk, rule, query)) continue;
    const { action } = rule;
    switch (action.kind) {
      case "table": {
        const table = tables.get(action.table);
        const found = table === undefined ? undefined : lookupTable(walk, table, query, -1);
        if (found === undefined) break;
        const suppress = rule.suppressPrefixLength ?? -1;
        if (found.kind === "route" && found.route.prefixLength <= suppress) break;
        return found;
      }
      case "goto":
        from = action.priority;
        break;
      case "nop":
        break;
      default:
        return { kind: "refused", type: action.kind, route: undefined };
    }
  }
  return { kind: "none" };
}
