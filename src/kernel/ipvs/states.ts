import { protocols, tcpFlag } from "../packet.ts";

/** Which way a packet of a connection goes: from the client, or from the real server. */
export type ConnectionDirection = "in" | "out";

/** States of TCP connections, and the seconds that one lives in each (ipvs-mode §9.2). */
const tcpStates = {
  NO: ["NONE", 2],
  ES: ["ESTABLISHED", 900],
  SS: ["SYN_SENT", 120],
  SR: ["SYN_RECV", 60],
  FW: ["FIN_WAIT", 120],
  TW: ["TIME_WAIT", 120],
  CL: ["CLOSE", 10],
  CW: ["CLOSE_WAIT", 60],
  LA: ["LAST_ACK", 30],
  LI: ["LISTEN", 120],
  SA: ["SYNACK", 120],
} as const;

const tcpEvents = ["syn", "fin", "ack", "rst"] as const;

/** `tcp_states` of ip_vs_proto_tcp.c: the next state, columns in the order of `tcpStates`. */
const tcpTable = {
  in: {
    syn: "SR ES ES SR SR SR SR SR SR SR SR",
    fin: "CL CW SS TW TW TW CL CW LA LI TW",
    ack: "ES ES SS ES FW TW CL CW CL LI ES",
    rst: "CL CL CL SR CL CL CL CL LA LI SR",
  },
  out: {
    syn: "SS ES SS SR SS SS SS SS SS LI SR",
    fin: "TW FW SS TW FW TW CL TW LA LI TW",
    ack: "ES ES SS ES FW TW CL CW LA ES ES",
    rst: "CL CL SS CL CL TW CL CL CL CL CL",
  },
} as const;

/** States of SCTP associations; the seconds of each. */
const sctpStates = {
  NO: ["NONE", 2],
  I1: ["INIT1", 4],
  IN: ["INIT", 61],
  CS: ["C-SENT", 61],
  CR: ["C-REPLIED", 61],
  CW: ["C-WAIT", 61],
  CO: ["COOKIE", 61],
  CE: ["C-ECHOED", 61],
  ES: ["ESTABLISHED", 900],
  SS: ["S-SENT", 61],
  SR: ["S-RECEIVED", 61],
  SA: ["S-ACK-SENT", 61],
  RJ: ["REJECTED", 4],
  CL: ["CLOSED", 61],
} as const;

const sctpEvents = ["d", "i", "ia", "ce", "ca", "s", "sa", "sc", "e", "ab"] as const;
type SCTPEvent = (typeof sctpEvents)[number];

/** `sctp_states` of ip_vs_proto_sctp.c, columns in the order of `sctpStates`. */
const sctpTable = {
  in: {
    d: "ES I1 IN CS CR CW CO CE ES SS SR SA RJ CL",
    i: "I1 IN IN CS CR CW CO CE ES SS SR SA IN IN",
    ia: "CW CW CW CS CR CO CO CE ES SS SR SA RJ CL",
    ce: "CR IN IN CR CR CW CO CE ES SS SR SA RJ CL",
    ca: "ES I1 IN CS CR CW CO ES ES SS SR SA RJ CL",
    s: "SR I1 IN CS CR CW CO CE SR SS SR SA RJ CL",
    sa: "CL IN IN CS CR CW CO CE ES CL SR CL RJ CL",
    sc: "CL CL CL CS CR CW CO CE ES SS SR CL RJ CL",
    e: "CL I1 IN CS CR CW CO CL ES SS SR SA RJ CL",
    ab: "CL CL CL CL CL RJ CL CL CL CL CL CL CL CL",
  },
  out: {
    d: "ES I1 IN CS CR CW CO CE ES SS SR SA RJ CL",
    i: "CW CW CW CW CW CW CW CW ES CW CW CW CW CW",
    ia: "CS CS CS CS CR CW CO CE ES SS SR SA RJ CL",
    ce: "CE CE CE CE CE CE CE CE ES SS SR SA RJ CL",
    ca: "ES ES ES ES ES ES ES ES ES SS SR SA RJ CL",
    s: "SS SS SS SS SS SS SS SS SS SS SR SA RJ CL",
    sa: "SA SA SA SA SA CW CO CE ES SA SA SA RJ CL",
    sc: "CL I1 IN CS CR CW CO CE ES SS SR SA RJ CL",
    e: "CL CL CL CL CL CW CO CE ES SS SR SA RJ CL",
    ab: "CL RJ CL CL CL CL CL CL CL CL CL CL CL CL",
  },
} as const;

/** Direction and event → state → next state, by the states' full names. */
function readTable<E extends string>(
  names: Readonly<Record<string, readonly [string, number]>>,
  rows: Readonly<Record<ConnectionDirection, Readonly<Record<E, string>>>>,
): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const nameOf = (short: string): string => names[short]?.[0] ?? short;
  const table = new Map<string, ReadonlyMap<string, string>>();
  for (const direction of ["in", "out"] as const) {
    for (const [event, row] of Object.entries<string>(rows[direction])) {
      const next = row.split(" ").map(nameOf);
      table.set(
        `${direction} ${event}`,
        new Map(Object.keys(names).map((short, i) => [nameOf(short), next[i] as string])),
      );
    }
  }
  return table;
}

const tcpNext = readTable(tcpStates, tcpTable);
const sctpNext = readTable(sctpStates, sctpTable);
const secondsOf = (names: Readonly<Record<string, readonly [string, number]>>): ReadonlyMap<string, number> =>
  new Map(Object.values(names));
const tcpSeconds = secondsOf(tcpStates);
const sctpSeconds = secondsOf(sctpStates);
const UDP_SECONDS = 300;

/** States in which a TCP connection counts as active (`tcp_state_active_table`). */
const TCP_ACTIVE: ReadonlySet<string> = new Set(["ESTABLISHED", "SYN_SENT", "SYN_RECV", "SYNACK"]);

/** A RST counts before a SYN, this before a FIN, this before an ACK (`tcp_state_idx`); a packet with none of them is no event. */
function tcpEvent(flags: number): (typeof tcpEvents)[number] | undefined {
  if (flags & tcpFlag.RST) return "rst";
  if (flags & tcpFlag.SYN) return "syn";
  if (flags & tcpFlag.FIN) return "fin";
  return flags & tcpFlag.ACK ? "ack" : undefined;
}

/** SCTP chunk types. */
export const chunkType = { init: 1, abort: 6, cookieEcho: 10, cookieAck: 11 } as const;

const chunkEvents: ReadonlyMap<number, SCTPEvent> = new Map([
  [1, "i"],
  [2, "ia"],
  [10, "ce"],
  [11, "ca"],
  [7, "s"],
  [8, "sa"],
  [14, "sc"],
  [9, "e"],
  [6, "ab"],
]);

/** The event of a packet is that of its first chunk; an ABORT behind a COOKIE ECHO or COOKIE ACK counts instead of it. */
function sctpEvent([first = 0, second]: readonly number[]): SCTPEvent {
  const isCookie = first === chunkType.cookieEcho || first === chunkType.cookieAck;
  if (isCookie && second === chunkType.abort) return "ab";
  return chunkEvents.get(first) ?? "d";
}

/** The state of a connection that has seen no packet. */
export function firstState(protocol: number): string {
  return protocol === protocols.udp ? "UDP" : "NONE";
}

/** Do connections of a protocol have a state of this name? */
export function knowsState(protocol: number, state: string): boolean {
  if (protocol === protocols.udp) return state === "UDP";
  return (protocol === protocols.sctp ? sctpSeconds : tcpSeconds).has(state);
}

/** What a packet shows of its transport. */
export interface TransportFacts {
  readonly flags: number;
  readonly chunks: readonly number[];
}

/** The state after a packet (`tcp_state_transition`, `sctp_state_transition`, ipvs-mode §9.3, §9.4). */
export function nextState(
  protocol: number,
  state: string,
  direction: ConnectionDirection,
  { flags, chunks }: TransportFacts,
): string {
  if (protocol === protocols.udp) return "UDP";
  if (protocol === protocols.sctp) {
    if (chunks.length === 0) return state;
    return sctpNext.get(`${direction} ${sctpEvent(chunks)}`)?.get(state) ?? state;
  }
  const event = tcpEvent(flags);
  return event === undefined ? "CLOSE" : (tcpNext.get(`${direction} ${event}`)?.get(state) ?? state);
}

/** Does a connection in a state count in ActiveConn? UDP never does. */
export function isActive(protocol: number, state: string): boolean {
  if (protocol === protocols.tcp) return TCP_ACTIVE.has(state);
  return protocol === protocols.sctp && state === "ESTABLISHED";
}

/** `ipvsadm --set` in seconds; 0: the kernel's own. */
export interface GivenTimeouts {
  readonly tcp: number;
  readonly tcpFin: number;
  readonly udp: number;
}

/** The seconds that a connection in a state lives on. */
export function secondsIn(protocol: number, state: string, given: GivenTimeouts | undefined): number {
  if (protocol === protocols.udp) return given?.udp || UDP_SECONDS;
  if (protocol === protocols.sctp) return sctpSeconds.get(state) ?? 0;
  if (state === "ESTABLISHED" && given?.tcp) return given.tcp;
  if (state === "FIN_WAIT" && given?.tcpFin) return given.tcpFin;
  return tcpSeconds.get(state) ?? 0;
}
