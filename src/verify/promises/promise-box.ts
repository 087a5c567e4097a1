import type { OperatorFacts } from "../../intent/facts.ts";
import type { Frontend } from "../../intent/frontends.ts";
import type { Intent } from "../../intent/intent.ts";
import { addressKey, type Origin, type PacketAtNode, portKey } from "../../intent/packet.ts";
import type { KubernetesPromise } from "../../intent/promise.ts";
import { promiseOf } from "../../intent/promise-of.ts";
import { hasPorts, type Packet, protocols } from "../../kernel/packet.ts";
import type { IPFamily } from "../../net/family.ts";
import {
  containsValue,
  differenceOf,
  type IntervalSet,
  intersectionOf,
  interval,
  intervalsOf,
} from "../../net/intervals.ts";
import { isLoopback } from "../../net/ip.ts";
import { type Prefix, prefixContains } from "../../net/prefix.ts";
import { ascending } from "../../net/sorted.ts";
import { addressOf, ipOf } from "../../network/addresses.ts";
import type { SpacePart } from "../classes/space.ts";
import { prefixEdges } from "../edges.ts";
import { addressOfNumber, fieldValue, type Part } from "../field.ts";
import { ipNumber } from "../numbers.ts";
import { cutAt } from "../sight.ts";
import type { ClientsOf } from "./clients.ts";
import { type Places, placesOf } from "./places.ts";

/** What is promised about a packet, and the packets of which the same is promised. */
export interface PromisedBox {
  readonly box: Part;
  readonly asked: PacketAtNode;
  /** `undefined`: a Service is called by nobody that promises speak of. */
  readonly promise: KubernetesPromise | undefined;
  /** The frontends that the packet is for. */
  readonly frontends: readonly Frontend[];
}

const NAMES: ReadonlyMap<number, string> = new Map([
  [protocols.tcp, "TCP"],
  [protocols.udp, "UDP"],
  [protocols.sctp, "SCTP"],
]);

/** The numbers of a set that are on the same side of another as a value. */
const sideOf = (within: IntervalSet, set: IntervalSet, value: bigint): IntervalSet =>
  containsValue(set, value) ? intersectionOf(within, set) : differenceOf(within, set);

function prefixSet(prefixes: readonly Prefix[], family: IPFamily): IntervalSet {
  const own = prefixes.filter(({ address }) => address.family === family);
  const edges = ascending(own.flatMap(({ address, length }) => prefixEdges(addressOf(address), length, family)));
  const all = interval(0n, (1n << (family === "IPv4" ? 32n : 128n)) - 1n);
  const holds = (value: bigint): boolean =>
    own.some((prefix) => prefixContains(prefix, ipOf(addressOfNumber(value, family))));
  return intervalsOf(cutAt(all, edges).filter(({ from }) => holds(from)));
}

function frontendsFor(intent: Intent, { destination, protocol, port }: PacketAtNode): readonly Frontend[] {
  if (port === undefined) return [];
  const key = portKey(protocol, port);
  const own = isLoopback(destination) ? undefined : intent.byAddress.get(addressKey(destination));
  const isNode = isLoopback(destination) || intent.owners.has(addressKey(destination));
  return [...(own?.get(key) ?? []), ...(isNode ? (intent.nodePorts[destination.family].get(key) ?? []) : [])];
}

/** A Pod that is an endpoint of the port may call itself, of which less is promised: each such address stands alone. */
function besideEndpoints(sources: IntervalSet, source: bigint, frontends: readonly Frontend[]): IntervalSet {
  const addresses = frontends.flatMap(({ port }) => port.listed().map(({ ip }) => ipNumber(ip)));
  if (addresses.includes(source)) return interval(source);
  return differenceOf(sources, intervalsOf(addresses.map((value) => ({ from: value, to: value }))));
}

/** Sources that the promise of a packet to frontends does not tell apart. */
function sourcesLike(
  { sources: { knownPods } }: Intent,
  from: Origin | undefined,
  sources: IntervalSet,
  packet: Packet,
  frontends: readonly Frontend[],
): IntervalSet {
  const { family } = packet;
  const source = fieldValue(packet, "src");
  let found = sources;
  if (from === "pod" && knownPods !== "all") found = sideOf(found, prefixSet(knownPods, family), source);
  for (const { port } of frontends)
    if (port.ranges.kind === "only") found = sideOf(found, prefixSet(port.ranges.ranges, family), source);
  return from === "pod" ? besideEndpoints(found, source, frontends) : found;
}

/** Finds promises with the packets that they hold for. */
export type PromisedBoxAt = (part: SpacePart, packet: Packet) => PromisedBox;

interface Reader {
  readonly intent: Intent;
  readonly node: string;
  readonly places: Places;
  readonly clientsOf: ClientsOf;
}

function promisedBox({ intent, node, places, clientsOf }: Reader, part: SpacePart, packet: Packet): PromisedBox {
  const source = fieldValue(packet, "src");
  const { from, sources } = clientsOf(part, source);
  const destination = ipOf(packet.dst);
  const asked: PacketAtNode = {
    node,
    from: from ?? "outside",
    ...(from === "node" ? {} : { source: ipOf(packet.src) }),
    destination,
    protocol: NAMES.get(packet.protocol) ?? "ICMP",
    ...(hasPorts(packet.protocol) ? { port: packet.dport } : {}),
  };
  const box: { -readonly [F in keyof Part]: Part[F] } = { dst: places.like(destination) };
  const frontends = frontendsFor(intent, asked);
  if (asked.port !== undefined) {
    const { named, rest } = places.ports(destination, asked.protocol);
    const port = BigInt(asked.port);
    box.dport = containsValue(named, port) ? interval(port) : rest;
  }
  if (frontends.length > 0 && from !== "node") box.src = sourcesLike(intent, from, sources, packet, frontends);
  const promise = from === undefined && frontends.length > 0 ? undefined : promiseOf(intent, asked);
  return { box, asked, promise, frontends };
}

/**
 * For a packet at a node, what is promised about it (`promiseOf`) and a box around it in which the same is promised of all packets. The box
 * has the constants of one Service: its address and port, its ranges, its endpoints as senders; what no Service names is one set, made once.
 */
export function promisedBoxAt(
  intent: Intent,
  facts: OperatorFacts,
  node: string,
  family: IPFamily,
  clientsOf: ClientsOf,
): PromisedBoxAt {
  const reader: Reader = { intent, node, places: placesOf(intent, facts, family), clientsOf };
  return (part, packet) => promisedBox(reader, part, packet);
}
