import type { AssumingChooser } from "../kernel/chooser/seeded.ts";
import type { NotModelled } from "../kernel/chooser.ts";
import { type Packet, sameAddress } from "../kernel/packet.ts";
import { type End, hasArrived } from "../network/end.ts";
import { endsAt, type Reply, type Sender, travelOnce } from "../network/journey.ts";
import type { Network } from "../network/network.ts";
import type { NetworkState } from "../network/network-state.ts";
import { isAnswerTo } from "../network/reply.ts";
import type { Way } from "../network/way.ts";
import { after, type Ends, hasSessions, type Line, packetOfLine, refusalOf, type Sequence } from "./dialogue.ts";

type Place = Extract<End, { kind: "pod" | "host" | "outside" }>;

/** Who has the other end of a connection, and what it looks like there. */
export interface Server {
  readonly place: Place;
  /** The client's packets as they arrive. */
  readonly seen: Ends;
}

/** A connection of a play: what its two ends know, not what hosts on the way do. Replaced as a whole when it changes. */
export interface Connection {
  readonly name: string;
  readonly sender: Sender;
  /** The client's packets as they are sent. */
  readonly ends: Ends;
  readonly sequence: Sequence;
  readonly status: "new" | "open" | "refused" | "reset" | "closed";
  readonly server?: Server;
}

/** What became of one packet of a dialogue. */
export type Fate =
  /** At the end of the connection that it was meant for. */
  | { readonly kind: "arrived" }
  /** At a host that does not know the connection; `told`: its refusal came back to the client. */
  | { readonly kind: "stranger"; readonly refusal: Way; readonly told: boolean }
  /** Of the server's: came to the client, which takes it for nobody's answer. */
  | { readonly kind: "not-as-called" }
  /** Somewhere else than at the end; `told`: the sender got an error for it. */
  | { readonly kind: "lost"; readonly told: boolean }
  /** It rests on this, which is not modelled. */
  | { readonly kind: "unknown"; readonly what: NotModelled }
  /** Nobody is there to send it. */
  | { readonly kind: "not-sent"; readonly why: string };

export interface Spoken {
  readonly line: Line;
  readonly fate: Fate;
  /** Absent when it was not sent. */
  readonly packet?: Packet;
  readonly way?: Way;
}

/** Where packets travel. */
export interface Stage {
  readonly network: Network;
  readonly state: NetworkState;
  readonly chooser: AssumingChooser;
}

const reversed = (ends: Ends): Ends => ({
  ...ends,
  src: ends.dst,
  dst: ends.src,
  sport: ends.dport,
  dport: ends.sport,
});

const endsOf = ({ family, src, dst, protocol, sport, dport, icmpId }: Packet): Ends => ({
  family,
  src,
  dst,
  protocol,
  sport,
  dport,
  icmpId,
});

const senderAt = (place: Place): Sender => {
  if (place.kind === "outside") return { kind: "outside" };
  return place.kind === "pod" ? place : { kind: "node", node: place.node };
};

/** Why nobody is there to send, if so. */
function absence({ network }: Stage, sender: Sender): string | undefined {
  if (sender.kind === "outside") return undefined;
  const node = network.nodes.includes(sender.node) ? network.node(sender.node) : undefined;
  if (node === undefined) return `there is no Node ${sender.node} any more`;
  if (sender.kind === "node" || node.pods.some(({ key }) => key === sender.pod)) return undefined;
  return `the Pod ${sender.pod} on ${sender.node} is gone`;
}

/** Sends one packet one way; with what it rests on, if that is not modelled. */
function travel(stage: Stage, packet: Packet, sender: Sender): { readonly way: Way; readonly unknown?: NotModelled } {
  const before = stage.chooser.assumptions.length;
  const { there: way } = travelOnce(stage, stage.chooser, packet, sender, { oneWay: true });
  const unknown = way.end.kind === "unknown" ? way.end.what : stage.chooser.assumptions[before]?.what;
  return { way, ...(unknown === undefined ? {} : { unknown }) };
}

/** Did an error that some host sent because of a packet come back to its sender? */
const wasTold = ({ answers }: Way, sender: Sender): boolean =>
  answers.some((answer) => endsAt(sender, answer.end) || wasTold(answer, sender));

function samePlace(a: Place, b: Place): boolean {
  if (a.kind !== b.kind) return false;
  if (a.kind === "outside" || b.kind === "outside") return true;
  return a.node === b.node && (a.kind !== "pod" || b.kind !== "pod" || a.pod === b.pod);
}

const sameEnds = (a: Ends, b: Ends): boolean =>
  sameAddress(a.src, b.src) && sameAddress(a.dst, b.dst) && a.sport === b.sport && a.dport === b.dport;

interface Step {
  readonly connection: Connection;
  readonly spoken: Spoken;
  /** The dialogue goes on. */
  readonly on: boolean;
}

function clientSpeaks(stage: Stage, connection: Connection, line: Line, first: boolean): Step {
  const { sender, sequence, ends, server } = connection;
  const why = absence(stage, sender);
  if (why !== undefined) return { connection, spoken: { line, fate: { kind: "not-sent", why } }, on: false };
  const packet = packetOfLine(line, ends, sequence);
  const { way, unknown } = travel(stage, packet, sender);
  const sent = { ...connection, sequence: after(line, sequence) };
  const spoken = (fate: Fate): Spoken => ({ line, fate, packet, way });
  if (unknown !== undefined) return { connection: sent, spoken: spoken({ kind: "unknown", what: unknown }), on: false };
  if (!hasArrived(way.end)) {
    const told = wasTold(way, sender);
    const status = told && first && hasSessions(ends.protocol) ? ("refused" as const) : sent.status;
    return { connection: { ...sent, status }, spoken: spoken({ kind: "lost", told }), on: false };
  }
  const here: Server = { place: way.end, seen: endsOf(way.packet) };
  const knows = server !== undefined && samePlace(server.place, here.place) && sameEnds(server.seen, here.seen);
  if (first || !hasSessions(ends.protocol) || knows)
    return { connection: { ...sent, server: here }, spoken: spoken({ kind: "arrived" }), on: true };
  const refusal = travel(stage, refusalOf(way.packet), senderAt(here.place)).way;
  const told = endsAt(sender, refusal.end) && isAnswerTo(refusal.packet, packet, true);
  const status = told ? ("reset" as const) : sent.status;
  return { connection: { ...sent, status }, spoken: spoken({ kind: "stranger", refusal, told }), on: false };
}

function serverSpeaks(stage: Stage, connection: Connection, line: Line): Step {
  const { server, sequence, sender, ends } = connection;
  const why = server === undefined ? "nobody has the other end of it" : absence(stage, senderAt(server.place));
  if (server === undefined || why !== undefined)
    return { connection, spoken: { line, fate: { kind: "not-sent", why: why ?? "" } }, on: false };
  const packet = packetOfLine(line, reversed(server.seen), sequence);
  const { way, unknown } = travel(stage, packet, senderAt(server.place));
  const sent = { ...connection, sequence: after(line, sequence) };
  const spoken = (fate: Fate): Step => ({
    connection: sent,
    spoken: { line, fate, packet, way },
    on: fate.kind === "arrived",
  });
  if (unknown !== undefined) return spoken({ kind: "unknown", what: unknown });
  if (!endsAt(sender, way.end)) return spoken({ kind: "lost", told: wasTold(way, senderAt(server.place)) });
  return spoken({ kind: isAnswerTo(way.packet, { ...packet, ...ends }, true) ? "arrived" : "not-as-called" });
}

/**
 * Plays a dialogue on a connection, packet by packet, each sent only when the one before came to where it was meant for. The
 * states of the hosts are afterwards as the packets leave them.
 */
export function speak(
  stage: Stage,
  connection: Connection,
  lines: readonly Line[],
): { readonly connection: Connection; readonly spoken: readonly Spoken[]; readonly complete: boolean } {
  const spoken: Spoken[] = [];
  let current = connection;
  for (const [index, line] of lines.entries()) {
    const first = index === 0 && connection.status === "new";
    const step = line.by === "client" ? clientSpeaks(stage, current, line, first) : serverSpeaks(stage, current, line);
    current = step.connection;
    spoken.push(step.spoken);
    if (!step.on) return { connection: current, spoken, complete: false };
  }
  return { connection: current, spoken, complete: true };
}

/** How the reply in a dialogue arrived, in the words of the network. */
export function replyArrival(spoken: readonly Spoken[]): Reply["arrival"] | "none" {
  const fate = spoken.find(({ line }) => line.by === "server")?.fate;
  switch (fate?.kind) {
    case "arrived":
      return "as-called";
    case "not-as-called":
    case "lost":
    case "unknown":
      return fate.kind;
    default:
      return "none";
  }
}
