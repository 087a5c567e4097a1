import type { Affinity } from "../../src/intent/promise.ts";
import { promiseOf } from "../../src/intent/promise-of.ts";
import { scriptedChooser } from "../../src/kernel/chooser/scripted.ts";
import { endpointText } from "../../src/kernel/packet-text.ts";
import { seededRandom } from "../../src/net/random.ts";
import { type JourneyBranch, journeysOf, travelOnce } from "../../src/network/journey.ts";
import { NetworkState } from "../../src/network/network-state.ts";
import { sampleCluster } from "../../src/sample/cluster.ts";
import { type Call, drawCall, seenOf, sourcesOf, targetsOf } from "./journey-law.ts";
import { type Mode, type Place, placeOf, settingOf, weightsFor } from "./place.ts";

/*
 * How far each mode's tables reach, which is how far the law asks (each limit has a test of its own in affinity.test.ts):
 *
 * - iptables: one `recent` list an endpoint of a Service's port, for all addresses of the Service, keyed by the client's address. A list is
 *   stamped when a new connection is translated (the nat table sees no other packet), and a stamp counts for the whole of the
 *   timeout, its last moment included. A list holds 100 addresses (ip_list_tot): the one least recently stamped makes room, so that
 *   affinity holds as long as no 100 other clients come to the endpoint in between (kernel-semantics §2.4).
 * - ipvs: one template a client and virtual server, so that each address of a Service has an affinity of its own. Its timer starts
 *   anew with each new connection. Where it runs out while connections are open the template stays, 60 s at a time, and a new
 *   connection then starts it with those 60 s, not with the timeout: affinity may end early after that (ipvs-mode §9.5).
 * - Both know the time to a tick of the kernel's clock; ip_vs's timers are late by up to an eighth (ipvs-mode §9.1). The clock here has none.
 */

/** A network at a time, with all that its nodes remember. */
export interface Living {
  readonly place: Place;
  readonly state: NetworkState;
}

/** Lets time pass on all nodes. */
export function wait({ place, state }: Living, milliseconds: number): void {
  for (const node of place.network.nodes) state.of(node).advance(milliseconds);
}

/** Where a way arrived, as a text; `undefined` where it did not. */
function arrival(call: Call, branch: JourneyBranch): string | undefined {
  const { packet } = branch.journey.there;
  return seenOf(call, branch)?.kind === "arrived" ? endpointText(packet.dst, packet.dport) : undefined;
}

/** Where a connection of a call's client may come to now. */
export function endsOf({ place, state }: Living, call: Call): ReadonlyMap<string, JourneyBranch> {
  const { branches } = journeysOf({ network: place.network, state }, call.packet, call.sender, call.options);
  return new Map(
    branches.flatMap((branch) =>
      arrival(call, branch) === undefined ? [] : [[arrival(call, branch) as string, branch]],
    ),
  );
}

/** Makes a connection on one of its ways. */
export function connect({ place, state }: Living, call: Call, { script }: JourneyBranch): void {
  travelOnce({ network: place.network, state }, scriptedChooser(script), call.packet, call.sender, call.options);
}

/** The client's next connection: from another port. */
export const another = (call: Call): Call => ({ ...call, packet: { ...call.packet, sport: call.packet.sport + 1 } });

const SECOND = 1000;
/** Longer than all timers of connections that a SYN, a datagram or an INIT leaves. */
const LONG = 3600 * SECOND;

interface Course {
  /** Connections within the time of the one before, and where they went astray. */
  pairs: number;
  readonly parted: string[];
  /** Clients that came to another endpoint, or could have, when their time was over. */
  freed: number;
}

/** A call's connections: several within `within` of each other, then one long after `seconds`. */
function follow(
  living: Living,
  first: Call,
  within: readonly number[],
  seconds: number,
  pick: <T>(list: readonly T[]) => T,
  told: (text: string) => string,
): Course {
  const course: Course = { pairs: 0, parted: [], freed: 0 };
  const ends = [...endsOf(living, first)];
  if (ends.length === 0) return course;
  const [where, branch] = pick(ends);
  connect(living, first, branch);
  let call = first;
  for (const gap of within) {
    wait(living, gap);
    call = another(call);
    const again = endsOf(living, call);
    course.pairs++;
    const others = [...again.keys()].filter((text) => text !== where);
    if (others.length > 0) course.parted.push(told(`${where}, then after ${gap} ms ${others.join(" ")}`));
    const same = again.get(where);
    if (same === undefined) return course;
    connect(living, call, same);
  }
  wait(living, seconds * SECOND + LONG);
  if ([...endsOf(living, another(call)).keys()].some((text) => text !== where)) course.freed++;
  return course;
}

export interface AffinityOptions {
  /** `None`: of Services that promise none. */
  readonly wanted?: Affinity["kind"];
  /** The gaps between a client's connections, for a timeout in seconds: all within it unless given. */
  readonly gaps?: (seconds: number) => readonly number[];
}

/** At once, in the middle of the time, and twice at its very end: each new connection begins it anew. */
const usualGaps = (seconds: number): readonly number[] => [
  0,
  (seconds * SECOND) / 2,
  seconds * SECOND,
  seconds * SECOND,
];

/** Random clients of the Services of sampled clusters that have an affinity: do they come back to where they were, and only for its time? */
export function affinityLaw(
  mode: Mode,
  from: number,
  to: number,
  calls: number,
  { wanted = "ClientIP", gaps = usualGaps }: AffinityOptions = {},
): Readonly<Course> {
  const sum: Course = { pairs: 0, parted: [], freed: 0 };
  for (let seed = from; seed < to; seed++) {
    const place = placeOf(settingOf(sampleCluster(seed, { weights: weightsFor(37) })), mode);
    if (place === undefined) continue;
    const [targets, sources] = [targetsOf(place), sourcesOf(place)];
    const random = seededRandom(`affinity ${seed}`);
    for (let i = 0; i < calls && targets.length > 0; i++) {
      const call = drawCall(random, place, targets, sources);
      if (call === undefined) continue;
      const { outcome, affinity } = promiseOf(place.intent, call.asked);
      if (outcome.kind !== "endpoints" || affinity.kind !== wanted) continue;
      const seconds = affinity.kind === "ClientIP" ? affinity.seconds : 1;
      const name = `seed ${seed}: ${call.asked.from}@${call.asked.node} ${endpointText(call.packet.src, 0)} > ${endpointText(call.packet.dst, call.packet.dport)}`;
      const living = { place, state: new NetworkState() };
      const found = follow(living, call, gaps(seconds), seconds, random.pick, (text) => `${name}: ${text}`);
      sum.pairs += found.pairs;
      sum.freed += found.freed;
      sum.parted.push(...found.parted);
    }
  }
  return sum;
}
