import type { Outcome, Result } from "../../src/kernel/outcome.ts";
import { hasPorts, type Packet, sameAddress } from "../../src/kernel/packet.ts";
import { packetText } from "../../src/kernel/packet-text.ts";
import type { Port } from "./packet-text.ts";

/** A packet where it was seen: on an interface that it left by, or behind INPUT. */
export interface Seen {
  readonly where: "out" | "local";
  readonly device: string;
  readonly packet: Packet;
  /** `undefined` where it could not be seen. */
  readonly mark: number | undefined;
  /** What the source port or identifier was drawn from at random; a kernel does not show it. */
  readonly drawn: "not shown" | "not drawn" | Exclude<Port, number>;
}

/** What is expected of a packet that is seen; what is absent does not matter. */
export interface SeenPattern {
  readonly where: "out" | "local";
  readonly device: string;
  readonly mark: number;
  readonly packet: PacketPattern;
}

export interface PacketPattern
  extends Pick<Packet, "family" | "protocol" | "src" | "dst">,
    Partial<Pick<Packet, "ttl" | "tos" | "flags" | "seq" | "ack" | "icmpType" | "icmpCode" | "icmpMtu" | "payload">> {
  readonly sport: Port;
  readonly dport: Port;
  readonly icmpId?: Port;
  readonly inner?: PacketPattern;
}

const SIMPLE = [
  "family",
  "protocol",
  "ttl",
  "tos",
  "flags",
  "seq",
  "ack",
  "icmpType",
  "icmpCode",
  "icmpMtu",
  "payload",
] as const;

function portFits(port: Port, seen: number): boolean {
  return typeof port === "number" ? port === seen : seen >= port.from && seen <= port.to;
}

function packetFits(pattern: PacketPattern, packet: Packet): boolean {
  if (SIMPLE.some((name) => pattern[name] !== undefined && pattern[name] !== packet[name])) return false;
  if (!sameAddress(pattern.src, packet.src) || !sameAddress(pattern.dst, packet.dst)) return false;
  if (hasPorts(packet.protocol) && !(portFits(pattern.sport, packet.sport) && portFits(pattern.dport, packet.dport)))
    return false;
  if (pattern.icmpId !== undefined && !portFits(pattern.icmpId, packet.icmpId)) return false;
  if (pattern.inner === undefined) return packet.inner === undefined;
  return packet.inner !== undefined && packetFits(pattern.inner, packet.inner);
}

/** The range of a pattern's own port or identifier, where it has one. */
function rangeOf({ sport, icmpId }: PacketPattern): Exclude<Port, number> | undefined {
  return typeof sport === "object" ? sport : typeof icmpId === "object" ? icmpId : undefined;
}

/** A number that was drawn before stands in a row as a range of one. */
const known = ({ from, to }: Exclude<Port, number>): boolean => from === to;
const sameRange = (a: Exclude<Port, number>, b: Exclude<Port, number>): boolean => a.from === b.from && a.to === b.to;

/** Was a number drawn where the row says so, and from what it says? */
function drawnFits(range: Exclude<Port, number> | undefined, drawn: Seen["drawn"]): boolean {
  if (drawn === "not shown" || (range !== undefined && known(range))) return true;
  return drawn === "not drawn" ? range === undefined : range !== undefined && sameRange(range, drawn);
}

/** Is a packet seen as expected? Where one of ours was drawn at random, its range must be the one that is expected. */
function seenFits(pattern: SeenPattern, seen: Seen): boolean {
  if (pattern.where !== seen.where || pattern.device !== seen.device) return false;
  if (seen.mark !== undefined && seen.mark !== pattern.mark) return false;
  if (!drawnFits(rangeOf(pattern.packet), seen.drawn)) return false;
  return packetFits(pattern.packet, seen.packet);
}

/** Are exactly the expected packets seen, in any order? */
export function allFit(patterns: readonly SeenPattern[], seen: readonly Seen[]): boolean {
  const left = [...seen];
  for (const pattern of patterns) {
    const at = left.findIndex((each) => seenFits(pattern, each));
    if (at < 0) return false;
    left.splice(at, 1);
  }
  return left.length === 0;
}

/** The number that was drawn for the packet that a pattern with a range describes. */
export function drawnNumber(patterns: readonly SeenPattern[], seen: readonly Seen[]): number | undefined {
  const pattern = patterns.find(({ packet }) => rangeOf(packet) !== undefined);
  const found = pattern === undefined ? undefined : seen.find((each) => seenFits(pattern, each));
  if (found === undefined) return undefined;
  return hasPorts(found.packet.protocol) ? found.packet.sport : found.packet.icmpId;
}

export function seenText({ where, device, packet, mark, drawn: from }: Seen): string {
  const drawn = typeof from === "string" ? "" : ` source port of ${from.from}-${from.to}`;
  const { ttl, seq, ack, payload } = packet;
  return `${where} ${device} ${packetText(packet)} ttl ${ttl} mark 0x${(mark ?? 0).toString(16)} seq ${seq} ack ${ack} len ${payload}${drawn}`;
}

/** All packets that come of a packet, its own end and the answers' ends. */
export function seenOf({ outcome, packet, mark, answers, sourcePortOf }: Result): Seen[] {
  const drawn = sourcePortOf ?? "not drawn";
  const rest = answers.flatMap(seenOf);
  switch (outcome.kind) {
    case "transmitted":
      return [{ where: "out", device: outcome.outInterface, packet, mark, drawn }, ...rest];
    case "delivered":
      return [{ where: "local", device: outcome.inInterface, packet, mark, drawn }, ...rest];
    default:
      return rest;
  }
}

/** Why a packet went no further, in a row's words; empty when it arrived somewhere. */
export function stopText(outcome: Outcome): string {
  switch (outcome.kind) {
    case "transmitted":
    case "delivered":
      return "";
    case "dropped": {
      const { cause } = outcome;
      if (cause.kind === "rule") return `dropped ${cause.rule.table} ${cause.rule.chain} ${cause.rule.number}`;
      if (cause.kind === "policy") return `dropped ${cause.table} ${cause.chain} policy`;
      if (cause.kind === "martian") return `dropped martian ${cause.reason}`;
      if (cause.kind === "too-big") return `dropped too-big ${cause.mtu}`;
      return `dropped ${cause.kind}`;
    }
    case "rejected":
      return `rejected ${outcome.rule.table} ${outcome.rule.chain} ${outcome.rule.number}`;
    case "no-route":
      return outcome.where === "send" ? `send fails ${outcome.type}` : `no route ${outcome.type}`;
    case "stuck":
      return `stuck: ${outcome.why}`;
    case "unknown":
      return `unknown: ${outcome.what.what}`;
  }
}
