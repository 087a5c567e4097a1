import { makePacket, type Packet, protocols, tcpFlag } from "../kernel/packet.ts";

/** What happens on a connection. */
export type Deed = "connect" | "send" | "reply" | "reset" | "close";

/** Which end of a connection. */
export type Side = "client" | "server";

/** One packet of a dialogue before it has addresses. */
export interface Line {
  readonly by: Side;
  /** As people say it: `SYN`, `data`, `echo request`. */
  readonly name: string;
  readonly flags?: number;
  readonly chunks?: readonly number[];
  readonly payload?: number;
}

const { SYN, ACK, FIN, RST, PSH } = tcpFlag;
const QUESTION = 100;
const ANSWER = 200;

const tcp = (by: Side, name: string, flags: number, payload = 0): Line => ({ by, name, flags, payload });
const ask = tcp("client", "data", PSH | ACK, QUESTION);
const answer = tcp("server", "data", PSH | ACK, ANSWER);
const ackOf = (by: Side): Line => tcp(by, "ACK", ACK);
const other = (side: Side): Side => (side === "client" ? "server" : "client");

const chunk = { DATA: 0, INIT: 1, INIT_ACK: 2, SACK: 3, ABORT: 6, SHUTDOWN: 7, SHUTDOWN_ACK: 8 } as const;
const late = { COOKIE_ECHO: 10, COOKIE_ACK: 11, SHUTDOWN_COMPLETE: 14 } as const;
const sctp = (by: Side, name: keyof typeof chunk | keyof typeof late): Line => ({
  by,
  name: name.replace("_", " "),
  chunks: [{ ...chunk, ...late }[name]],
});

const datagram = (by: Side): Line => ({ by, name: "datagram", payload: by === "client" ? QUESTION : ANSWER });
const PING: readonly Line[] = [
  { by: "client", name: "echo request" },
  { by: "server", name: "echo reply" },
];

type Dialogue = (by: Side) => readonly Line[];

const TCP: Readonly<Record<Deed, Dialogue>> = {
  connect: () => [tcp("client", "SYN", SYN), tcp("server", "SYN,ACK", SYN | ACK), ackOf("client")],
  send: () => [ask, answer, ackOf("client")],
  reply: () => [answer, ackOf("client")],
  reset: (by) => [tcp(by, "RST", RST | ACK)],
  close: (by) => [tcp(by, "FIN", FIN | ACK), tcp(other(by), "FIN", FIN | ACK), ackOf(by)],
};
const SCTP: Readonly<Record<Deed, Dialogue>> = {
  connect: () => [
    sctp("client", "INIT"),
    sctp("server", "INIT_ACK"),
    sctp("client", "COOKIE_ECHO"),
    sctp("server", "COOKIE_ACK"),
  ],
  send: () => [sctp("client", "DATA"), sctp("server", "SACK")],
  reply: () => [sctp("server", "DATA"), sctp("client", "SACK")],
  reset: (by) => [sctp(by, "ABORT")],
  close: (by) => [sctp(by, "SHUTDOWN"), sctp(other(by), "SHUTDOWN_ACK"), sctp(by, "SHUTDOWN_COMPLETE")],
};
const UDP: Readonly<Partial<Record<Deed, Dialogue>>> = {
  connect: () => [datagram("client"), datagram("server")],
  send: () => [datagram("client"), datagram("server")],
  reply: () => [datagram("server")],
};
const ICMP: Readonly<Partial<Record<Deed, Dialogue>>> = { connect: () => PING, send: () => PING };

const dialogues: ReadonlyMap<number, Readonly<Partial<Record<Deed, Dialogue>>>> = new Map([
  [protocols.tcp, TCP],
  [protocols.sctp, SCTP],
  [protocols.udp, UDP],
  [protocols.icmp, ICMP],
  [protocols.icmpv6, ICMP],
]);

/** The packets of a deed in their order, begun by one side; `undefined` where the protocol knows no such thing (a datagram cannot be closed). */
export function dialogue(protocol: number, deed: Deed, by: Side): readonly Line[] | undefined {
  return dialogues.get(protocol)?.[deed]?.(by);
}

/** Does one end of the protocol refuse packets of connections that it does not know? */
export function hasSessions(protocol: number): boolean {
  return protocol === protocols.tcp || protocol === protocols.sctp;
}

/** Next sequence numbers of the two ends. */
export type Sequence = Readonly<Record<Side, number>>;

export const firstSequence: Sequence = { client: 1000, server: 5000 };
const TAGS: Readonly<Record<Side, number>> = { client: 1, server: 2 };

/** Addresses and ports as the sender of a packet writes them. */
export type Ends = Pick<Packet, "family" | "src" | "dst" | "protocol" | "sport" | "dport" | "icmpId">;

/** A line as a packet. */
export function packetOfLine(
  { by, flags = 0, chunks = [], payload = 0 }: Line,
  ends: Ends,
  sequence: Sequence,
): Packet {
  const { protocol, family } = ends;
  if (protocol === protocols.tcp) {
    const acknowledges = (flags & ACK) !== 0 ? sequence[other(by)] : 0;
    return makePacket({ ...ends, flags, payload, seq: sequence[by], ack: acknowledges });
  }
  if (protocol === protocols.sctp) {
    const first = chunks[0] === chunk.INIT;
    return makePacket({ ...ends, chunks, vtag: first ? 0 : TAGS[other(by)], initTag: TAGS[by] });
  }
  if (protocol === protocols.udp) return makePacket({ ...ends, payload });
  const echo = family === "IPv4" ? { client: 8, server: 0 } : { client: 128, server: 129 };
  return makePacket({ ...ends, icmpType: echo[by] });
}

/** The numbers after a line was sent: SYN and FIN count as one byte. */
export function after({ by, flags = 0, payload = 0 }: Line, sequence: Sequence): Sequence {
  const length = payload + ((flags & (SYN | FIN)) === 0 ? 0 : 1);
  return { ...sequence, [by]: sequence[by] + length };
}

/** The answer of a host to a packet of a TCP or SCTP connection that it does not know: it goes back where that came from. */
export function refusalOf(packet: Packet): Packet {
  const { family, src, dst, protocol, sport, dport, ack, vtag } = packet;
  const ends = { family, src: dst, dst: src, protocol, sport: dport, dport: sport, icmpId: 0 };
  if (protocol === protocols.sctp) return makePacket({ ...ends, chunks: [chunk.ABORT], vtag });
  return makePacket({ ...ends, flags: RST, seq: ack });
}
