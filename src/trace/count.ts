import { seededChooser } from "../kernel/chooser/seeded.ts";
import type { Packet } from "../kernel/packet.ts";
import type { Dyadic } from "../net/dyadic.ts";
import { type JourneyOptions, type Sender, travelOnce } from "../network/journey.ts";
import type { Network } from "../network/network.ts";
import type { NetworkState } from "../network/network-state.ts";
import type { Way } from "../network/way.ts";
import { journeyFate } from "./journey-fate.ts";
import type { JourneyTrace } from "./journey-trace.ts";

/** One fate of repeated connections. */
export interface Counted {
  readonly count: number;
  /** Chance that a first connection has; absent where none has this fate (a later one may: affinity). */
  readonly expected?: Dyadic;
  /** The way there of the first connection that ended so. */
  readonly there: Way;
}

/** What became of connections made one after the other. */
export interface Counts {
  readonly total: number;
  readonly seed: number;
  /** Most first, then in the order of their first. */
  readonly fates: readonly Counted[];
  /** Matches or targets that are not modelled were met; they were taken not to hold. */
  readonly assumed: number;
}

const FIRST_PORT = 1024;
const PORTS = 65536 - FIRST_PORT;

/** The packet of the `i`-th connection: the next source port, or identifier of an ICMP query. */
function repeated(packet: Packet, i: number): Packet {
  if (packet.sport === 0) return { ...packet, icmpId: (packet.icmpId + i) & 0xffff };
  const sport = packet.sport < FIRST_PORT ? packet.sport + i : FIRST_PORT + ((packet.sport - FIRST_PORT + i) % PORTS);
  return { ...packet, sport: sport > 65535 ? FIRST_PORT + (sport % PORTS) : sport };
}

/**
 * Makes connections one after the other, each with a source port of its own, as the kernels would by a seed; what the hosts
 * keep of each (conntrack, affinity) lives on. `connectionOf` tells the
 * packet of each, counted from 0, before it gets its port; `first`
 * has the chances of the first. The states are as before when it returns.
 */
export function countConnections(
  place: { readonly network: Network; readonly state: NetworkState },
  connectionOf: (connection: number) => { readonly packet: Packet; readonly options: JourneyOptions },
  sender: Sender | undefined,
  { total, seed, first }: { readonly total: number; readonly seed: number; readonly first?: JourneyTrace },
): Counts {
  const chances = new Map<string, Dyadic>();
  for (const { branch, probability } of first?.verdict ?? []) {
    const journey = first?.branches[branch]?.journey;
    if (journey !== undefined) chances.set(endKey(journey), probability);
  }
  const found = new Map<string, { count: number; there: Way }>();
  const chooser = seededChooser(seed);
  const mark = place.state.mark();
  try {
    for (let i = 0; i < total; i++) {
      const { packet, options } = connectionOf(i);
      const journey = travelOnce(place, chooser, repeated(packet, i), sender, options);
      const key = endKey(journey);
      const known = found.get(key);
      if (known === undefined) found.set(key, { count: 1, there: journey.there });
      else known.count++;
    }
  } finally {
    place.state.rollback(mark);
  }
  const fates = [...found].map(([key, { count, there }]) => {
    const expected = chances.get(key);
    return { count, there, ...(expected === undefined ? {} : { expected }) };
  });
  fates.sort((a, b) => b.count - a.count);
  return { total, seed, fates, assumed: chooser.assumptions.length };
}

/** The fate without the client's port, which is another one for each connection. */
function endKey({ there, reply }: Parameters<typeof journeyFate>[0]): string {
  const plain = { ...there, packet: { ...there.packet, sport: 0, icmpId: 0 } };
  const { sourcePortOf: _, ...way } = plain;
  return journeyFate({ there: way, ...(reply === undefined ? {} : { reply }) }).key;
}
