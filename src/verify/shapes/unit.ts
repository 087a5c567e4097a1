import { exactPort } from "../../kernel/iptables/exact.ts";
import type { Rule } from "../../rules/iptables/model.ts";
import type { Chain } from "../../rules/iptables/ruleset.ts";
import type { VirtualServer } from "../../rules/ipvs/model.ts";
import { ipNumber } from "../numbers.ts";
import type { ElementPlace, RulePlace, SideIndex } from "./side-index.ts";
import type { Kept } from "./slice.ts";

/** Some of a node's packets, by where they go. */
export interface Unit {
  /** One destination; absent: all those that nothing asks for one by one. */
  readonly destination: bigint | undefined;
  /** Protocol × 65536 + one port; absent: all ports, or those that have no units of their own (`split`). */
  readonly port: number | undefined;
  /** Some ports of the destination have units of their own. */
  readonly split: boolean;
}

/** Everything of a side that a unit's packets may meet, and all destinations and ports that they may be given. */
export interface Reach {
  readonly kept: Kept;
  /** How many of the rules, the first of them, are kept for the unit; the others are there for all ports. */
  readonly ownRules: number;
  /** Destinations on the way: their own first. */
  readonly destinations: readonly bigint[];
  /** Rules by port were all kept, as the packets may come to the host itself. */
  readonly allPorts: boolean;
}

const chainKey = (table: string, chain: string): string => `${table} ${chain}`;
/** A port's number without its protocol. */
export const portOf = (port: number): number => port % 65536;
/** Its protocol. */
export const protocolOf = (port: number): number => Math.floor(port / 65536);

/** Which ports something is looked for. */
type Wanted = number | "any" | "others";

const wantedOf = ({ port, split }: Unit): Wanted => port ?? (split ? "others" : "any");

/** Is a virtual server found by a port? One of FTP is also found by those of its data. */
function isFound({ key }: VirtualServer, port: Wanted): boolean {
  if (port === "any" || key.kind !== "address" || key.port === 0 || (key.port === 21 && key.protocol === 6))
    return true;
  return key.protocol * 65536 + key.port === port;
}

function isMet({ rule }: RulePlace, port: Wanted): boolean {
  const asked = port === "any" ? undefined : exactPort(rule);
  return asked === undefined || asked === port;
}

class Reaching {
  readonly rules: RulePlace[] = [];
  readonly chains = new Set<string>();
  readonly elements: ElementPlace[] = [];
  readonly servers: VirtualServer[] = [];
  readonly destinations: bigint[] = [];
  readonly ports = new Set<number>();
  readonly #known = new Set<bigint>();
  readonly #index: SideIndex;
  /** Packets may be given the destination that they have already, at another port. */
  comesBack = false;

  constructor(index: SideIndex) {
    this.#index = index;
  }

  add(destination: bigint): void {
    if (this.#known.has(destination)) {
      if (destination === this.destinations[0]) this.comesBack = true;
      return;
    }
    this.#known.add(destination);
    this.destinations.push(destination);
  }

  /** What packets to an address meet; `port`: the only one that they go to. */
  visit(destination: bigint, port: Wanted): void {
    const { rulesByDestination, elementsByDestination, serversByDestination } = this.#index;
    for (const place of rulesByDestination.get(destination) ?? []) if (isMet(place, port)) this.take(place);
    for (const place of elementsByDestination.get(destination) ?? []) this.elements.push(place);
    for (const server of serversByDestination.get(destination) ?? []) {
      if (!isFound(server, port)) continue;
      this.servers.push(server);
      for (const real of server.realServers) {
        this.add(ipNumber(real.address));
        this.ports.add(real.port);
      }
    }
  }

  take(place: RulePlace): void {
    this.rules.push(place);
    this.#follow(place.table, place.rule);
  }

  #follow(table: string, { target }: Rule): void {
    if (target === undefined) return;
    if (target.kind === "jump" || target.kind === "goto") {
      const key = chainKey(table, target.chain);
      if (this.chains.has(key) || this.#index.base.get(table)?.has(target.chain) === true) return;
      this.chains.add(key);
      for (const rule of chainOf(this.#index, table, target.chain)?.rules ?? []) this.#follow(table, rule);
    } else if (target.kind === "DNAT") {
      // where a rule leads to several, nothing is looked at by destination (`untold`)
      const { addresses, ports } = target.range;
      if (addresses !== undefined) this.add(ipNumber(addresses.from));
      if (ports !== undefined) this.ports.add(ports.from);
    }
  }
}

/** All that packets to a destination meet there, and behind it. */
function reachingFrom(index: SideIndex, { destination, port }: Unit, wanted: Wanted): Reaching {
  const reaching = new Reaching(index);
  if (destination !== undefined) {
    reaching.add(destination);
    reaching.visit(destination, wanted);
  }
  if (port !== undefined) for (const place of index.rulesByPort.get(port) ?? []) reaching.take(place);
  // destinations are added while they are gone through: what they are given to is gone through, too
  for (const [i, next] of reaching.destinations.entries())
    if (i > 0 || destination === undefined) reaching.visit(next, "any");
  return reaching;
}

/**
 * What a unit's packets may meet on a side. `isOwn`: is an address the host's own there? Rules by port that only the host's own packets
 * come to are left out where no destination is its own.
 */
export function reachOf(index: SideIndex, unit: Unit, isOwn: (address: bigint) => boolean): Reach {
  const { destination, port } = unit;
  const wanted = wantedOf(unit);
  const first = reachingFrom(index, unit, wanted);
  const reaching = first.comesBack && wanted !== "any" ? reachingFrom(index, unit, "any") : first;
  const mayBeOwn = reaching.destinations.some(isOwn) || destination === undefined;
  const allPorts = wanted === "any" && (mayBeOwn || !index.portsAreLocal) && index.rulesByPort.size > 0;
  const { rules, chains, elements, servers } = reaching;
  const ownRules = reaching.rules.length;
  if (allPorts) {
    for (const places of index.rulesByPort.values()) for (const place of places) reaching.take(place);
  } else if (mayBeOwn || !index.portsAreLocal) {
    for (const [key, places] of index.rulesByPort)
      if (key !== port && reaching.ports.has(portOf(key))) for (const place of places) reaching.take(place);
  }
  return {
    kept: { rules, chains, elements, servers },
    ownRules: allPorts ? ownRules : rules.length,
    destinations: reaching.destinations,
    allPorts,
  };
}

/** A chain that a rule of a unit leads to. */
export function chainOf({ host, family }: SideIndex, table: string, name: string): Chain | undefined {
  return host.rules[family].tables.get(table)?.chains.get(name);
}
