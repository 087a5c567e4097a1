import type { Direction, TCPConnectionState } from "../entry.ts";
import { tcpFlag } from "../packet.ts";

/** What a segment is to the tracker, by its flags (`enum tcp_bit_set`). */
export const segmentIndex = {
  SYN: 0,
  SYNACK: 1,
  FIN: 2,
  ACK: 3,
  RST: 4,
  NONE: 5,
  /** Ours: the last segment of a connection that was read from a listing. */
  unknown: 6,
} as const;

/** What a segment does to a connection: a new state, nothing (it is let through), or it is INVALID. */
export type TCPTransition = TCPConnectionState | "IGNORE" | "INVALID";

/** All states, in the order of the table's columns. */
export const tcpStates: readonly TCPConnectionState[] = [
  "NONE",
  "SYN_SENT",
  "SYN_RECV",
  "ESTABLISHED",
  "FIN_WAIT",
  "CLOSE_WAIT",
  "LAST_ACK",
  "TIME_WAIT",
  "CLOSE",
  "SYN_SENT2",
];

const short: Readonly<Record<string, TCPTransition>> = {
  SS: "SYN_SENT",
  SR: "SYN_RECV",
  ES: "ESTABLISHED",
  FW: "FIN_WAIT",
  CW: "CLOSE_WAIT",
  LA: "LAST_ACK",
  TW: "TIME_WAIT",
  CL: "CLOSE",
  S2: "SYN_SENT2",
  "--": "IGNORE",
};

/** `tcp_conntracks` of Linux 6.18: a row a segment, SYN … NONE; the columns are `tcpStates`; `!!` is INVALID. */
const rows: readonly (readonly string[])[] = [
  [
    // NO SS SR ES FW CW LA TW CL S2
    "SS SS -- -- -- -- -- SS SS S2",
    "!! !! SR !! !! !! !! !! !! SR",
    "!! !! FW FW LA LA LA TW CL !!",
    "ES !! ES ES CW CW TW TW CL !!",
    "!! CL CL CL CL CL CL CL CL CL",
    "!! !! !! !! !! !! !! !! !! !!",
  ],
  [
    "!! S2 !! !! !! !! !! SS !! S2",
    "!! SR -- -- -- -- -- -- -- SR",
    "!! !! FW FW LA LA LA TW CL !!",
    "!! -- SR ES CW CW TW TW CL --",
    "!! CL CL CL CL CL CL CL CL CL",
    "!! !! !! !! !! !! !! !! !! !!",
  ],
];

const table: readonly (readonly (readonly TCPTransition[])[])[] = rows.map((direction) =>
  direction.map((row) => row.split(" ").map((cell) => short[cell] ?? "INVALID")),
);

const column: Readonly<Record<TCPConnectionState, number>> = Object.fromEntries(
  tcpStates.map((state, index) => [state, index]),
) as Record<TCPConnectionState, number>;

/** The transition of a connection's state by a segment of a direction, before windows are looked at. */
export function tcpTransition(direction: Direction, index: number, state: TCPConnectionState): TCPTransition {
  return table[direction]?.[index]?.[column[state]] ?? "INVALID";
}

/** The index of a segment's flags (`get_conntrack_index`). */
export function indexOfFlags(flags: number): number {
  if ((flags & tcpFlag.RST) !== 0) return segmentIndex.RST;
  if ((flags & tcpFlag.SYN) !== 0) return (flags & tcpFlag.ACK) !== 0 ? segmentIndex.SYNACK : segmentIndex.SYN;
  if ((flags & tcpFlag.FIN) !== 0) return segmentIndex.FIN;
  return (flags & tcpFlag.ACK) !== 0 ? segmentIndex.ACK : segmentIndex.NONE;
}

const { SYN, ACK, RST, FIN, URG } = tcpFlag;
const VALID: ReadonlySet<number> = new Set([
  SYN,
  SYN | URG,
  SYN | ACK,
  RST,
  RST | ACK,
  FIN | ACK,
  FIN | ACK | URG,
  ACK,
  ACK | URG,
]);

/** Is it a combination of flags that TCP knows (`tcp_valid_flags`)? PSH, ECE and CWR do not count. */
export function validFlags(flags: number): boolean {
  return VALID.has(flags & (SYN | ACK | RST | FIN | URG));
}
