import { type Packet, protocols } from "../../src/kernel/packet.ts";
import { endpointText, flagsText } from "../../src/kernel/packet-text.ts";
import type { Dyadic } from "../../src/net/dyadic.ts";
import { formatDyadic } from "../../src/net/dyadic.ts";
import type { End } from "../../src/network/end.ts";
import type { JourneyBranch, Reply } from "../../src/network/journey.ts";
import type { Answer, Way } from "../../src/network/way.ts";
import { addressText } from "../routing/support.ts";

/** Where a packet got to, and what the receiver sees: `ADDRESS:PORT`, without port where the protocol has none. */
export interface Seen {
  readonly kind: "pod" | "host" | "outside";
  readonly to: string;
  /** `ADDRESS:drawn` for a port that a kernel drew. */
  readonly from: string;
}

/** Where a way ends; `stopped`: in the row's words. */
export type RowEnd = Seen | { readonly kind: "stopped"; readonly text: string };

/** What a node, the first of `nodes`, sent because of a packet: `icmp 3/3`, `tcp RST`. */
export interface RowAnswer {
  readonly nodes: readonly string[];
  readonly what: string;
  readonly end: RowEnd;
}

export interface RowWay {
  /** In the order in which it crossed them. */
  readonly nodes: readonly string[];
  readonly end: RowEnd;
  readonly answers: readonly RowAnswer[];
}

export interface RowReply {
  readonly nodes: readonly string[];
  readonly arrival: "as called" | "not as called" | "lost" | "unknown";
  /** Absent where it is as called. */
  readonly end?: RowEnd;
  readonly answers: readonly RowAnswer[];
}

/** One of the journeys that a packet can make. */
export interface RowBranch {
  /** `1/2`; absent for a journey that is sure. */
  readonly chance?: string;
  readonly there: RowWay;
  readonly reply?: RowReply;
}

const NOWHERE = "-";
const nodesText = (nodes: readonly string[]): string => (nodes.length === 0 ? NOWHERE : nodes.join(" "));

function endText(end: RowEnd): string {
  return end.kind === "stopped" ? end.text : `${end.kind} ${end.to} sees ${end.from}`;
}

const answersText = (answers: readonly RowAnswer[]): string =>
  answers.map(({ nodes, what, end }) => ` ! ${nodesText(nodes)}: ${what} ${endText(end)}`).join("");

function replyText({ nodes, arrival, end, answers }: RowReply): string {
  const where = end === undefined ? "" : `, ${endText(end)}`;
  return ` <- ${nodesText(nodes)}: ${arrival}${where}${answersText(answers)}`;
}

/** A branch as a table has it; `readBranch` reads it again. */
export function branchText({ chance, there, reply }: RowBranch): string {
  const before = chance === undefined ? "" : `${chance} `;
  const way = `${nodesText(there.nodes)}: ${endText(there.end)}${answersText(there.answers)}`;
  return `${before}${way}${reply === undefined ? "" : replyText(reply)}`;
}

const splitAt = (text: string, mark: string): readonly [string, string] => {
  const at = text.indexOf(mark);
  if (at < 0) throw new Error(`expected ${JSON.stringify(mark)} in ${JSON.stringify(text)}`);
  return [text.slice(0, at), text.slice(at + mark.length)];
};

const readNodes = (text: string): readonly string[] => (text === NOWHERE ? [] : text.split(" "));

function readEnd(text: string): RowEnd {
  const [, kind, to = "", from = ""] = /^(pod|host|outside) (\S+) sees (\S+)$/.exec(text) ?? [];
  return kind === undefined ? { kind: "stopped", text } : { kind: kind as Seen["kind"], to, from };
}

function readAnswer(text: string): RowAnswer {
  const [nodes, rest] = splitAt(text, ": ");
  const [, what = "", end = ""] = /^(\S+ \S+) (.*)$/.exec(rest) ?? [];
  return { nodes: readNodes(nodes), what, end: readEnd(end) };
}

const ARRIVALS = ["as called", "not as called", "lost", "unknown"] as const;

function readReply(text: string): RowReply {
  const [first = "", ...answers] = text.split(" ! ");
  const [nodes, rest] = splitAt(first, ": ");
  const arrival = ARRIVALS.find((each) => rest === each || rest.startsWith(`${each}, `));
  if (arrival === undefined) throw new Error(`a reply comes ${ARRIVALS.join(", ")}, not ${rest}`);
  const end = rest === arrival ? {} : { end: readEnd(rest.slice(arrival.length + 2)) };
  return { nodes: readNodes(nodes), arrival, ...end, answers: answers.map(readAnswer) };
}

/** Reads `[CHANCE] NODE…: END [! NODE…: ANSWER END]… [<- NODE…: ARRIVAL[, END] [! …]…]`. */
export function readBranch(text: string): RowBranch {
  const [, chance, rest = text] = /^(\d+\/\S+) (.*)$/.exec(text) ?? [];
  const [before = "", back] = rest.split(" <- ");
  const [first = "", ...answers] = before.split(" ! ");
  const [nodes, end] = splitAt(first, ": ");
  const there = { nodes: readNodes(nodes), end: readEnd(end), answers: answers.map(readAnswer) };
  return {
    ...(chance === undefined ? {} : { chance }),
    there,
    ...(back === undefined ? {} : { reply: readReply(back) }),
  };
}

const WITH_PORTS: ReadonlySet<number> = new Set([protocols.tcp, protocols.udp, protocols.sctp, protocols.udplite]);

/** One side of a packet. */
export function sideText({ protocol }: Packet, address: Packet["src"], port: number, drawn = false): string {
  if (!WITH_PORTS.has(protocol)) return addressText(address);
  const text = endpointText(address, port);
  return drawn ? text.replace(/\d+$/, "drawn") : text;
}

/** What a node sent, in a row's words: `icmp 3/3`, `tcp RST`. */
export function answerText({ protocol, icmpType, icmpCode, flags }: Packet): string {
  if (protocol === protocols.icmp || protocol === protocols.icmpv6) return `icmp ${icmpType}/${icmpCode}`;
  return protocol === protocols.tcp ? `tcp ${flagsText(flags)}` : `protocol ${protocol}`;
}

function stopText(end: Exclude<End, { kind: Seen["kind"] }>, packet: Packet): string {
  switch (end.kind) {
    case "nobody":
      return `nobody has ${sideText(packet, packet.dst, packet.dport)}`;
    case "dropped":
      return end.cause.kind === "rule" ? `dropped by ${end.cause.rule.chain}` : `dropped, ${end.cause.kind}`;
    case "rejected":
      return `rejected by ${end.rule.chain}`;
    case "no-route":
      return "no route";
    case "stuck":
      return end.virtualServer === undefined ? "stuck" : "no real server";
    case "unknown":
      return end.what.what;
  }
}

function endOf({ end, packet, sourcePortOf }: Way): RowEnd {
  if (end.kind !== "pod" && end.kind !== "host" && end.kind !== "outside")
    return { kind: "stopped", text: end.kind === "unknown" ? `unknown, ${end.what.what}` : stopText(end, packet) };
  const { src, dst, sport, dport } = packet;
  const from = sideText(packet, src, sport, sourcePortOf !== undefined);
  return { kind: end.kind, to: sideText(packet, dst, dport), from };
}

const answersOf = (answers: readonly Answer[]): readonly RowAnswer[] =>
  answers.map((answer) => ({
    nodes: [answer.from, ...answer.legs.map(({ node }) => node)],
    what: answerText(answer.packet),
    end: endOf(answer),
  }));

function wayOf(way: Way): RowWay {
  return { nodes: way.legs.map(({ node }) => node), end: endOf(way), answers: answersOf(way.answers) };
}

function replyOf({ way, arrival }: Reply): RowReply {
  const { nodes, end, answers } = wayOf(way);
  const text = end.kind === "stopped" ? end.text.replace(/^unknown, /, "") : "";
  const shown: RowEnd = end.kind === "stopped" ? { kind: "stopped", text } : end;
  const words = arrival === "as-called" ? "as called" : arrival === "not-as-called" ? "not as called" : arrival;
  return { nodes, arrival: words, ...(arrival === "as-called" ? {} : { end: shown }), answers };
}

/** `1/2`, `715827883/2^31`; `undefined` for what is sure. */
function chanceText(chance: Dyadic): string | undefined {
  if (chance.exponent === 0) return undefined;
  return chance.exponent > 10 ? formatDyadic(chance) : `${chance.numerator}/${2 ** chance.exponent}`;
}

/** What the emulator says, as a row has it. */
export function branchOf({ journey, probability }: JourneyBranch): RowBranch {
  const chance = chanceText(probability);
  const { there, reply } = journey;
  return {
    ...(chance === undefined ? {} : { chance }),
    there: wayOf(there),
    ...(reply === undefined ? {} : { reply: replyOf(reply) }),
  };
}
