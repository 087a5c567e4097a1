import { hasPorts, type Packet, protocols, tcpFlag } from "../kernel/packet.ts";
import { type IntervalSet, intervalsOf } from "../net/intervals.ts";
import type { End } from "../network/end.ts";
import type { JourneyOptions, Sender } from "../network/journey.ts";
import { afterHandshake, type Candidate, type Place, type Sending, waysOf } from "./change.ts";
import { addressCandidates, markCandidates, portCandidates } from "./change-candidates.ts";
import { arrives, endsOf, fails } from "./standing.ts";

/** What of a packet an advice changes. */
export type AdviceField =
  | "source"
  | "source port"
  | "destination"
  | "port"
  | "protocol"
  | "entry node"
  | "mark"
  | "connection";

/** One single change that makes a packet arrive that does not, or fail that does. */
export interface Advice {
  readonly field: AdviceField;
  /** What the packet has, and what it would have to have: numbers and addresses as texts, names of protocols, of nodes, of connection states. */
  readonly from: string;
  readonly to: string;
  /** The packet with that change, ready to be sent. */
  readonly sending: Sending;
  /** It comes through on all ways with its reply; else it fails on all. */
  readonly arrives: boolean;
  readonly ends: readonly End[];
  /** All values of the field that do the same, where all were tried. */
  readonly set?: IntervalSet;
}

/** Advices for one field. */
const SHOWN = 3;
/** Changes that are tried at most, of one field; another address may lead to another node, whose rules have to be made first. */
const MAX_TRIES = 1000;
const MAX_ADDRESSES = 300;

const TRANSPORTS: readonly (readonly [name: string, number: number])[] = [
  ["tcp", protocols.tcp],
  ["udp", protocols.udp],
  ["sctp", protocols.sctp],
];

function protocolCandidates(sending: Sending): readonly Candidate[] {
  const { packet } = sending;
  if (!hasPorts(packet.protocol)) return [];
  return TRANSPORTS.filter(([, number]) => number !== packet.protocol).map(([to, protocol]) => ({
    to,
    sending: { ...sending, packet: withProtocol(packet, protocol) },
  }));
}

/** As the first packet of its protocol is. */
function withProtocol(packet: Packet, protocol: number): Packet {
  const tcp = protocol === protocols.tcp;
  const sctp = protocol === protocols.sctp;
  return {
    ...packet,
    protocol,
    flags: tcp ? tcpFlag.SYN : 0,
    window: tcp ? 65535 : 0,
    options: [],
    chunks: sctp ? [1] : [],
    initTag: sctp ? 1 : 0,
  };
}

function connectionCandidates(sending: Sending): readonly Candidate[] {
  const { packet } = sending;
  if (packet.protocol !== protocols.tcp) return [];
  const { SYN, ACK } = tcpFlag;
  const made = afterHandshake(packet);
  const candidates: (Candidate & { readonly flags: number })[] = [
    { to: "new", flags: SYN, sending: { ...sending, packet: { ...packet, flags: SYN, ack: 0 } } },
    { to: "established", flags: -1, sending: { ...sending, ...made } },
    { to: "none", flags: ACK, sending: { ...sending, packet: { ...packet, flags: ACK } } },
  ];
  return candidates.filter(({ flags }) => flags !== packet.flags);
}

const connectionOf = ({ flags }: Packet): string =>
  flags === tcpFlag.SYN ? "new" : flags === tcpFlag.ACK ? "none" : `flags 0x${flags.toString(16)}`;

/** Other nodes by which a packet from outside may enter. */
function entryCandidates({ network }: Place, sending: Sending): readonly Candidate[] {
  const { sender, options, packet } = sending;
  if (sender?.kind !== "outside") return [];
  if (sender.node !== undefined)
    return network.nodes
      .filter((node) => node !== sender.node)
      .map((node) => ({ to: node, sending: { ...sending, sender: { kind: "outside", node } } }));
  if (network.ownerOf(packet.dst).kind !== "external") return [];
  const own = options.entryNode?.(packet.dst);
  return network.nodes
    .filter((node) => node !== own)
    .map((node) => ({ to: node, sending: { ...sending, options: { ...options, entryNode: () => node } } }));
}

function entryOf({ sender, options, packet }: Sending): string {
  const node = sender?.kind === "outside" ? (sender.node ?? options.entryNode?.(packet.dst)) : undefined;
  return node ?? "none";
}

const nameOfProtocol = (protocol: number): string =>
  TRANSPORTS.find(([, number]) => number === protocol)?.[0] ?? `${protocol}`;

interface Question {
  readonly field: AdviceField;
  readonly from: string;
  readonly candidates: () => readonly Candidate[];
}

function questionsOf(place: Place, sending: Sending): readonly Question[] {
  const { packet, sender } = sending;
  const ports = hasPorts(packet.protocol) && packet.fragmentOffset === 0;
  const src = addressCandidates(place, sending, "src");
  const dst = addressCandidates(place, sending, "dst");
  const mark = sender?.kind === "node" ? (sender.options?.mark ?? 0) : 0;
  const all: readonly (Question | false)[] = [
    ports && { field: "port", from: `${packet.dport}`, candidates: () => portCandidates(place, sending, "dport") },
    { field: "destination", from: dst.from, candidates: dst.candidates },
    { field: "source", from: src.from, candidates: src.candidates },
    ports && {
      field: "source port",
      from: `${packet.sport}`,
      candidates: () => portCandidates(place, sending, "sport"),
    },
    { field: "protocol", from: nameOfProtocol(packet.protocol), candidates: () => protocolCandidates(sending) },
    { field: "connection", from: connectionOf(packet), candidates: () => connectionCandidates(sending) },
    { field: "entry node", from: entryOf(sending), candidates: () => entryCandidates(place, sending) },
    { field: "mark", from: `0x${mark.toString(16)}`, candidates: () => markCandidates(place, sending) },
  ];
  return all.filter((each) => each !== false);
}

/** Whether somebody listens on a node or outside is not known: changes that lead to Pods come first. */
const inPods = ({ arrives: wanted, ends }: Advice): boolean => wanted && ends.every(({ kind }) => kind === "pod");

/** The changes of one field that turn the result round. */
function adviceOf(place: Place, { field, from, candidates }: Question, wanted: boolean): readonly Advice[] {
  const found: Advice[] = [];
  const values: { from: bigint; to: bigint }[] = [];
  const tried = candidates();
  const most = field === "source" || field === "destination" ? MAX_ADDRESSES : MAX_TRIES;
  for (const { to, sending, interval } of tried.slice(0, most)) {
    const branches = waysOf(place, sending);
    if (!(wanted ? arrives(branches) : fails(branches))) continue;
    if (interval !== undefined) values.push(interval);
    const advice: Advice = { field, from, to, sending, arrives: wanted, ends: endsOf(branches) };
    found.push(advice);
    // where no set of values is asked for, a few will do
    if (interval === undefined && found.filter((each) => !wanted || inPods(each)).length >= SHOWN) break;
  }
  const shown = [...found.filter(inPods), ...found.filter((each) => !inPods(each))].slice(0, SHOWN);
  if (values.length === 0 || tried.length > most) return shown;
  const set = intervalsOf(values);
  return shown.map((each) => ({ ...each, set }));
}

/**
 * Why not: of a packet that does not arrive on all its ways, the single changes with which it would, its reply included; of one that
 * arrives, those with which it would fail on every way. Every change is tried through the whole network: numbers between any two
 * that rules speak of, addresses that objects or rules name, the nearest 300 of them. At most three for a field: those that lead to Pods first, then the nearest. The states of all hosts
 * are as before when it returns.
 */
export function whyNot(
  place: Place,
  packet: Packet,
  sender: Sender | undefined,
  options: JourneyOptions = {},
): readonly Advice[] {
  const sending: Sending = { packet, sender, options };
  const wanted = !arrives(waysOf(place, sending));
  return questionsOf(place, sending).flatMap((question) => adviceOf(place, question, wanted));
}
