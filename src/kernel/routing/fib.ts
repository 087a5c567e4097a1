import type { IPFamily } from "../../net/family.ts";
import type { Chooser } from "../chooser.ts";
import type { HostDescription, Interface, NextHop, PolicyRule, Route } from "../host.ts";
import { type Address, sameAddress } from "../packet.ts";
import type { RefusedType } from "./decision.ts";
import type { Lookup } from "./lookup.ts";
import { conditionsHold, inPrefix } from "./policy-rule.ts";
import { lookUp4, lookUp6, usableHop } from "./select-route.ts";
import { type Hop, makeTable, type RouteTable, routesAt, type TableRoute, type UsableRoute } from "./table.ts";

const LOCAL = 255;
const MAIN = 254;
const DEFAULT = 253;
const LOOPBACK6: Address = [0, 0, 0, 1];

/** The routes and rules of one family. */
export interface FamilyFib {
  readonly family: IPFamily;
  /** By priority, equal ones in their order. */
  readonly rules: readonly PolicyRule[];
  readonly tables: ReadonlyMap<number, RouteTable>;
  /** Rules differ from those that every namespace begins with. */
  readonly customRules: boolean;
  /**
   * IPv4: `local` and `main` in one. The kernel keeps them so until the first policy rule is added, and then a longer
   * prefix in `main` wins over a shorter one in `local` (`fib_trie_table`, `fib_unmerge`).
   */
  readonly merged: RouteTable | undefined;
  /** The answer of some look-up depends on whether they are still one, which a dump does not tell. */
  readonly mergeMatters: boolean;
}

/** Routes and policy rules in a form that look-ups are fast in. */
export interface Fib {
  readonly IPv4: FamilyFib;
  readonly IPv6: FamilyFib;
  /** IPv4: `local` routes were added beside those of addresses (`fib_has_custom_local_routes`). */
  readonly customLocalRoutes: boolean;
}

/** The rules of a namespace in which nobody added any. */
export function defaultRules(family: IPFamily): readonly PolicyRule[] {
  const tables: readonly (readonly [number, number])[] =
    family === "IPv4"
      ? [
          [0, LOCAL],
          [32766, MAIN],
          [32767, DEFAULT],
        ]
      : [
          [0, LOCAL],
          [32766, MAIN],
        ];
  return tables.map(([priority, table]) => ({ family, priority, negated: false, action: { kind: "table", table } }));
}

const RULE_FIELDS = 4;

function isDefaultRule(rule: PolicyRule, wanted: PolicyRule): boolean {
  return (
    rule.priority === wanted.priority &&
    !rule.negated &&
    Object.keys(rule).length === RULE_FIELDS &&
    rule.action.kind === "table" &&
    wanted.action.kind === "table" &&
    rule.action.table === wanted.action.table
  );
}

/**
 * What a route refuses with. IPv6 has no true routes by lo: one that is neither local nor for ::1 refuses like none at
 * all, also the prefix of an address on lo (`fib6_is_reject`).
 */
function refusal({ type, family, destination, prefixLength }: Route, hops: readonly Hop[]): UsableRoute["refuses"] {
  if (type === "unreachable" || type === "prohibit" || type === "blackhole" || type === "throw") return type;
  if (family === "IPv4" || type !== "unicast" || hops.length === 0) return undefined;
  const toLoopback = prefixLength === 128 && sameAddress(destination, LOOPBACK6);
  return hops.every(({ device }) => device?.loopback === true) && !toLoopback ? "none" : undefined;
}

/** IPv4: of equal prefixes `local` first, then by TOS, then by metric (`fib_find_alias`). */
function before4({ route: a }: UsableRoute, { route: b }: UsableRoute): number {
  return b.table - a.table || b.tos - a.tos || a.metric - b.metric;
}

/** IPv6: by metric alone. */
function before6({ route: a }: UsableRoute, { route: b }: UsableRoute): number {
  return a.metric - b.metric;
}

/** Does a route of `main` lie inside a shorter prefix of `local`, or have `main` types that only count while the tables are one? */
function mergeMatters(local: RouteTable | undefined, main: readonly UsableRoute[]): boolean {
  if (local === undefined) return false;
  return main.some(({ route }) => {
    const level = local.levels.find((each) => routesAt(each, route.destination) !== undefined);
    return level !== undefined && level.length < route.prefixLength;
  });
}

/** Next hops with their interfaces. Routes by the same hops share them: a node in ipvs mode has thousands by kube-ipvs0. */
function hopsReader(byName: ReadonlyMap<string, Interface>): (nextHops: readonly NextHop[]) => readonly Hop[] {
  const known = new Map<string, readonly Hop[]>();
  return (nextHops) => {
    const name = JSON.stringify(nextHops);
    const hops = known.get(name) ?? nextHops.map((nextHop) => ({ nextHop, device: byName.get(nextHop.device) }));
    known.set(name, hops);
    return hops;
  };
}

function makeFamily(family: IPFamily, description: HostDescription, byName: ReadonlyMap<string, Interface>): FamilyFib {
  const given = description.policyRules.filter((rule) => rule.family === family);
  const usual = defaultRules(family);
  const rules = given.length === 0 ? usual : [...given].sort((a, b) => a.priority - b.priority);
  const customRules =
    rules.length !== usual.length || !rules.every((rule, i) => isDefaultRule(rule, usual[i] as PolicyRule));
  const routes = new Map<number, UsableRoute[]>();
  const hopsOf = hopsReader(byName);
  for (const route of description.routes) {
    if (route.family !== family) continue;
    const list = routes.get(route.table) ?? [];
    routes.set(route.table, list);
    const hops = hopsOf(route.nextHops);
    list.push({ route, hops, refuses: refusal(route, hops) });
  }
  const before = family === "IPv4" ? before4 : before6;
  const tables = new Map([...routes].map(([number, list]) => [number, makeTable(list, before)] as const));
  const main = routes.get(MAIN) ?? [];
  const merges = family === "IPv4" && !customRules;
  return {
    family,
    rules,
    tables,
    customRules,
    merged: merges ? makeTable([...(routes.get(LOCAL) ?? []), ...main], before) : undefined,
    mergeMatters: merges && mergeMatters(tables.get(LOCAL), main),
  };
}

/** Is there a local route that the kernel did not make for an address itself? (`fib_add_ifaddr`) Linear: a node in ipvs mode has thousands. */
function hasCustomLocalRoutes({ routes, interfaces }: HostDescription): boolean {
  const own = interfaces.flatMap(({ loopback, addresses }) =>
    addresses.flatMap((each) => (each.family === "IPv4" ? [{ loopback, ...each }] : [])),
  );
  const addresses = new Set(own.map(({ address }) => address));
  const loopbacks = own.filter(({ loopback }) => loopback);
  const isOwn = ({ destination, prefixLength }: Route): boolean =>
    (prefixLength === 32 && addresses.has(destination)) ||
    loopbacks.some(
      ({ address, peer = address, prefixLength: length }) =>
        prefixLength === length && inPrefix(destination, { address: peer, prefixLength: length }),
    );
  return routes.some((route) => route.family === "IPv4" && route.type === "local" && !isOwn(route));
}

/** The look-up structures of a description. Routes by interfaces that it does not have lead nowhere. */
export function makeFib(description: HostDescription, byName: ReadonlyMap<string, Interface>): Fib {
  return {
    IPv4: makeFamily("IPv4", description, byName),
    IPv6: makeFamily("IPv6", description, byName),
    customLocalRoutes: hasCustomLocalRoutes(description),
  };
}

/** One table; `undefined` when nothing in it, or a `throw`, matches. */
function lookUpTable(fib: FamilyFib, table: RouteTable, flow: Lookup, chooser: Chooser): TableRoute | undefined {
  const found = fib.family === "IPv4" ? lookUp4(table, flow, chooser) : lookUp6(table, flow, chooser);
  return found?.refuses === "throw" ? undefined : found;
}

/** Without rules of anybody's own, IPv4: one trie for `local` and `main`, then `default` (`fib_lookup`). */
function lookUpMerged(fib: FamilyFib, merged: RouteTable, flow: Lookup, chooser: Chooser): TableRoute | "none" {
  const spare = fib.tables.get(DEFAULT);
  const found = lookUpTable(fib, merged, flow, chooser);
  if (found !== undefined) return found;
  return (spare === undefined ? undefined : lookUpTable(fib, spare, flow, chooser)) ?? "none";
}

/** True when the rule's table is left because its route is too general (`fib4_rule_suppress`). */
function suppressed(rule: PolicyRule, { route, refuses }: TableRoute): boolean {
  return (
    rule.suppressPrefixLength !== undefined && refuses === undefined && route.prefixLength <= rule.suppressPrefixLength
  );
}

/**
 * Asks the policy rules one after the other (`fib_rules_lookup`): the route of the first table that has one, or what a
 * rule refuses with. A route that itself refuses is returned as a route.
 */
export function lookUpRoute(fib: FamilyFib, flow: Lookup, chooser: Chooser): TableRoute | RefusedType {
  if (fib.merged !== undefined) {
    const separate =
      fib.mergeMatters &&
      !chooser.unknown({ what: "no policy rule was ever added: the tables local and main are one" });
    if (!separate) return lookUpMerged(fib, fib.merged, flow, chooser);
  }
  const { rules } = fib;
  for (let i = 0; i < rules.length; i++) {
    const rule = rules[i] as PolicyRule;
    if (conditionsHold(rule, flow, chooser) === rule.negated) continue;
    const { action } = rule;
    if (action.kind === "nop") continue;
    if (action.kind === "goto") {
      const target = rules.findIndex(({ priority }, at) => at > i && priority === action.priority);
      if (target >= 0) i = target - 1;
      continue;
    }
    if (action.kind === "unreachable") return "none";
    if (action.kind !== "table") return action.kind;
    const table = fib.tables.get(action.table);
    const found = table === undefined ? undefined : lookUpTable(fib, table, flow, chooser);
    if (found !== undefined && !suppressed(rule, found)) return found;
  }
  return "none";
}

/** The table `local` alone, as `inet_addr_type` asks it: with `main` in it while they are one. */
export function lookUpLocal(fib: FamilyFib, address: Address): TableRoute | undefined {
  const table = fib.merged ?? fib.tables.get(LOCAL);
  if (table === undefined) return undefined;
  for (const level of table.levels) {
    for (let each = routesAt(level, address); each !== undefined; each = each.next) {
      if (each.route.tos !== 0) continue;
      if (each.refuses !== undefined) return undefined;
      if (usableHop(each, "")) return each;
    }
  }
  return undefined;
}
