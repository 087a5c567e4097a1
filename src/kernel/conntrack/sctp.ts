import type { ConntrackEntry, Direction, ProtocolState, SCTPConnectionState } from "../entry.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";
import type { TimeoutName } from "./timeouts.ts";
import { accepted, checksumRefused, invalid, refresh, type Verdict } from "./verdict.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type SCTPState = Extract<ProtocolState, { kind: "sctp" }>;

const chunk = {
  DATA: 0,
  INIT: 1,
  INIT_ACK: 2,
  HEARTBEAT: 4,
  HEARTBEAT_ACK: 5,
  ABORT: 6,
  SHUTDOWN: 7,
  SHUTDOWN_ACK: 8,
  ERROR: 9,
  COOKIE_ECHO: 10,
  COOKIE_ACK: 11,
  SHUTDOWN_COMPLETE: 14,
} as const;

const short: Readonly<Record<string, SCTPConnectionState>> = {
  CL: "CLOSED",
  CW: "COOKIE_WAIT",
  CE: "COOKIE_ECHOED",
  ES: "ESTABLISHED",
  SS: "SHUTDOWN_SENT",
  SR: "SHUTDOWN_RECD",
  SA: "SHUTDOWN_ACK_SENT",
  HS: "HEARTBEAT_SENT",
};

/** All states, in the order of the table's columns. */
export const sctpStates: readonly SCTPConnectionState[] = [
  "NONE",
  "CLOSED",
  "COOKIE_WAIT",
  "COOKIE_ECHOED",
  "ESTABLISHED",
  "SHUTDOWN_SENT",
  "SHUTDOWN_RECD",
  "SHUTDOWN_ACK_SENT",
  "HEARTBEAT_SENT",
];

/** `sctp_conntracks`: for each chunk that changes states, the original and the reply direction; `!!` is INVALID. */
const rows: readonly (readonly [number, string, string])[] = [
  //                  NO CL CW CE ES SS SR SA HS
  [chunk.INIT, "CL CL CW CE ES CL CL SA CW", "!! CL CW CE ES SS SR SA !!"],
  [chunk.INIT_ACK, "CL CL CW CE ES SS SR SA CL", "!! CW CW CE ES SS SR SA !!"],
  [chunk.ABORT, "CL CL CL CL CL CL CL CL CL", "!! CL CL CL CL CL CL CL !!"],
  [chunk.SHUTDOWN, "CL CL CW CE SS SS SR SA CL", "!! CL CW CE SR SS SR SA !!"],
  [chunk.SHUTDOWN_ACK, "SA CL CW CE ES SA SA SA SA", "!! CL CW CE ES SA SA SA !!"],
  [chunk.ERROR, "CL CL CW CE ES SS SR SA CL", "!! CL CW CL ES SS SR SA !!"],
  [chunk.COOKIE_ECHO, "CL CL CE CE ES SS SR SA CL", "!! CL CE CE ES SS SR SA !!"],
  [chunk.COOKIE_ACK, "CL CL CW ES ES SS SR SA CL", "!! CL CW ES ES SS SR SA !!"],
  [chunk.SHUTDOWN_COMPLETE, "CL CL CW CE ES SS SR CL CL", "!! CL CW CE ES SS SR CL !!"],
  [chunk.HEARTBEAT, "HS CL CW CE ES SS SR SA HS", "!! CL CW CE ES SS SR SA HS"],
  [chunk.HEARTBEAT_ACK, "CL CL CW CE ES SS SR SA HS", "!! CL CW CE ES SS SR SA ES"],
];

const table: ReadonlyMap<number, readonly (readonly (SCTPConnectionState | undefined)[])[]> = new Map(
  rows.map(([type, original, reply]) => [
    type,
    [original, reply].map((row) => row.split(" ").map((cell) => short[cell])),
  ]),
);

/** The state after a chunk; chunks that are not in the table change nothing, `undefined` is INVALID. */
function transition(direction: Direction, type: number, state: SCTPConnectionState): SCTPConnectionState | undefined {
  const row = table.get(type)?.[direction];
  return row === undefined ? state : row[sctpStates.indexOf(state)];
}

const timeoutNames: Readonly<Record<SCTPConnectionState, TimeoutName>> = {
  NONE: "sctp_timeout_closed",
  CLOSED: "sctp_timeout_closed",
  COOKIE_WAIT: "sctp_timeout_cookie_wait",
  COOKIE_ECHOED: "sctp_timeout_cookie_echoed",
  ESTABLISHED: "sctp_timeout_established",
  SHUTDOWN_SENT: "sctp_timeout_shutdown_sent",
  SHUTDOWN_RECD: "sctp_timeout_shutdown_recd",
  SHUTDOWN_ACK_SENT: "sctp_timeout_shutdown_ack_sent",
  HEARTBEAT_SENT: "sctp_timeout_heartbeat_sent",
};

const ALONE: ReadonlySet<number> = new Set([chunk.INIT, chunk.INIT_ACK, chunk.SHUTDOWN_COMPLETE]);
const FIRST: ReadonlySet<number> = new Set([chunk.COOKIE_ACK, chunk.COOKIE_ECHO]);
const NEVER_NEW: readonly number[] = [chunk.ABORT, chunk.SHUTDOWN_COMPLETE, chunk.COOKIE_ACK];
/** Chunks that have verification rules of their own, or none. */
const OWN_TAG_RULE: ReadonlySet<number> = new Set([
  chunk.INIT,
  chunk.SHUTDOWN_COMPLETE,
  chunk.COOKIE_ECHO,
  chunk.ABORT,
  chunk.SHUTDOWN_ACK,
  chunk.HEARTBEAT,
  chunk.HEARTBEAT_ACK,
]);

/** Are there chunks, and do those stand alone or first that must (`do_basic_checks`)? */
function chunksFit(chunks: readonly number[]): boolean {
  let alone = false;
  for (const [index, type] of chunks.entries()) {
    alone ||= ALONE.has(type);
    if (index > 0 && (alone || FIRST.has(type))) return false;
  }
  return chunks.length > 0;
}

/**
 * SCTP (`nf_conntrack_sctp_packet`): states by chunks, verification tags as RFC 9260 §8.5 demands. The T bit of ABORT and
 * SHUTDOWN COMPLETE is not part of a packet here and taken as not set.
 */
export function trackSCTP(walk: Walk, skb: Skb, entry: ConntrackEntry, direction: Direction): Verdict {
  if (checksumRefused(walk, skb)) return invalid("bad checksum");
  const { chunks } = skb;
  if (!chunksFit(chunks)) return invalid("chunks that do not go together");
  const known = entry.confirmed ? entry.protocolState : firstState(skb);
  if (known?.kind !== "sctp") return invalid("not the start of an association");
  const work: Working = { ...known, vtags: [...known.vtags], init: [...known.init] };
  if (!chunks.some((type) => OWN_TAG_RULE.has(type)) && !tagFits(work.vtags[direction], skb.vtag))
    return invalid("wrong verification tag");
  const ignore = walkChunks(walk, work, skb, entry, direction);
  if (entry.confirmed || typeof ignore === "boolean") walk.state.set(entry, "protocolState", work);
  if (typeof ignore === "string") return invalid(ignore);
  if (!ignore) refresh(walk, entry, timeoutNames[work.state]);
  return accepted;
}

/** The association before its first packet (`sctp_new`); every chunk must be able to start one. */
function firstState(skb: Skb): SCTPState | undefined {
  const { chunks } = skb;
  if (chunks.some((type) => NEVER_NEW.includes(type))) return undefined;
  const vtags: [number, number] = [0, 0];
  for (const type of chunks) {
    const next = transition(0, type, "NONE");
    if (next === undefined || next === "NONE") return undefined;
    if (type === chunk.INIT && skb.vtag !== 0) return undefined;
    if (type === chunk.INIT) vtags[1] = skb.initTag;
    else if (type === chunk.HEARTBEAT) vtags[0] = skb.vtag;
    else if (type === chunk.SHUTDOWN_ACK) vtags[1] = skb.vtag;
  }
  return { kind: "sctp", state: "NONE", vtags, heartbeatFailed: false, lastDirection: 0, init: [false, false] };
}

/** A tag that is not known (-1) is taken to be the packet's own. */
const tagFits = (known: number, tag: number): boolean => known === tag || known === -1;

interface Working extends Omit<Mutable<SCTPState>, "vtags" | "init"> {
  vtags: [number, number];
  init: [boolean, boolean];
}

/** Works through the chunks: true when the packet must not refresh the timeout, a reason when it is INVALID. */
function walkChunks(
  walk: Walk,
  work: Working,
  skb: Skb,
  entry: ConntrackEntry,
  direction: Direction,
): boolean | string {
  const other = direction === 0 ? 1 : 0;
  let ignore = false;
  for (const type of skb.chunks) {
    const tags = checkTag(work, skb, direction, type, ignore);
    if (tags === "wrong") return "wrong verification tag";
    if (tags === "heartbeat") {
      ignore = true;
      continue;
    }
    const before = work.state;
    const next = transition(direction, type, before);
    if (next === undefined) return `not expected in state ${before}`;
    if (type === chunk.INIT) {
      // one with the tag that is known already says nothing new: a repeated or a stale INIT
      if (before === "NONE" || work.vtags[other] !== skb.initTag) {
        if (work.init[direction] && work.init[other]) work.init[other] = false;
        work.init[direction] = true;
        work.vtags[other] = skb.initTag;
      }
      // a repeated INIT does not keep the entry alive
      if (next === "CLOSED" && before === "CLOSED" && entry.confirmed) ignore = true;
    } else if (type === chunk.INIT_ACK) {
      const known = work.vtags[other];
      const differs = known > 0 && known !== skb.initTag;
      if (!work.init[other] && differs) return "another tag than the INIT's";
      if (work.init[direction] && work.init[other] && !tagFits(known, skb.initTag))
        return "another tag than the INIT's";
      work.vtags[other] = skb.initTag;
    }
    work.state = next;
    if (next === "ESTABLISHED" && before !== next && !entry.assured) walk.state.set(entry, "assured", true);
  }
  return ignore;
}

/** The verification rules of single chunks; `heartbeat`: a heartbeat with a wrong tag, which may be a restarted peer's. */
function checkTag(
  work: Working,
  skb: Skb,
  direction: Direction,
  type: number,
  ignore: boolean,
): "fits" | "wrong" | "heartbeat" {
  const own = work.vtags[direction];
  switch (type) {
    case chunk.INIT:
      return skb.vtag === 0 ? "fits" : "wrong";
    case chunk.ABORT:
    case chunk.SHUTDOWN_COMPLETE:
    case chunk.COOKIE_ECHO:
      return tagFits(own, skb.vtag) ? "fits" : "wrong";
    case chunk.COOKIE_ACK:
      work.init = [false, false];
      return "fits";
    case chunk.HEARTBEAT:
    case chunk.HEARTBEAT_ACK:
      break;
    default:
      return "fits";
  }
  if (own <= 0) {
    work.vtags[direction] = skb.vtag;
    return "fits";
  }
  if (own === skb.vtag) {
    work.heartbeatFailed = false;
    return "fits";
  }
  if (ignore || skb.chunks.includes(chunk.DATA)) return "wrong";
  if (type === chunk.HEARTBEAT) {
    work.heartbeatFailed = true;
    work.lastDirection = direction;
    return "heartbeat";
  }
  if (!work.heartbeatFailed || work.lastDirection === direction) return "wrong";
  work.heartbeatFailed = false;
  work.vtags[direction] = skb.vtag;
  work.vtags[direction === 0 ? 1 : 0] = 0;
  return "fits";
}
