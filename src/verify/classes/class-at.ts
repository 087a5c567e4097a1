import type { Host } from "../../kernel/host.ts";
import { addressServiceId } from "../../kernel/ipvs/service-index.ts";
import { type Address, hasPorts, type Packet, protocols } from "../../kernel/packet.ts";
import {
  containsValue,
  differenceOf,
  type Interval,
  type IntervalSet,
  intersectionOf,
  interval,
  intervalsOf,
} from "../../net/intervals.ts";
import { addressOf } from "../../network/addresses.ts";
import { observeWay } from "../course.ts";
import { addressNumber, type Box, fieldValue } from "../field.ts";
import { type LegFields, ruleListener } from "../observe-rules.ts";
import { type Draft, fixFields, makeDraft, type Region, regionOf, requireField } from "../region.ts";
import { type HostMemory, makeMemory } from "../sight.ts";
import type { DestinationsLike } from "./destinations.ts";
import type { Side, SpacePart } from "./space.ts";
import { freshState, type Ways, waysOf } from "./ways.ts";

/** The packets around one that all sides treat as they treat it. */
export interface ClassAt {
  readonly region: Region;
  /** Each side's ways of the packet. */
  readonly ways: readonly Ways[];
  /** Why more packets may belong to it: what couples fields in a way that is no product of sets. */
  readonly inexact: readonly string[];
  /** Why it may hold packets, or ways of them, that were not looked at. */
  readonly notExhaustive: readonly string[];
}

/** The only leg of a way through one host. */
const OWN: ReadonlySet<number> = new Set([0]);

/** Not made by kube-proxy. */
const NOT_CUT = "virtual servers of any port or by mark are not cut into classes";

/** Virtual servers of a host by protocol and address: their ports. */
type ServerPorts = ReadonlyMap<string, readonly Interval[]>;

const madePorts = new WeakMap<Host, ServerPorts>();
const portsKey = (protocol: number, address: Address): string => addressServiceId(protocol, address, 0);

function serverPorts(host: Host): ServerPorts {
  const known = madePorts.get(host);
  if (known !== undefined) return known;
  const found = new Map<string, Interval[]>();
  for (const { key } of host.ipvs?.virtualServers ?? []) {
    if (key.kind !== "address") continue;
    const { address, protocol, port } = key;
    const name = portsKey(protocol, addressOf(address));
    const list = found.get(name) ?? [];
    found.set(name, list);
    list.push({ from: BigInt(port), to: BigInt(port) });
  }
  madePorts.set(host, found);
  return found;
}

const FTP_DATA = interval(20n);
const FTP_PORT = 21n;
/** Ports that a virtual server of port 21 is looked for by, and all others. */
const FTP_PIECES = [FTP_DATA, interval(1024n, 0xffffn)] as const;

/** The numbers of a field that are on the same side of all sets as a value. */
function besides(universe: IntervalSet, sets: readonly IntervalSet[], value: bigint): IntervalSet {
  return sets.reduce(
    (rest, set) => (containsValue(set, value) ? intersectionOf(rest, set) : differenceOf(rest, set)),
    universe,
  );
}

/**
 * Leaves only packets that ask for the same virtual server, or for none (ipvs-mode §8.4). Destinations are cut at the addresses of
 * virtual servers before. What comes from port 20 is never scheduled.
 */
function constrainByServers(draft: Draft, host: Host, packet: Packet, doubts: Set<string>): void {
  const { hasAnyPort, hasMarks, byId } = host.services;
  if (byId.size === 0 || !hasPorts(packet.protocol)) return;
  if (hasAnyPort || hasMarks) doubts.add(NOT_CUT);
  const ports = intervalsOf(serverPorts(host).get(portsKey(packet.protocol, packet.dst)) ?? []);
  if (ports.length === 0) return;
  const { point, universe } = draft;
  const hasFTP = packet.protocol === protocols.tcp && containsValue(ports, FTP_PORT);
  const isServer = containsValue(ports, point.dport);
  if (isServer) fixFields(draft, ["dport"]);
  else requireField(draft, "dport", besides(universe.dport, [ports, ...(hasFTP ? FTP_PIECES : [])], point.dport));
  if (isServer || hasFTP) requireField(draft, "sport", besides(universe.sport, [FTP_DATA], point.sport));
}

/**
 * The class of a packet on all sides at once: where routing tells no destinations apart on any of them (`destinationsOf`), all rules on all its
 * ways see what they saw of it, and ip_vs looks for the same virtual server. Sources need no cut by routing: those of a part have one
 * way back. `memories` holds what is known of each side from classes before; they are good for one `universe`: other packets are not looked at.
 */
export function classAt(
  sides: readonly Side[],
  destinations: DestinationsLike,
  part: SpacePart,
  packet: Packet,
  memories: readonly HostMemory[] = sides.map(makeMemory),
  universe?: Box,
): ClassAt {
  const draft = makeDraft(packet, universe);
  const doubts = new Set<string>();
  const source = part.interfaces.length === 0 ? 0n : fieldValue(packet, "src");
  const entrance = part.entranceOf(source);
  const anySource = entrance.kind === "sent";
  requireField(draft, "dst", destinations(addressNumber(packet.dst)));
  const all = sides.map(({ host }, i) => {
    constrainByServers(draft, host, packet, doubts);
    const ways = waysOf(host, packet, entrance);
    if (!ways.complete) doubts.add("there are too many ways to look at each");
    for (const way of ways.ways) {
      const legs = new Map<number, LegFields>();
      const listener = ruleListener(draft, OWN, anySource, way.result.outcome, legs, memories[i]);
      observeWay(way.host, freshState(way.host), entrance, way.script, packet, listener);
    }
    return ways;
  });
  return { region: regionOf(draft), ways: all, inexact: [...draft.reasons], notExhaustive: [...doubts] };
}
