import type { Host } from "../../kernel/host.ts";
import { exactDestination, exactPort } from "../../kernel/iptables/exact.ts";
import type { StoredElement } from "../../kernel/set-elements.ts";
import { valuesOfKey } from "../../kernel/set-key.ts";
import type { IPSet } from "../../kernel/sets.ts";
import type { IPFamily } from "../../net/family.ts";
import { listAt } from "../../net/multimap.ts";
import { addressTypes } from "../../rules/iptables/matches/addrtype.ts";
import type { Match, Rule } from "../../rules/iptables/model.ts";
import type { Chain } from "../../rules/iptables/ruleset.ts";
import { builtinChains } from "../../rules/iptables/ruleset.ts";
import type { VirtualServer } from "../../rules/ipvs/model.ts";
import { addressNumber } from "../field.ts";
import { ipNumber } from "../numbers.ts";

/** A rule of a chain that packets of any destination come to. */
export interface RulePlace {
  readonly table: string;
  readonly chain: string;
  /** From 0 within the chain. */
  readonly position: number;
  readonly rule: Rule;
}

/** An element of a set that only packets to one address can be. */
export interface ElementPlace {
  readonly set: IPSet;
  readonly element: StoredElement;
}

/** A chain that packets of any destination come to. */
export interface BaseChain {
  readonly chain: Chain;
  /** Positions of the rules that ask for no one destination and no one port. */
  readonly common: readonly number[];
}

/**
 * What of one side's rules, sets and virtual servers can concern a packet, by the one destination address or the one destination
 * port that each asks for. What asks for neither concerns all packets.
 */
export interface SideIndex {
  readonly host: Host;
  readonly family: IPFamily;
  /** By table and chain. */
  readonly base: ReadonlyMap<string, ReadonlyMap<string, BaseChain>>;
  /** Rules of base chains that ask for a destination, and perhaps a port. */
  readonly rulesByDestination: ReadonlyMap<bigint, readonly RulePlace[]>;
  /** Rules of base chains that ask for a port (protocol × 65536 + port) and no destination. */
  readonly rulesByPort: ReadonlyMap<number, readonly RulePlace[]>;
  /** All of `rulesByPort` are met only by packets to the host's own addresses. */
  readonly portsAreLocal: boolean;
  readonly elementsByDestination: ReadonlyMap<bigint, readonly ElementPlace[]>;
  /** Sets of which elements are told apart by destination, with those that concern all packets. */
  readonly splitSets: ReadonlyMap<string, readonly StoredElement[]>;
  readonly serversByDestination: ReadonlyMap<bigint, readonly VirtualServer[]>;
  /** Matches and targets of base chains. */
  readonly commonRules: readonly Rule[];
}

/** Holds a match for no packet but those to own addresses? */
function asksForOwn(match: Match): boolean {
  if (match.kind !== "addrtype" || match.limitInterface !== undefined) return false;
  return (
    match.destination !== undefined && !match.destination.negated && match.destination.value === addressTypes.LOCAL
  );
}

interface Walked {
  readonly base: Map<string, Map<string, BaseChain>>;
  readonly byDestination: Map<bigint, RulePlace[]>;
  readonly byPort: Map<number, RulePlace[]>;
  readonly common: Rule[];
}

/** Goes through the chains that packets of any destination come to, from the built-in ones on. */
function walkTable(into: Walked, table: string, chains: ReadonlyMap<string, Chain>): void {
  const known = new Map<string, BaseChain>();
  into.base.set(table, known);
  const open = (builtinChains.get(table) ?? []).filter((name) => chains.has(name));
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const chain = chains.get(name);
    if (chain === undefined || known.has(name)) continue;
    const common: number[] = [];
    for (const [position, rule] of chain.rules.entries()) {
      const destination = exactDestination(rule);
      const port = exactPort(rule);
      const place = { table, chain: name, position, rule };
      if (destination !== undefined) listAt(into.byDestination, addressNumber(destination)).push(place);
      else if (port !== undefined) listAt(into.byPort, port).push(place);
      else {
        common.push(position);
        into.common.push(rule);
        const { target } = rule;
        if (target?.kind === "jump" || target?.kind === "goto") open.push(target.chain);
      }
    }
    known.set(name, { chain, common });
  }
}

/** The base chains of a table that packets come to that are not for the host itself. */
function chainsForOthers(table: string, base: ReadonlyMap<string, BaseChain>): ReadonlySet<string> {
  const found = new Set<string>();
  const open = (builtinChains.get(table) ?? []).filter((name) => base.has(name) && name !== "INPUT");
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const known = base.get(name);
    if (known === undefined || found.has(name)) continue;
    found.add(name);
    for (const position of known.common) {
      const { target, matches } = known.chain.rules[position] as Rule;
      if (target?.kind !== "jump" && target?.kind !== "goto") continue;
      if (!matches.some(asksForOwn)) open.push(target.chain);
    }
  }
  return found;
}

/** Sets whose elements begin with an address; true where every rule looks at it by a packet's destination. */
function setsOfAddresses({ rules, sets }: Host, family: IPFamily): ReadonlyMap<string, boolean> {
  const members = new Set([...sets.values()].flatMap(({ members: names }) => names));
  const found = new Map<string, boolean>();
  for (const { name, dimensions, options, family: own } of sets.values()) {
    if (dimensions[0] !== "ip" || own !== family || members.has(name)) continue;
    if (options.netmask === undefined && options.bitmask === undefined) found.set(name, true);
  }
  for (const { chains } of rules[family].tables.values())
    for (const { rules: list } of chains.values())
      for (const { matches, target } of list) {
        for (const match of matches)
          if (match.kind === "set" && match.directions[0] !== "dst" && found.has(match.set.value))
            found.set(match.set.value, false);
        if (target?.kind !== "SET") continue;
        for (const asked of [target.add, target.delete, target.map]) if (asked !== undefined) found.delete(asked.set);
      }
  return found;
}

/** The address that an element begins with, where it is of the family. */
function firstAddress({ dimensions }: IPSet, { key }: StoredElement, family: IPFamily): bigint | undefined {
  const [first] = valuesOfKey(dimensions, key);
  return first?.kind === "ip" && first.address.family === family ? ipNumber(first.address) : undefined;
}

/**
 * Reads a side once: linear in its rules, elements and virtual servers. `isNoSource`: packets from an address are not looked at, so
 * that elements with it concern those to it alone, however rules look at them.
 */
export function indexSide(host: Host, family: IPFamily, isNoSource: (address: bigint) => boolean): SideIndex {
  const walked: Walked = { base: new Map(), byDestination: new Map(), byPort: new Map(), common: [] };
  for (const [table, { chains }] of host.rules[family].tables) walkTable(walked, table, chains);
  const forOthers = new Map([...walked.base].map(([table, base]) => [table, chainsForOthers(table, base)]));
  const ports = [...walked.byPort.values()].flat();
  const splitSets = new Map<string, readonly StoredElement[]>();
  const elements = new Map<bigint, ElementPlace[]>();
  for (const [name, byDestination] of setsOfAddresses(host, family)) {
    const set = host.sets.get(name);
    if (set === undefined) continue;
    const common: StoredElement[] = [];
    splitSets.set(name, common);
    for (const element of set.elements.list) {
      const address = firstAddress(set, element, family);
      if (address !== undefined && (byDestination || isNoSource(address)))
        listAt(elements, address).push({ set, element });
      else common.push(element);
    }
  }
  const servers = new Map<bigint, VirtualServer[]>();
  for (const { description } of host.services.byId.values()) {
    const { key } = description;
    if (key.kind === "address" && key.address.family === family)
      listAt(servers, ipNumber(key.address)).push(description);
  }
  return {
    host,
    family,
    base: walked.base,
    rulesByDestination: walked.byDestination,
    rulesByPort: walked.byPort,
    portsAreLocal: ports.every(({ table, chain }) => forOthers.get(table)?.has(chain) !== true),
    elementsByDestination: elements,
    splitSets,
    serversByDestination: servers,
    commonRules: walked.common,
  };
}
