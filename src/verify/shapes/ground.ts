import type { Host } from "../../kernel/host.ts";
import { isLoopback4, ownerOf } from "../../kernel/routing/address.ts";
import type { IPFamily } from "../../net/family.ts";
import { listAt } from "../../net/multimap.ts";
import type { Side } from "../classes/space.ts";
import { addressOfNumber } from "../field.ts";
import { type CommonConstants, commonConstants } from "./constants.ts";
import { commonIndividuals, type Individuals } from "./individuals.ts";
import { indexSide, type SideIndex } from "./side-index.ts";
import { type SiteOf, sitesOf } from "./sites.ts";
import { nothingKept, type Slicer, slicerOf } from "./slice.ts";

/** Two sides or more, read once, ready to be looked at in small pieces. */
export interface Ground {
  readonly sides: readonly Side[];
  readonly family: IPFamily;
  readonly indexes: readonly SideIndex[];
  readonly constants: CommonConstants;
  readonly slicers: readonly Slicer[];
  readonly siteOf: SiteOf;
  /** Addresses that may be left out on each side. */
  readonly individuals: readonly Individuals[];
  /** Those of all sides, in order. */
  readonly leavable: readonly bigint[];
  readonly isLeavable: (address: bigint) => boolean;
  /** Those elsewhere, by site: one of each stands for the others. */
  readonly bySite: ReadonlyMap<number, readonly bigint[]>;
  /** Destinations that something asks for one by one. */
  readonly destinations: ReadonlySet<bigint>;
  /** These, and those that may be left out, in order. */
  readonly asked: readonly bigint[];
  /** Ports (protocol × 65536 + port) that rules ask for at any destination. */
  readonly ports: ReadonlySet<number>;
  /** Is an address a side's own? */
  readonly isOwn: (side: number, address: bigint) => boolean;
}

function ownedBy(host: Host, family: IPFamily): (address: bigint) => boolean {
  if (host.fib.customLocalRoutes || host.fib[family].customRules) return () => true;
  return (number) => {
    const address = addressOfNumber(number, family);
    return isLoopback4(address) || ownerOf(host, address) !== undefined;
  };
}

const sorted = (values: Iterable<bigint>): readonly bigint[] => [...values].sort((a, b) => (a < b ? -1 : 1));

/** Reads the sides: linear in their rules, elements, virtual servers and routes. */
export function groundOf(sides: readonly Side[], family: IPFamily): Ground {
  const hosts = sides.map(({ host }) => host);
  const individuals = commonIndividuals(hosts, family);
  // what is an own address on one side is no source that all of them could get packets from
  const isBound = (address: bigint): boolean =>
    individuals.some(({ byAddress }) => byAddress.get(address)?.kind === "bound");
  const indexes = hosts.map((host) => indexSide(host, family, isBound));
  const constants = commonConstants(indexes, family);
  const slicers = indexes.map((index, i) => slicerOf(index, individuals[i] as Individuals));
  const siteOf = sitesOf(
    hosts.map((host, i) => ({
      host,
      individuals: individuals[i] as Individuals,
      rest: (slicers[i] as Slicer)(nothingKept, new Set()),
    })),
    constants,
    family,
  );
  const leavable = new Set(individuals.flatMap(({ byAddress }) => [...byAddress.keys()]));
  const bySite = new Map<number, bigint[]>();
  const order = sorted(leavable);
  for (const address of order)
    if (individuals.every(({ byAddress }) => byAddress.get(address)?.kind !== "bound"))
      listAt(bySite, siteOf(address)).push(address);
  const destinations = new Set<bigint>();
  for (const { rulesByDestination, elementsByDestination, serversByDestination } of indexes)
    for (const map of [rulesByDestination, elementsByDestination, serversByDestination])
      for (const address of map.keys()) destinations.add(address);
  for (const { byAddress } of individuals)
    for (const [address, { kind }] of byAddress) if (kind === "bound") destinations.add(address);
  const own = hosts.map((host) => ownedBy(host, family));
  return {
    sides,
    family,
    indexes,
    constants,
    slicers,
    siteOf,
    individuals,
    leavable: order,
    isLeavable: (address) => leavable.has(address),
    bySite,
    destinations,
    asked: sorted(new Set([...destinations, ...order])),
    ports: new Set(indexes.flatMap(({ rulesByPort }) => [...rulesByPort.keys()])),
    isOwn: (side, address) => own[side]?.(address) === true,
  };
}
