import type { Host, Interface, Route } from "../../kernel/host.ts";
import { indexServices } from "../../kernel/ipvs/service-index.ts";
import { makeHost } from "../../kernel/make-host.ts";
import { SetElements, type StoredElement } from "../../kernel/set-elements.ts";
import type { IPSet } from "../../kernel/sets.ts";
import type { IPFamily } from "../../net/family.ts";
import { listAt } from "../../net/multimap.ts";
import type { Rule } from "../../rules/iptables/model.ts";
import { type Chain, emptyRuleset, type Ruleset, type Table } from "../../rules/iptables/ruleset.ts";
import type { VirtualServer } from "../../rules/ipvs/model.ts";
import { addressNumber } from "../field.ts";
import { notePositions } from "../rule-number.ts";
import type { Individuals } from "./individuals.ts";
import type { ElementPlace, RulePlace, SideIndex } from "./side-index.ts";

/** What of a side can concern some packets, beside what concerns all. */
export interface Kept {
  readonly rules: readonly RulePlace[];
  /** Chains that only those rules lead to, as `TABLE CHAIN`. */
  readonly chains: ReadonlySet<string>;
  readonly elements: readonly ElementPlace[];
  readonly servers: readonly VirtualServer[];
}

/** Nothing but what concerns all. */
export const nothingKept: Kept = { rules: [], chains: new Set(), elements: [], servers: [] };

/** Makes small hosts of a large one, on which the packets that their parts were kept for go as they go on the large one. */
export type Slicer = (kept: Kept, individuals: ReadonlySet<bigint>) => Host;

interface Numbered<T> {
  readonly value: T;
  readonly at: number;
}

const inOrder = <T>(list: readonly Numbered<T>[]): T[] =>
  [...list].sort((a, b) => a.at - b.at).map(({ value }) => value);

function sliceTable(table: Table, index: SideIndex, { rules, chains }: Kept): Table {
  const made = new Map<string, Chain>();
  const kept = new Map<string, RulePlace[]>();
  for (const place of rules) if (place.table === table.name) listAt(kept, place.chain).push(place);
  for (const [name, { chain, common }] of index.base.get(table.name) ?? []) {
    const own = kept.get(name);
    if (own === undefined && common.length === chain.rules.length) {
      made.set(name, chain);
      continue;
    }
    const positions = new Set([...common, ...(own ?? []).map(({ position }) => position)]);
    const sorted = [...positions].sort((a, b) => a - b);
    const less = { ...chain, rules: sorted.map((position) => chain.rules[position] as Rule) };
    notePositions(less, sorted);
    made.set(name, less);
  }
  for (const key of chains) {
    const [of, name = ""] = key.split(" ");
    const chain = of === table.name ? table.chains.get(name) : undefined;
    if (chain !== undefined && !made.has(name)) made.set(name, chain);
  }
  return { name: table.name, chains: made };
}

function sliceSets(host: Host, splitSets: SideIndex["splitSets"], elements: readonly ElementPlace[]): Host["sets"] {
  const kept = new Map<string, StoredElement[]>();
  for (const { set, element } of elements) listAt(kept, set.name).push(element);
  const one = (set: IPSet): IPSet => {
    const common = splitSets.get(set.name);
    return common === undefined
      ? set
      : { ...set, elements: new SetElements([...common, ...(kept.get(set.name) ?? [])]) };
  };
  return new Map([...host.sets].map(([name, set]) => [name, one(set)]));
}

/** Addresses of other families are no part of a slice. */
const ofFamily = (device: Interface, family: IPFamily): Interface => ({
  ...device,
  addresses: device.addresses.filter((own) => own.family === family),
});

/** `left`: addresses that are left out unless they are kept, and what is there for each alone. */
export function slicerOf(index: SideIndex, { byAddress: left }: Individuals): Slicer {
  const { host, family } = index;
  const devices = new Set([...left.values()].flatMap(({ device }) => device?.name ?? []));
  const isLeft = (address: Interface["addresses"][number]): boolean =>
    left.get(addressNumber(address.address))?.kind === "bound";
  const routeOf = new Map([...left].map(([address, { route }]) => [route, address] as const));
  const routes: Numbered<Route>[] = [];
  const ownRoutes = new Map<bigint, Numbered<Route>>();
  for (const [at, route] of host.routes.entries()) {
    if (route.family !== family) continue;
    const of = routeOf.get(route);
    // what an interface of one's own brings along, link-local addresses say, goes with it
    if (of === undefined) {
      if (!route.nextHops.some(({ device }) => devices.has(device))) routes.push({ value: route, at });
    } else ownRoutes.set(of, { value: route, at });
  }
  const deviceRoutes = new Map<string, Numbered<Route>[]>();
  for (const [at, route] of host.routes.entries())
    if (route.family === family && !routeOf.has(route))
      for (const { device } of route.nextHops)
        if (devices.has(device)) listAt(deviceRoutes, device).push({ value: route, at });
  const interfaces = host.interfaces.map((device) => {
    const own = ofFamily(device, family);
    return { ...own, addresses: own.addresses.filter((address) => !isLeft(address)) };
  });
  const numbered = new Map(host.interfaces.map((device, at) => [device.name, at] as const));
  const common = interfaces.flatMap((value, at) => (devices.has(value.name) ? [] : [{ value, at }]));
  const boundOn = new Map<bigint, { readonly device: string; readonly at: number }>();
  for (const { name, addresses } of host.interfaces)
    for (const [at, own] of addresses.entries())
      if (own.family === family && isLeft(own)) boundOn.set(addressNumber(own.address), { device: name, at });

  /** Interfaces with the addresses that are kept, in their order. */
  const sliceInterfaces = (kept: readonly bigint[]): readonly Interface[] => {
    const more = new Map<string, number[]>();
    for (const address of kept) {
      const bound = boundOn.get(address);
      if (bound !== undefined) listAt(more, bound.device).push(bound.at);
    }
    const own = kept.flatMap((address) => left.get(address)?.device?.name ?? []);
    const list = [
      ...common,
      ...[...new Set(own)].map((name) => ({
        at: numbered.get(name) as number,
        value: interfaces[numbered.get(name) as number] as Interface,
      })),
    ];
    return inOrder(list).map((device) => {
      const added = more.get(device.name);
      const full = host.interfaces[numbered.get(device.name) as number];
      if (added === undefined || full === undefined) return device;
      const there = new Set(added.map((at) => full.addresses[at]));
      const addresses = full.addresses.filter((each) => each.family === family && (!isLeft(each) || there.has(each)));
      return { ...device, addresses };
    });
  };

  return (kept, individuals) => {
    const here = [...individuals].filter((address) => left.has(address));
    const ownDevices = [...new Set(here.flatMap((address) => left.get(address)?.device?.name ?? []))];
    const rules: Ruleset = {
      ...host.rules[family],
      tables: new Map([...host.rules[family].tables].map(([name, table]) => [name, sliceTable(table, index, kept)])),
    };
    const made = makeHost(
      {
        ...host,
        interfaces: sliceInterfaces(here),
        routes: inOrder([
          ...routes,
          ...here.flatMap((address) => ownRoutes.get(address) ?? []),
          ...ownDevices.flatMap((name) => deviceRoutes.get(name) ?? []),
        ]),
        rules: { IPv4: emptyRuleset, IPv6: emptyRuleset, [family]: rules },
        ...(host.ipvs === undefined ? {} : { ipvs: { ...host.ipvs, virtualServers: kept.servers } }),
      },
      sliceSets(host, index.splitSets, kept.elements),
    );
    // ip_vs hooks into a family as soon as it has any virtual server
    const { byId, byAddress } = indexServices({ virtualServers: kept.servers });
    const services = { ...host.services, byId, byAddress };
    return { ...made, tracks: host.tracks, services };
  };
}
