import { formatIPv4, formatIPv6 } from "../../net/ip.ts";
import type { Report, Source } from "../../text/diagnostic.ts";
import type { ConntrackEntry, ProtocolState, TCPConnectionState, Tuple } from "../entry.ts";
import type { Sysctls } from "../host.ts";
import { type Address, protocols, sameAddress } from "../packet.ts";
import type { HostState } from "../state.ts";
import { type ListedEntry, readListingLine } from "./listing-line.ts";
import { insertEntry, listEntries, newEntry } from "./table.ts";
import { tcpTimeoutName } from "./tcp.ts";
import { segmentIndex } from "./tcp-table.ts";
import { emptyLast, emptySide, sideFlag } from "./tcp-window.ts";
import { timeoutOf } from "./timeouts.ts";
import { tracksPorts } from "./tuple.ts";

/**
 * Which end of a flow ip_vs changed: the destination of one that a client began, the source of one that a real server began. That is
 * none of NAT's, and a listing does not tell them apart.
 */
export type BalancedEnd = (entry: Pick<ListedEntry, "original" | "reply">) => "destination" | "source" | undefined;

/** What the entries go into. */
interface Into {
  readonly state: HostState;
  readonly sysctls: Sysctls;
  readonly balancedEnd: BalancedEnd;
}

/**
 * Reads a listing of connections into a host's state: `conntrack -L`, `-o extended`, /proc/net/nf_conntrack (dump-formats
 * §4), one entry a line. Says how many were taken. Lines that cannot be read are reported as errors and left out, so are
 * entries whose tuples belong to an earlier line's; words that are not modelled are reported as warnings.
 *
 * A listing does not show everything. Sequence numbers: packets of such TCP connections are taken as in the window, as the
 * kernel does for connections it joins. SCTP's tags: the first one seen holds. NAT: all decisions count as made.
 */
export function readListing(
  source: Source,
  state: HostState,
  sysctls: Sysctls,
  report: Report,
  balancedEnd: BalancedEnd = () => undefined,
): number {
  let taken = 0;
  let offset = 0;
  for (const line of source.text.split("\n")) {
    if (readOne(line.replace(/\r$/, ""), { source, offset }, { state, sysctls, balancedEnd }, report)) taken++;
    offset += line.length + 1;
  }
  return taken;
}

/** What the tool itself says beside the entries. */
const ASIDE = /^\s*$|^conntrack v\d|flow entries have been shown/;

function readOne(
  line: string,
  start: { readonly source: Source; readonly offset: number },
  into: Into,
  report: Report,
): boolean {
  if (ASIDE.test(line)) return false;
  const listed = readListingLine(line);
  if ("code" in listed) {
    const place = { source: start.source, offset: start.offset + listed.column };
    report({ severity: "error", code: listed.code, message: listed.message, place });
    return false;
  }
  for (const word of listed.notModelled) {
    const place = { source: start.source, offset: start.offset + Math.max(0, line.indexOf(word)) };
    report({ severity: "warning", code: "conntrack-not-modelled", message: `${word}: not modelled, left out`, place });
  }
  if (insertEntry(into.state, entryOf(listed, into))) return true;
  const message = "one of the tuples belongs to an entry that was there before: this line is left out";
  report({ severity: "error", code: "conntrack-clash", message, place: start });
  return false;
}

/** NAT changed the source: replies do not go to where the first packet came from. */
const sourceChanged = ({ original, reply }: ListedEntry): boolean => {
  const port = isICMP(original.protocol) ? reply.sport : reply.dport;
  return !sameAddress(reply.dst, original.src) || port !== original.sport;
};

const destinationChanged = ({ original, reply }: ListedEntry): boolean =>
  !sameAddress(reply.src, original.dst) || (!isICMP(original.protocol) && reply.sport !== original.dport);

const isICMP = (protocol: number): boolean => protocol === protocols.icmp || protocol === protocols.icmpv6;

function entryOf(listed: ListedEntry, { state, sysctls, balancedEnd }: Into): ConntrackEntry {
  const seconds = listed.timeout ?? fullTimeout(listed.tcpState, sysctls);
  const balanced = balancedEnd(listed);
  return {
    ...newEntry(state, listed.zone, listed.original, listed.reply),
    seenReply: !listed.unreplied,
    assured: listed.assured,
    mark: listed.mark,
    created: state.now - (listed.age ?? 0) * 1000,
    expires: state.now + seconds * 1000,
    sourceDone: true,
    destinationDone: true,
    sourceChanged: balanced !== "source" && sourceChanged(listed),
    destinationChanged: balanced !== "destination" && destinationChanged(listed),
    protocolState: stateOf(listed, seconds, state, sysctls),
  };
}

/** An offloaded entry shows no timeout: the flow table keeps it alive, which is like a packet just now. */
const fullTimeout = (state: TCPConnectionState | undefined, sysctls: Sysctls): number =>
  timeoutOf(sysctls, state === undefined ? "tcp_timeout_established" : tcpTimeoutName(state));

const AFTER_FIN: ReadonlySet<TCPConnectionState> = new Set(["FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT"]);

function stateOf(listed: ListedEntry, seconds: number, state: HostState, sysctls: Sysctls): ProtocolState | undefined {
  switch (listed.original.protocol) {
    case protocols.tcp:
      return tcpStateOf(listed.tcpState ?? "ESTABLISHED");
    case protocols.sctp: {
      const known = { heartbeatFailed: false, lastDirection: 0, init: [false, false] } as const;
      return { kind: "sctp", state: listed.sctpState ?? "ESTABLISHED", vtags: [-1, -1], ...known };
    }
    case protocols.udp:
    case protocols.udplite: {
      // the youngest that the flow can be: as old as its last packet
      const last = timeoutOf(sysctls, "udp_timeout") - seconds;
      const age = listed.age ?? Math.max(0, last);
      return { kind: "udp", streamFrom: listed.assured ? state.now - 1 : state.now - age * 1000 + 2000 };
    }
    default:
      return undefined;
  }
}

function tcpStateOf(state: TCPConnectionState): ProtocolState {
  const closed = AFTER_FIN.has(state) ? sideFlag.closeInit : 0;
  const side = { ...emptySide, flags: sideFlag.sackPermitted | sideFlag.beLiberal | closed };
  // the window of the last segment is not known; zero would shorten timeouts
  return {
    kind: "tcp",
    state,
    sides: [side, side],
    last: { ...emptyLast, index: segmentIndex.unknown, window: 65535 },
  };
}

const names: ReadonlyMap<number, string> = new Map([
  [protocols.icmp, "icmp"],
  [protocols.tcp, "tcp"],
  [protocols.udp, "udp"],
  [protocols.gre, "gre"],
  [protocols.icmpv6, "icmpv6"],
  [protocols.sctp, "sctp"],
  [protocols.udplite, "udplite"],
]);

const addressText = (address: Address): string =>
  typeof address === "number" ? formatIPv4(address) : formatIPv6(address);

function tupleText(tuple: Tuple): string {
  const { protocol, sport, dport } = tuple;
  const addresses = `src=${addressText(tuple.src)} dst=${addressText(tuple.dst)}`;
  if (tracksPorts(protocol)) return `${addresses} sport=${sport} dport=${dport}`;
  if (isICMP(protocol)) return `${addresses} type=${dport >>> 8} code=${dport & 255} id=${sport}`;
  return protocol === protocols.gre ? `${addresses} srckey=0x0 dstkey=0x0` : addresses;
}

/** An entry as a line of `conntrack -L`, or of `conntrack -L -o extended`, at a time of the host's clock; no line break. */
export function formatEntry(entry: ConntrackEntry, now: number, extended: boolean): string {
  const { original, reply, protocolState } = entry;
  const family = original.family === "IPv4" ? "ipv4     2 " : "ipv6     10 ";
  const name = (names.get(original.protocol) ?? "unknown").padEnd(8);
  const seconds = Math.max(0, Math.floor((entry.expires - now) / 1000));
  const state = protocolState === undefined || protocolState.kind === "udp" ? "" : `${protocolState.state} `;
  return [
    `${extended ? family : ""}${name} ${original.protocol} ${seconds} ${state}${tupleText(original)}`,
    entry.seenReply ? "" : " [UNREPLIED]",
    ` ${tupleText(reply)}`,
    entry.assured ? " [ASSURED]" : "",
    ` mark=${entry.mark}`,
    entry.zone === 0 ? "" : ` zone=${entry.zone}`,
    " use=1",
  ].join("");
}

/** The living entries of a host as `conntrack -L` lists them, in the order of `listEntries`. */
export function formatListing(state: HostState, extended = false): string {
  return listEntries(state)
    .map((entry) => `${formatEntry(entry, state.now, extended)}\n`)
    .join("");
}
