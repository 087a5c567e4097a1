import type { Host } from "../../kernel/host.ts";
import { interfaceMatches } from "../../kernel/matches/basic.ts";
import { makePacket, type Packet, protocols, tcpFlag } from "../../kernel/packet.ts";
import { wayTo } from "../../kernel/run.ts";
import { HostState } from "../../kernel/state.ts";
import type { IPFamily } from "../../net/family.ts";
import { type Interval, type IntervalSet, interval, intervalsOf } from "../../net/intervals.ts";
import { ascending } from "../../net/sorted.ts";
import type { Entrance } from "../../network/wire.ts";
import { hostEdges } from "../edges.ts";
import { addressOfNumber } from "../field.ts";
import { cutAt } from "../sight.ts";
import { isStub } from "./answer.ts";

/** One of the hosts that are compared: the same node with other rules. It knows no connection. */
export interface Side {
  readonly name: string;
  readonly host: Host;
}

/** A kind of packet: what is not one of the fields that vary. */
export interface PacketKind {
  readonly name: string;
  readonly protocol: number;
  /** With addresses and ports still to be filled in. */
  readonly template: (family: IPFamily) => Packet;
}

const NOWHERE: Readonly<Record<IPFamily, Packet["src"]>> = { IPv4: 0, IPv6: [0, 0, 0, 0] };

function kind(name: string, protocol: number, more: Partial<Packet> = {}): PacketKind {
  const template = (family: IPFamily): Packet =>
    makePacket({ family, src: NOWHERE[family], dst: NOWHERE[family], protocol, payload: 32, ...more });
  return { name, protocol, template };
}

/** The kinds of packets of a space: new connections of each protocol that Services have, a TCP packet of no known connection, and an echo request. */
export function packetKinds(family: IPFamily): readonly PacketKind[] {
  return [
    kind("TCP", protocols.tcp),
    kind("TCP without SYN", protocols.tcp, { flags: tcpFlag.ACK }),
    kind("UDP", protocols.udp),
    kind("SCTP", protocols.sctp),
    kind("ping", family === "IPv4" ? protocols.icmp : protocols.icmpv6),
  ];
}

/** Packets that come into a host in one way. */
export interface SpacePart {
  /** Interfaces that neither rules nor answers tell apart; none for what a process of the host sends. */
  readonly interfaces: readonly string[];
  /** For what the host sends routing chooses the source: here it is one number, 0. */
  readonly sources: IntervalSet;
  readonly destinations: IntervalSet;
  readonly entranceOf: (source: bigint) => Entrance;
}

/** Unicast addresses that hosts on a network may have: no loopback, multicast, link-local or reserved ones. */
const UNICAST: Readonly<Record<IPFamily, IntervalSet>> = {
  IPv4: [
    { from: 0x01000000n, to: 0x7effffffn },
    { from: 0x80000000n, to: 0xa9fdffffn },
    { from: 0xa9ff0000n, to: 0xdfffffffn },
  ],
  IPv6: [
    { from: 0x2000n << 112n, to: (0x4000n << 112n) - 1n },
    { from: 0xfc00n << 112n, to: (0xfe00n << 112n) - 1n },
  ],
};
const LOOPBACK: Readonly<Record<IPFamily, IntervalSet>> = {
  IPv4: interval(0x7f000000n, 0x7fffffffn),
  IPv6: interval(1n),
};

/** Interface names and patterns that a host's rules ask for; `undefined`: something asks for them in another way. */
function patternsOf({ rules }: Host, family: IPFamily): readonly string[] | undefined {
  const patterns = new Set<string>();
  for (const { chains } of rules[family].tables.values())
    for (const { rules: list } of chains.values())
      for (const { inInterface, outInterface, matches } of list) {
        if (inInterface !== undefined) patterns.add(inInterface.value);
        if (outInterface !== undefined) patterns.add(outInterface.value);
        if (matches.some((match) => match.kind === "unknown" || match.kind === "physdev")) return undefined;
      }
  return [...patterns];
}

/**
 * Interfaces with the same signature are the same to all rules of all sides, and answers to what came in by them come by the same ways; each with
 * switches or sets of its own stands alone.
 */
function interfaceSignatures(sides: readonly Side[], family: IPFamily): (name: string) => string {
  const known = sides.map(({ host }) => patternsOf(host, family));
  const sets = sides.some(({ host }) => [...host.sets.values()].some(({ dimensions }) => dimensions.includes("iface")));
  if (sets || known.includes(undefined)) return (name) => name;
  const patterns = [...new Set(known.flatMap((each) => each ?? []))];
  return (name) => {
    const holding = sides.flatMap(({ host }) =>
      patterns.filter((pattern) => interfaceMatches(host.byName.get(name), pattern)),
    );
    const own = sides.some(({ host }) => host.sysctls.ipv4.has(name));
    const stubs = sides.map(({ host }) => isStub(host, name));
    return own ? name : `${sides[0]?.host.byName.get(name)?.mtu} ${stubs.join(" ")} ${holding.join(" ")}`;
  };
}

/** The interface that all sides take to a source; `undefined` where they differ, or it is one's own. */
function interfaceTo(sides: readonly Side[], states: readonly HostState[], family: IPFamily, source: bigint) {
  const address = addressOfNumber(source, family);
  const names = sides.map(({ host }, i) => {
    const way = wayTo(host, states[i] as HostState, family, address);
    return way.kind === "unicast" && way.cast === "unicast" ? way.device.name : undefined;
  });
  return names.every((name) => name === names[0]) ? names[0] : undefined;
}

/** Sources by the interface that the way back to them takes. */
function sourcesByInterface(sides: readonly Side[], family: IPFamily): ReadonlyMap<string, readonly Interval[]> {
  const edges = ascending(sides.flatMap(({ host }) => hostEdges(host, family)));
  const states = sides.map(() => new HostState());
  const found = new Map<string, Interval[]>();
  for (const piece of cutAt(UNICAST[family], edges)) {
    const name = interfaceTo(sides, states, family, piece.from);
    if (name === undefined) continue;
    const list = found.get(name);
    if (list === undefined) found.set(name, [piece]);
    else list.push(piece);
  }
  return found;
}

/**
 * The packets that are compared, all of one family, without a mark and without a connection that the host knows. What comes in
 * does so by the interface that the way back to its source takes, from and to any unicast address; what a process of the host
 * sends leaves the source to routing, and may go to loopback, too. A packet to its own source belongs to no part, nor
 * does one from an address that only one side has. Interfaces that neither rules nor answers tell apart make up one part.
 */
export function spaceParts(sides: readonly Side[], family: IPFamily): readonly SpacePart[] {
  const signature = interfaceSignatures(sides, family);
  const groups = new Map<
    string,
    { readonly names: string[]; readonly pieces: (Interval & { readonly by: string })[] }
  >();
  for (const [by, pieces] of sourcesByInterface(sides, family)) {
    const key = signature(by);
    const group = groups.get(key) ?? { names: [], pieces: [] };
    groups.set(key, group);
    group.names.push(by);
    group.pieces.push(...pieces.map((piece) => ({ ...piece, by })));
  }
  const received = [...groups.values()].map(({ names, pieces }): SpacePart => {
    const byPiece = (source: bigint): Entrance => {
      const found = pieces.find(({ from, to }) => source >= from && source <= to);
      if (found === undefined) throw new RangeError(`no packet from ${source} comes in by ${names.join()}`);
      return { kind: "received", inInterface: found.by };
    };
    return { interfaces: names, sources: intervalsOf(pieces), destinations: UNICAST[family], entranceOf: byPiece };
  });
  const sent: SpacePart = {
    interfaces: [],
    sources: interval(0n),
    destinations: intervalsOf([...UNICAST[family], ...LOOPBACK[family]]),
    entranceOf: () => ({ kind: "sent", options: { anySource: true } }),
  };
  return [...received, sent];
}
