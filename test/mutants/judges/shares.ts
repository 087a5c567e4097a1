import { explore, probabilityOf } from "../../../src/kernel/chooser/explore.ts";
import { scriptedChooser } from "../../../src/kernel/chooser/scripted.ts";
import { seededChooser } from "../../../src/kernel/chooser/seeded.ts";
import type { Chooser } from "../../../src/kernel/chooser.ts";
import type { Host } from "../../../src/kernel/host.ts";
import { hasPorts, type Packet, protocols } from "../../../src/kernel/packet.ts";
import { receive, send } from "../../../src/kernel/run.ts";
import { HostState } from "../../../src/kernel/state.ts";
import { addDyadic, type Dyadic, zeroDyadic } from "../../../src/net/dyadic.ts";
import type { Entrance } from "../../../src/network/wire.ts";
import type { Ways } from "../../../src/verify/classes/ways.ts";
import { fateOf } from "../../../src/verify/equivalence/fate.ts";

function sendTo(
  host: Host,
  state: HostState,
  chooser: Chooser,
  packet: Packet,
  entrance: Entrance,
): string | undefined {
  const run = { host, state, chooser };
  const result =
    entrance.kind === "received" ? receive(run, packet, entrance.inInterface) : send(run, packet, entrance.options);
  const fate = fateOf(packet, { result, answer: undefined });
  return fate.kind === "sent-on" || fate.kind === "delivered" ? fate.to : undefined;
}

/** Endpoints that a packet can come to. */
export function endsOf(sent: Packet, { ways }: Ways): ReadonlySet<string> {
  return new Set(
    ways.flatMap(({ result }) => {
      const fate = fateOf(sent, { result, answer: undefined });
      return fate.kind === "sent-on" || fate.kind === "delivered" ? (fate.to ?? []) : [];
    }),
  );
}

/** Numbers of 2^-31 that a chance is, rounded down. */
const thirtyOneBits = ({ numerator, exponent }: Dyadic): bigint =>
  exponent >= 31 ? numerator >> BigInt(exponent - 31) : numerator << BigInt(31 - exponent);

/**
 * Have all endpoints that a connection can come to the same chance? Each of `n` rules rounds the chance of its endpoint down to
 * numbers of 2^-31, so that chances differ by `n` of them at most. `undefined`: it can come to one at most.
 */
export function isEven(sent: Packet, { ways }: Ways): boolean | undefined {
  const chances = new Map<string, Dyadic>();
  for (const { result, script } of ways) {
    const fate = fateOf(sent, { result, answer: undefined });
    const to = fate.kind === "sent-on" || fate.kind === "delivered" ? fate.to : undefined;
    if (to !== undefined) chances.set(to, addDyadic(chances.get(to) ?? zeroDyadic, probabilityOf(script)));
  }
  if (chances.size < 2) return undefined;
  const all = [...chances.values()].map(thirtyOneBits).sort((a, b) => (a < b ? -1 : 1));
  return (all.at(-1) as bigint) - (all[0] as bigint) <= BigInt(chances.size);
}

const FIRST_PORT = 41_000;
const withPort = (packet: Packet, i: number): Packet =>
  hasPorts(packet.protocol) ? { ...packet, sport: FIRST_PORT + i } : packet;

/** Where connections of one client come to, one after the other, each from a port of its own. */
export function turns(host: Host, packet: Packet, entrance: Entrance, count: number): readonly (string | undefined)[] {
  const state = new HostState();
  return Array.from({ length: count }, (_, i) =>
    sendTo(host, state, seededChooser(`turn ${i}`), withPort(packet, i), entrance),
  );
}

const isConnection = ({ protocol }: Packet): boolean =>
  protocol === protocols.tcp || protocol === protocols.udp || protocol === protocols.sctp;

/** Do so many connections, one after the other, come to each of the endpoints as often as to the others? */
export function isRound(host: Host, packet: Packet, entrance: Entrance, endpoints: number): boolean {
  if (!isConnection(packet)) return true;
  const seen = new Map<string, number>();
  for (const to of turns(host, packet, entrance, 3 * endpoints))
    if (to !== undefined) seen.set(to, (seen.get(to) ?? 0) + 1);
  return seen.size === endpoints && [...seen.values()].every((count) => count === 3);
}

/** All places that the next connection of a client may come to. */
function nextEnds(host: Host, state: HostState, packet: Packet, entrance: Entrance): ReadonlySet<string | undefined> {
  const { branches } = explore(state, (chooser) => sendTo(host, state, chooser, packet, entrance));
  return new Set(branches.map(({ value }) => value));
}

/**
 * Does a client stay with its endpoint for as long as is promised (`stays`), and no longer (`is freed`)? Connections follow one another
 * after six tenths of the time, twice, and after all of it.
 */
export function keepsClients(
  host: Host,
  packet: Packet,
  entrance: Entrance,
  seconds: number,
  what: "stays" | "is freed",
): boolean {
  if (!isConnection(packet)) return true;
  const first = explore(new HostState(), (chooser) => sendTo(host, new HostState(), chooser, packet, entrance));
  return first.branches.every(({ script }) => {
    const state = new HostState();
    const where = sendTo(host, state, scriptedChooser(script), withPort(packet, 0), entrance);
    for (const i of [1, 2]) {
      state.advance(600 * seconds);
      const ends = nextEnds(host, state, withPort(packet, i), entrance);
      if (what === "stays" && (ends.size !== 1 || !ends.has(where))) return false;
      sendTo(host, state, seededChooser("again"), withPort(packet, i), entrance);
    }
    if (what === "stays") return true;
    state.advance(1000 * (seconds + 2));
    const after = nextEnds(host, state, withPort(packet, 3), entrance);
    return after.size > 1 || !after.has(where);
  });
}
