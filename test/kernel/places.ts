import type { Address } from "../../src/kernel/packet.ts";
import type { IPFamily } from "../../src/net/family.ts";
import type { IPAddress } from "../../src/net/ip.ts";
import { type Prefix, parsePrefix, prefixContains } from "../../src/net/prefix.ts";
import { addressesOf, addressKey, type RuleConstants } from "./constants.ts";
import { ownAddresses, peersOf, type Role, type Topology, type TopologyInterface } from "./topology.ts";

export const sourceClasses = ["uplink", "pod", "tunnel", "local"] as const;
export type SourceClass = (typeof sourceClasses)[number];

export const destinationClasses = [
  "frontend",
  "node",
  "loopback",
  "pod",
  "remote pod",
  "external",
  "multicast",
  "unroutable",
] as const;
export type DestinationClass = (typeof destinationClasses)[number];

const CLASS_BEHIND: Readonly<Record<Role, DestinationClass>> = {
  uplink: "external",
  pod: "pod",
  tunnel: "remote pod",
  host: "node",
};

const asIP = (address: Address): IPAddress =>
  typeof address === "number" ? { family: "IPv4", value: address } : { family: "IPv6", words: address };

interface Way {
  readonly prefix: Prefix;
  readonly device: TopologyInterface | undefined;
}

/** Ways of the main table, the longest prefix first: for the classes of addresses only, not the kernel's own look-up. */
function waysOf({ interfaces, routes }: Topology, family: IPFamily): Way[] {
  const connected = interfaces.flatMap((device) =>
    device.addresses.map((text) => ({ prefix: parsePrefix(text), device })),
  );
  const given = routes
    .filter(({ table }) => table === undefined)
    .map(({ destination, device }) => ({
      prefix: parsePrefix(destination),
      device: interfaces.find(({ name }) => name === device),
    }));
  return [...connected, ...given]
    .flatMap(({ prefix, device }) => (prefix?.address.family === family ? [{ prefix, device }] : []))
    .sort((a, b) => b.prefix.length - a.prefix.length);
}

/** Which addresses lie where, as seen from a node and its rules. */
export interface Places {
  readonly family: IPFamily;
  readonly topology: Topology;
  readonly own: readonly Address[];
  readonly destinations: Readonly<Record<DestinationClass, readonly Address[]>>;
  readonly classOf: (address: Address) => DestinationClass;
  /** The interface by which packets to an address leave; `undefined` for the node's own and unroutable ones. */
  readonly deviceTo: (address: Address) => TopologyInterface | undefined;
}

const LOOPBACK = { IPv4: ["127.0.0.1", "127.0.0.53"], IPv6: ["::1"] } as const;
const MULTICAST = {
  IPv4: ["255.255.255.255", "224.0.0.1", "239.1.2.3", "10.244.1.255", "192.168.0.255"],
  IPv6: ["ff02::1", "ff05::2"],
} as const;
const UNROUTABLE = {
  IPv4: ["198.18.0.5", "198.18.1.5", "198.18.2.5", "198.18.3.5"],
  IPv6: ["2001:db8:b0::5", "2001:db8:b1::5", "2001:db8:b2::5", "2001:db8:b3::5"],
} as const;

function classifier(
  ways: readonly Way[],
  own: ReadonlySet<string>,
  frontends: ReadonlySet<string>,
  special: ReadonlySet<string>,
) {
  const known = new Map<string, DestinationClass>();
  const look = (address: Address, key: string): DestinationClass => {
    if (typeof address === "number") {
      if (address >>> 24 === 127) return "loopback";
      if (address >>> 28 >= 14 || address >>> 24 === 0) return "multicast";
    } else {
      if (address[0] === 0 && address[1] === 0 && address[2] === 0) return "loopback";
      if (address[0] >>> 24 === 0xff) return "multicast";
    }
    if (own.has(key)) return "node";
    if (special.has(key)) return "multicast";
    if (frontends.has(key)) return "frontend";
    const device = ways.find(({ prefix }) => prefixContains(prefix, asIP(address)))?.device;
    return device === undefined ? "unroutable" : CLASS_BEHIND[device.role];
  };
  return (address: Address): DestinationClass => {
    const key = addressKey(address);
    let found = known.get(key);
    if (found === undefined) {
      found = look(address, key);
      known.set(key, found);
    }
    return found;
  };
}

/** Sorts the addresses of a topology and of a rule set into classes. */
export function findPlaces(topology: Topology, constants: RuleConstants, family: IPFamily): Places {
  const read = (texts: readonly string[]): Address[] => addressesOf(texts, family);
  const own = read(ownAddresses(topology, family));
  const ways = waysOf(topology, family);
  const ownKeys = new Set(own.map(addressKey));
  const frontendKeys = new Set(
    constants.frontends.flatMap(({ address }) => (address === undefined ? [] : [addressKey(address)])),
  );
  const special = read(MULTICAST[family]);
  const classOf = classifier(ways, ownKeys, frontendKeys, new Set(special.map(addressKey)));
  const peers = read(topology.interfaces.flatMap((device) => peersOf(device, family)));
  const all = [
    ...own,
    ...peers,
    ...constants.addresses,
    ...special,
    ...read(LOOPBACK[family]),
    ...read(UNROUTABLE[family]),
  ];
  const destinations = Object.fromEntries(
    destinationClasses.map((name) => [name, all.filter((address) => classOf(address) === name)]),
  ) as Record<DestinationClass, Address[]>;
  const deviceTo = (address: Address): TopologyInterface | undefined =>
    ownKeys.has(addressKey(address))
      ? undefined
      : ways.find(({ prefix }) => prefixContains(prefix, asIP(address)))?.device;
  return { family, topology, own, destinations, classOf, deviceTo };
}

/** Class of the place a packet comes from. */
export function sourceClass(topology: Topology, from: string | undefined): SourceClass {
  const role = topology.interfaces.find(({ name }) => name === from)?.role;
  return role === undefined || role === "host" ? "local" : role;
}
