import { type Breach, breachesOf, type Seen } from "../../src/intent/breaches.ts";
import type { Origin, PacketAtNode } from "../../src/intent/packet.ts";
import type { KubernetesPromise } from "../../src/intent/promise.ts";
import { promiseOf } from "../../src/intent/promise-of.ts";
import { type Address, makePacket, type Packet, protocols, sameAddress } from "../../src/kernel/packet.ts";
import { endpointText } from "../../src/kernel/packet-text.ts";
import { type IPFamily, ipFamilies } from "../../src/net/family.ts";
import { formatIP, isLoopback, parseIP } from "../../src/net/ip.ts";
import type { Random } from "../../src/net/random.ts";
import { addressOf, ipOf, textOf } from "../../src/network/addresses.ts";
import { type JourneyBranch, type JourneyOptions, journeysOf, type Sender } from "../../src/network/journey.ts";
import type { Network } from "../../src/network/network.ts";
import { NetworkState } from "../../src/network/network-state.ts";
import type { Place } from "./place.ts";

/** A packet, who sends it and where it comes in. */
export interface Call {
  readonly packet: Packet;
  readonly sender: Sender;
  readonly asked: PacketAtNode;
  readonly options: JourneyOptions;
}

/** Where something seen is not what was promised. */
export interface Fault {
  readonly call: Call;
  readonly promise: KubernetesPromise;
  readonly branch: JourneyBranch;
  readonly seen: Seen;
  readonly breaches: readonly Breach[];
}

/** How much a law has looked at. */
export interface LawCounts {
  readonly outcomes: Map<string, number>;
  unknown: number;
  branches: number;
}

const NUMBERS: Readonly<Record<string, number>> = {
  TCP: protocols.tcp,
  UDP: protocols.udp,
  SCTP: protocols.sctp,
};

function sameTuple(a: Packet, b: Packet): boolean {
  return sameAddress(a.dst, b.dst) && a.dport === b.dport;
}

/** What a journey's end is to somebody who knows only of promises; `undefined` where the end is not known. */
export function seenOf({ packet, sender }: Call, { journey }: JourneyBranch): Seen | undefined {
  const { end, packet: seen } = journey.there;
  const arrived = (): Seen => ({
    kind: "arrived",
    ip: ipOf(seen.dst),
    port: seen.dport,
    source: sameAddress(packet.src, seen.src) ? "kept" : "rewritten",
    itself: sender.kind === "pod" && end.kind === "pod" && end.node === sender.node && end.pod === sender.pod,
    // an endpoint that is on no node is somebody outside, of whom no object tells the way back
    ...(end.kind === "outside" || journey.reply === undefined || journey.reply.arrival === "unknown"
      ? {}
      : { answered: journey.reply.arrival === "as-called" }),
  });
  switch (end.kind) {
    case "unknown":
      // out of the cluster, to an address that routers outside may hand to a node again
      return sameTuple(packet, seen) && end.what.what.endsWith("from outside") ? { kind: "passed" } : undefined;
    case "rejected":
      return { kind: "refused" };
    case "dropped":
      return { kind: "dropped" };
    case "no-route":
      return sameTuple(packet, seen) ? { kind: "dropped" } : undefined;
    case "stuck":
      return { kind: end.virtualServer === undefined ? "dropped" : "refused" };
    case "host":
      return sameTuple(packet, seen) ? { kind: "node", node: end.node } : arrived();
    case "pod":
      return arrived();
    case "outside":
    case "nobody":
      return sameTuple(packet, seen) ? { kind: "passed" } : arrived();
  }
}

/** A journey in a text that equal ones share, whichever rule decided. */
function likeness({ journey: { there } }: JourneyBranch): string {
  const { end, packet } = there;
  const where = "node" in end ? end.node : "";
  const who = end.kind === "pod" ? end.pod : "";
  return [end.kind, where, who, textOf(packet.src), textOf(packet.dst), packet.dport].join(" ");
}

/** Whose turn it is among real servers is no matter of promises: each may get the packet. */
function waysOf(network: Network, { packet, sender, options }: Call): readonly JourneyBranch[] {
  return journeysOf({ network, state: new NetworkState() }, packet, sender, { ...options, anyTurn: true }).branches;
}

/** All ways of a call that are not as promised. */
export function faultsOf(place: Place, call: Call, counts: LawCounts): readonly Fault[] {
  const promise = promiseOf(place.intent, call.asked);
  const { kind } = promise.outcome;
  counts.outcomes.set(kind, (counts.outcomes.get(kind) ?? 0) + 1);
  if (kind === "unpromised") return [];
  const likeNoService = kind === "none" ? new Set(waysOf(place.without, call).map(likeness)) : new Set<string>();
  return waysOf(place.network, call).flatMap((branch) => {
    counts.branches++;
    const seen = seenOf(call, branch);
    if (seen === undefined) {
      counts.unknown++;
      return [];
    }
    const unsure = seen.kind === "arrived" && place.ambiguous.has(formatIP(seen.ip));
    const breaches = breachesOf(promise, seen, likeNoService.has(likeness(branch))).filter(
      (breach) => !(unsure && breach === "no answer"),
    );
    return breaches.length === 0 ? [] : [{ call, promise, branch, seen, breaches }];
  });
}

/** An address and port that a packet may be sent to. */
interface Target {
  readonly address: Address;
  readonly port: number;
  readonly protocol: string;
}

const addresses = (texts: readonly (string | undefined)[]): readonly Address[] =>
  texts.flatMap((text) => {
    const ip = parseIP(text ?? "");
    return ip === undefined ? [] : [addressOf(ip)];
  });

/** Everything that objects name as an address and a port of a Service, or that has to do with one. */
export function targetsOf({ cluster, facts }: Place): readonly Target[] {
  const ofNodes = [...facts.nodeAddresses.values()].flat().map(addressOf);
  const loopbacks = addresses(["127.0.0.1", "::1"]);
  return cluster.services.flatMap(({ value: { spec = {}, status } }) => {
    const ingress = (status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip);
    const own = addresses([spec.clusterIP, ...(spec.clusterIPs ?? []), ...(spec.externalIPs ?? []), ...ingress]);
    const check = spec.healthCheckNodePort ?? 0;
    const checks = check === 0 ? [] : ofNodes.map((address) => ({ address, port: check, protocol: "TCP" }));
    const ports = (spec.ports ?? []).flatMap(({ port = 0, nodePort = 0, protocol = "TCP" }) => [
      ...own.map((address) => ({ address, port, protocol })),
      ...(nodePort === 0 ? [] : [...ofNodes, ...loopbacks].map((address) => ({ address, port: nodePort, protocol }))),
    ]);
    return [...ports, ...checks];
  });
}

const CLIENTS: Readonly<Record<IPFamily, readonly string[]>> = {
  IPv4: ["203.0.113.77", "198.18.0.9", "198.51.100.77"],
  IPv6: ["2001:db8:ffff::77", "2001:db8:5::9"],
};

const familyOf = (address: Address): IPFamily => (typeof address === "number" ? "IPv4" : "IPv6");

interface Source {
  readonly from: Origin;
  readonly node: string;
  readonly address: Address;
  readonly sender: Sender;
}

/** Pods of each node, processes of each node, and clients outside by each node. */
export function sourcesOf({ network, facts, ambiguous }: Place): readonly Source[] {
  return network.nodes.flatMap((node): Source[] => {
    const pods = network.node(node)?.pods ?? [];
    const own = facts.nodeAddresses.get(node) ?? [];
    return [
      ...pods.flatMap(({ key, addresses: all }) =>
        all
          .filter((ip) => !ambiguous.has(formatIP(ip)))
          .map(
            (ip): Source => ({ from: "pod", node, address: addressOf(ip), sender: { kind: "pod", node, pod: key } }),
          ),
      ),
      ...own.map(
        (ip): Source => ({
          from: "node",
          node,
          address: addressOf(ip),
          sender: { kind: "node", node, options: { anySource: true } },
        }),
      ),
      ...ipFamilies.flatMap((family) =>
        addresses(CLIENTS[family]).map(
          (address): Source => ({ from: "outside", node, address, sender: { kind: "outside", node } }),
        ),
      ),
    ];
  });
}

/** A target as it is, or another port, protocol or address near it. */
function turned(random: Random, target: Target): Target {
  const way = random.weighted({ same: 12, port: 1, protocol: 1, ICMP: 1, near: 1 });
  if (way === "port") return { ...target, port: random.pick([22, 81, 30999, 65000]) };
  if (way === "protocol") return { ...target, protocol: random.pick(["TCP", "UDP", "SCTP"]) };
  if (way === "ICMP") return { ...target, protocol: "ICMP" };
  if (way === "near" && typeof target.address === "number") return { ...target, address: target.address + 99 };
  return target;
}

/** Draws a call; `undefined` where nobody of the target's family is there. */
export function drawCall(
  random: Random,
  place: Place,
  targets: readonly Target[],
  sources: readonly Source[],
): Call | undefined {
  const { address, port, protocol } = turned(random, random.pick(targets));
  const family = familyOf(address);
  const from: Origin = random.pick(["pod", "pod", "node", "outside"]);
  const able = sources.filter((each) => each.from === from && familyOf(each.address) === family);
  const source = able.length === 0 ? undefined : random.pick(able);
  if (source === undefined) return undefined;
  if (isLoopback(ipOf(address)) && from !== "node") return undefined;
  return callOf(place, source, { address, port, protocol });
}

/** A new connection of a source to a target. */
export function callOf(place: Place, source: Source, { address, port, protocol }: Target): Call | undefined {
  const family = familyOf(address);
  const { from, sender, address: own } = source;
  const number = NUMBERS[protocol];
  const packet = makePacket({
    family,
    // a process that leaves the choice to routing calls a loopback address from one
    src: isLoopback(ipOf(address)) ? address : own,
    dst: address,
    protocol: number ?? (family === "IPv4" ? protocols.icmp : protocols.icmpv6),
    sport: number === undefined ? 0 : 51000,
    dport: number === undefined ? 0 : port,
  });
  // what is sent to a node's address from outside comes to that node
  const owner = place.network.ownerOf(address);
  const node = from === "outside" && owner.kind === "node" ? owner.node : source.node;
  const asked: PacketAtNode = {
    node,
    from,
    source: ipOf(packet.src),
    destination: ipOf(address),
    protocol,
    ...(number === undefined ? {} : { port }),
  };
  return {
    packet,
    sender: sender.kind === "outside" ? { kind: "outside", node } : sender,
    asked,
    options: from === "outside" ? { entryNode: () => source.node } : {},
  };
}

/** A fault in a line. */
export function faultText({ call: { packet, asked }, promise, branch, seen, breaches }: Fault): string {
  const { end, packet: last } = branch.journey.there;
  const { outcome } = promise;
  const service = promise.service?.value.metadata;
  return [
    breaches.join("+"),
    `${asked.from}@${asked.node}`,
    asked.protocol,
    `${endpointText(packet.src, packet.sport)} > ${endpointText(packet.dst, packet.dport)}`,
    `${service?.namespace}/${service?.name}`,
    outcome.kind,
    outcome.kind === "endpoints" ? `[${[...outcome.allowed.keys]}] else [${outcome.otherwise}]` : "",
    outcome.kind === "nobody" ? `[${outcome.how}]` : "",
    outcome.kind === "none" ? outcome.why : "",
    `at ${promise.at}`,
    "|",
    seen.kind,
    end.kind,
    `${endpointText(last.src, last.sport)} > ${endpointText(last.dst, last.dport)}`,
    "|",
    promise.clauses.map(({ field }) => field).join(" "),
  ].join(" ");
}
