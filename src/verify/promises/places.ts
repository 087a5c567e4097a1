import type { OperatorFacts } from "../../intent/facts.ts";
import type { ByPort, Intent } from "../../intent/intent.ts";
import { hasNodePorts } from "../../intent/node-ports.ts";
import { addressKey } from "../../intent/packet.ts";
import type { IPFamily } from "../../net/family.ts";
import { differenceOf, type Interval, type IntervalSet, interval, intervalsOf, unionOf } from "../../net/intervals.ts";
import { formatIP, type IPAddress, isLoopback } from "../../net/ip.ts";
import { ascending } from "../../net/sorted.ts";
import { addressOf, ipOf } from "../../network/addresses.ts";
import { prefixEdges } from "../edges.ts";
import { addressNumber, addressOfNumber } from "../field.ts";
import { ipNumber } from "../numbers.ts";
import { cutAt } from "../sight.ts";

/** Where packets of one family may go, as far as promises tell destinations and ports apart. */
export interface Places {
  /** Addresses that mean the same as one: the address alone where Services name it. */
  readonly like: (destination: IPAddress) => IntervalSet;
  /** Ports of an address that mean something in a protocol, and those that mean nothing there. */
  readonly ports: (
    destination: IPAddress,
    protocol: string,
  ) => { readonly named: IntervalSet; readonly rest: IntervalSet };
}

const ALL_PORTS = interval(0n, 0xffffn);
const ALL: Readonly<Record<IPFamily, IntervalSet>> = {
  IPv4: interval(0n, (1n << 32n) - 1n),
  IPv6: interval(0n, (1n << 128n) - 1n),
};
const LOOPBACK: Readonly<Record<IPFamily, IntervalSet>> = {
  IPv4: interval(0x7f000000n, 0x7fffffffn),
  IPv6: interval(1n),
};
const ONE_ITSELF = "127.0.0.1";

const single = (ip: IPAddress): Interval => ({ from: ipNumber(ip), to: ipNumber(ip) });

/** Numbers of the ports of a protocol in an index (`portKey`). */
function portsIn(index: ByPort | undefined, protocol: string): IntervalSet {
  const numbers = [...(index?.keys() ?? [])].flatMap((key) => {
    const [name, number = "0"] = key.split(" ");
    return name === protocol ? [{ from: BigInt(number), to: BigInt(number) }] : [];
  });
  return intervalsOf(numbers);
}

/** Addresses that no Service names, by what they are: whose, and whether node ports are open there. */
function groupsOf(
  intent: Intent,
  { nodeAddresses }: OperatorFacts,
  family: IPFamily,
): ReadonlyMap<string, IntervalSet> {
  const found = new Map<string, Interval[]>();
  const add = (key: string, piece: Interval): void => {
    const list = found.get(key);
    if (list === undefined) found.set(key, [piece]);
    else list.push(piece);
  };
  for (const ip of [...nodeAddresses.values()].flat())
    if (ip.family === family && !intent.byAddress.has(addressKey(ip))) add(groupOf(intent, ip), single(ip));
  const edges = [
    ...intent.places.networks.flatMap(({ address, length }) => prefixEdges(addressOf(address), length, family)),
    ...prefixEdges(0x7f000001, 32, family),
  ];
  for (const piece of cutAt(LOOPBACK[family], ascending(edges)))
    add(groupOf(intent, ipOf(addressOfNumber(piece.from, family))), piece);
  return new Map([...found].map(([key, pieces]) => [key, intervalsOf(pieces)]));
}

/** What decides about a node's address besides ports (`nodePromise`). */
function groupOf(intent: Intent, ip: IPAddress): string {
  if (isLoopback(ip)) return `loopback ${formatIP(ip) === ONE_ITSELF} ${hasNodePorts(intent.places, ip, [])}`;
  const owner = intent.owners.get(addressKey(ip)) ?? "";
  return `${owner} ${hasNodePorts(intent.places, ip, intent.nodes.get(owner)?.primary ?? [])}`;
}

function once<K, V>(make: (key: K) => V): (key: K) => V {
  const made = new Map<K, V>();
  return (key) => {
    const found = made.get(key) ?? make(key);
    made.set(key, found);
    return found;
  };
}

/** Reads the constants of all Services once; an answer has those of one address. */
export function placesOf(intent: Intent, facts: OperatorFacts, family: IPFamily): Places {
  const groups = groupsOf(intent, facts, family);
  const named = [...intent.byAddress.values()].flatMap((ports) => {
    const address = [...ports.values()][0]?.[0]?.address;
    return address?.family === family ? [single(address)] : [];
  });
  const nobody = differenceOf(ALL[family], intervalsOf([...named, ...[...groups.values()].flat()]));
  const checks = intervalsOf([...intent.healthChecks.keys()].map((port) => ({ from: BigInt(port), to: BigInt(port) })));
  const ofNodes = once((protocol: string) => {
    const open = portsIn(intent.nodePorts[family], protocol);
    return protocol === "TCP" ? unionOf(open, checks) : open;
  });
  const restOfNodes = once((protocol: string) => differenceOf(ALL_PORTS, ofNodes(protocol)));
  const isNodes = (ip: IPAddress): boolean => isLoopback(ip) || intent.owners.has(addressKey(ip));
  return {
    like: (ip) => {
      const own = interval(addressNumber(addressOf(ip)));
      if (intent.byAddress.has(addressKey(ip)) && !isLoopback(ip)) return own;
      return isNodes(ip) ? (groups.get(groupOf(intent, ip)) ?? own) : nobody;
    },
    ports: (ip, protocol) => {
      const services = isLoopback(ip) ? undefined : intent.byAddress.get(addressKey(ip));
      if (services === undefined)
        return isNodes(ip) ? { named: ofNodes(protocol), rest: restOfNodes(protocol) } : { named: [], rest: ALL_PORTS };
      const own = portsIn(services, protocol);
      const all = isNodes(ip) ? unionOf(own, ofNodes(protocol)) : own;
      return { named: all, rest: differenceOf(ALL_PORTS, all) };
    },
  };
}
