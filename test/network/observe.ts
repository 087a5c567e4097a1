import { isICMPError, makePacket, type Packet, protocols, sameAddress, tcpFlag } from "../../src/kernel/packet.ts";
import { packetText } from "../../src/kernel/packet-text.ts";
import type { Sender } from "../../src/network/journey.ts";
import {
  answerText,
  type RowAnswer,
  type RowBranch,
  type RowEnd,
  type RowReply,
  type Seen,
  sideText,
} from "./journey-row.ts";
import { OUTSIDE, podHost } from "./real-names.ts";
import type { Hit, RealNetwork, Sighting } from "./real-network.ts";

/** A packet's way as the taps saw it. */
interface SeenWay {
  /** Nodes that received it, in order; a node that sent it first. */
  readonly nodes: readonly string[];
  /** The interfaces that it came to nodes by, in order. */
  readonly interfaces: readonly string[];
  /** Where a host's own stack got it. */
  readonly got: readonly Sighting[];
  /** ICMP errors and RSTs that were seen meanwhile. */
  readonly answers: readonly Sighting[];
}

/** What a kernel did with a row's packet. */
export interface Observed {
  readonly there: SeenWay;
  /** Absent when there was nothing to answer. */
  readonly reply?: SeenWay & { readonly asCalled: boolean; readonly atSender: boolean };
  /** Rules of the node where the way may have ended that counted. */
  readonly hits: readonly Hit[];
}

const isAnswer = (packet: Packet): boolean =>
  isICMPError(packet) || (packet.protocol === protocols.tcp && (packet.flags & tcpFlag.RST) !== 0);

/** Each node that forwards takes one from the TTL: that is the order. */
const inOrder = (seen: readonly Sighting[]): readonly Sighting[] =>
  [...seen].sort((a, b) => b.packet.ttl - a.packet.ttl);

function wayOf(seen: readonly Sighting[], sender: string, sent: Packet): SeenWay {
  const isOwn = ({ packet }: Sighting): boolean => isAnswer(sent) || !isAnswer(packet);
  const own = seen.filter(isOwn);
  const came = inOrder(own.filter(({ what }) => what === "came"));
  const first = sender === OUTSIDE || sender.startsWith("pod/") ? [] : [sender];
  const got = own.filter(({ what }) => what === "got");
  const answers = seen.filter((each) => !isOwn(each));
  const interfaces = came.map((each) => each.interface);
  return { nodes: [...first, ...came.map(({ host }) => host)], interfaces, got, answers };
}

/** The namespace that a sender is. */
export function hostOf(sender: Sender): string {
  if (sender.kind === "outside") return OUTSIDE;
  return sender.kind === "node" ? sender.node : podHost(sender.pod);
}

/** What rows count on in later packets of a connection. */
const SERVER_NUMBER = 1000;

/** What somebody who listens sends back: this is the harness's own, not the network's. */
function listenerAnswers(packet: Packet): Packet | undefined {
  const { family, src, dst, protocol, sport, dport, seq, payload, icmpId, flags, chunks, initTag } = packet;
  const back = { family, src: dst, dst: src, protocol, sport: dport, dport: sport, ttl: 64 };
  if (protocol === protocols.tcp)
    return flags === tcpFlag.SYN
      ? makePacket({ ...back, flags: 0x12, seq: SERVER_NUMBER, ack: (seq + 1 + payload) >>> 0 })
      : undefined;
  if (protocol === protocols.udp) return makePacket({ ...back, payload: 3 });
  if (protocol === protocols.sctp)
    return chunks[0] === 1 ? makePacket({ ...back, chunks: [2], vtag: initTag, initTag: 77 }) : undefined;
  if (protocol === protocols.icmp && packet.icmpType === 8)
    return makePacket({ ...back, icmpType: 0, icmpId, payload });
  if (protocol === protocols.icmpv6 && packet.icmpType === 128)
    return makePacket({ ...back, icmpType: 129, icmpId, payload });
  return undefined;
}

function isAsCalled(reply: Packet, sent: Packet): boolean {
  const addresses = sameAddress(reply.src, sent.dst) && sameAddress(reply.dst, sent.src);
  return addresses && reply.sport === sent.dport && reply.dport === sent.sport && reply.icmpId === sent.icmpId;
}

/** Sends a packet, lets whoever gets it answer, and tells what was seen; `watched`: the node whose rules are looked at. */
export async function observe(
  network: RealNetwork,
  packet: Packet,
  sender: string,
  { quiet, watched }: { readonly quiet: number; readonly watched?: string | undefined },
): Promise<Observed> {
  if (watched !== undefined) await network.hits(watched);
  const there = wayOf(await network.send(sender, packet, quiet), sender, packet);
  const [arrived] = there.got;
  const answer = arrived === undefined ? undefined : listenerAnswers(arrived.packet);
  let reply: Observed["reply"];
  if (arrived !== undefined && answer !== undefined) {
    const way = wayOf(await network.send(arrived.host, answer, quiet), arrived.host, answer);
    const back = way.got.filter(({ host }) => host === sender);
    reply = { ...way, atSender: back.length > 0, asCalled: back.some((each) => isAsCalled(each.packet, packet)) };
  }
  const hits = watched === undefined ? [] : await network.hits(watched);
  return { there, ...(reply === undefined ? {} : { reply }), hits };
}

const sameTexts = (a: readonly string[], b: readonly string[]): boolean => a.join(" ") === b.join(" ");

const placeOf = (host: string): Seen["kind"] =>
  host === OUTSIDE ? "outside" : host.startsWith("pod/") ? "pod" : "host";

/** Is what a row says of an end what was seen there? The source port may be one that the kernel drew. */
function endFits(end: RowEnd, got: readonly Sighting[]): boolean {
  if (end.kind === "stopped") return got.length === 0;
  const [seen] = got;
  if (got.length !== 1 || seen === undefined || placeOf(seen.host) !== end.kind) return false;
  const { src, dst, sport, dport } = seen.packet;
  const from = sideText(seen.packet, src, sport, end.from.endsWith(":drawn"));
  return end.to === sideText(seen.packet, dst, dport) && end.from === from;
}

/** What a node sent itself is on the way of its own packet's error: the first node of the row's answer is not seen. */
function answersFit(answers: readonly RowAnswer[], seen: readonly Sighting[]): boolean {
  const got = seen.filter(({ what }) => what === "got");
  const came = inOrder(seen.filter(({ what }) => what === "came"));
  const nodes = answers.flatMap(({ nodes: all }) => all.slice(1));
  if (
    !sameTexts(
      nodes,
      came.map(({ host }) => host),
    )
  )
    return false;
  const arriving = answers.filter(({ end }) => end.kind !== "stopped");
  if (arriving.length !== got.length) return false;
  return arriving.every(({ what, end }) =>
    got.some((each) => answerText(each.packet) === what && endFits(end, [each])),
  );
}

/** The chain of rules that a row says a way ended by. */
export function stoppingChain(end: RowEnd): string | undefined {
  return end.kind === "stopped" ? /^(?:dropped|rejected) by (\S+)$/.exec(end.text)?.[1] : undefined;
}

function stopFits(end: RowEnd, hits: readonly Hit[]): boolean {
  const chain = stoppingChain(end);
  return chain === undefined || hits.some((hit) => hit.table === "filter" && hit.chain === chain);
}

function replyFits(reply: RowReply | undefined, seen: Observed["reply"]): boolean {
  if (reply === undefined || seen === undefined) return reply === undefined && seen === undefined;
  const arrival = seen.asCalled ? "as called" : seen.atSender ? "not as called" : "lost";
  if (reply.arrival !== arrival || !sameTexts(reply.nodes, seen.nodes)) return false;
  return (reply.end === undefined || endFits(reply.end, seen.got)) && answersFit(reply.answers, seen.answers);
}

/** Is what was seen this branch of the row? */
export function branchFits({ there, reply }: RowBranch, observed: Observed): boolean {
  if (there.end.kind === "stopped" && there.end.text === "stuck") return observed.there.got.length === 0;
  if (!sameTexts(there.nodes, observed.there.nodes)) return false;
  if (!endFits(there.end, observed.there.got) || !answersFit(there.answers, observed.there.answers)) return false;
  const ended = stoppingChain(there.end) === undefined && reply?.end !== undefined ? reply.end : there.end;
  return stopFits(ended, observed.hits) && replyFits(reply, observed.reply);
}

/** The interfaces that the packet and its reply came to nodes by, in order. */
export const interfacesOf = ({ there, reply }: Observed): readonly string[] => [
  ...there.interfaces,
  ...(reply?.interfaces ?? []),
];

const sightingText = ({ host, what, interface: name, packet }: Sighting): string =>
  `${host} ${what} by ${name}: ${packetText(packet)} ttl ${packet.ttl}`;

/** What was seen, for people. */
export function observedText({ there, reply, hits }: Observed): string {
  const lines = (way: SeenWay): string[] => [
    `nodes ${way.nodes.join(" ") || "-"} by ${way.interfaces.join(" ") || "-"}`,
    ...[...way.got, ...way.answers].map(sightingText),
  ];
  const back = reply === undefined ? [] : ["reply:", ...lines(reply)];
  const rules = [...new Set(hits.map(({ table, chain }) => `${table} ${chain}`))];
  return [...lines(there), ...back, ...(rules.length === 0 ? [] : [`rules: ${rules.join(", ")}`])].join("\n    ");
}
