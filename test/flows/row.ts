import { hasPorts, isICMPError, type Packet, protocols } from "../../src/kernel/packet.ts";
import { type Dyadic, dyadic, oneDyadic } from "../../src/net/dyadic.ts";
import { makeStep, type Step } from "../kernel/step.ts";
import type { PacketPattern, SeenPattern } from "./fate.ts";
import {
  isEnd,
  RowError,
  readEnd,
  readFlags,
  readNumber,
  readPacket,
  readPort,
  readProtocol,
  readType,
} from "./packet-text.ts";

/** One of the ends that a packet can come to. */
export interface Expected {
  readonly probability: Dyadic;
  /** `dropped …`, `rejected …`, `no route …`, `send fails …`; empty when the packet itself is among those seen. */
  readonly stop: string;
  readonly seen: readonly SeenPattern[];
}

/** A packet and what becomes of it. */
export interface Row {
  readonly step: Step;
  /** Several where chance decides. The flow goes on from the first. */
  readonly expected: readonly Expected[];
}

const split = (text: string): string[] => text.trim().split(/\s+/);

/** `FROM PACKET`, with `mark N`, `uid N` and `gid N` of the socket of a local sender among the packet's words. */
function readStep(text: string): Step {
  const words = split(text);
  const from = words.shift();
  const own: Record<string, number> = {};
  for (const name of ["mark", "uid", "gid"]) {
    const about = words.indexOf("about");
    const at = words.indexOf(name);
    if (at < 0 || (about >= 0 && at > about)) continue;
    const [, value] = words.splice(at, 2);
    own[name] = readNumber(value);
  }
  return makeStep(readPacket(words), from === "local" ? undefined : from, own);
}

/** `715827883/2^31`, `1/2`: a chance whose denominator is a power of two. */
function readProbability(text: string): Dyadic | undefined {
  const [, top, base, power] = /^(\d+)\/(?:(2\^)?(\d+))$/.exec(text) ?? [];
  if (top === undefined || power === undefined) return undefined;
  const exponent = base === undefined ? Math.log2(Number(power)) : Number(power);
  if (!Number.isInteger(exponent)) throw new RowError(`${text}: the kernel's chances are of 2^31`);
  return dyadic(BigInt(top), exponent);
}

/** A packet as expected when nothing changed but the TTL of what was forwarded. */
function unchanged({ packet, from, mark }: Step, where: "out" | "local"): Omit<SeenPattern, "device" | "where"> {
  const forwarded = where === "out" && from !== undefined;
  return { mark, packet: { ...patternOf(packet), ttl: packet.ttl - (forwarded ? 1 : 0) } };
}

function patternOf(packet: Packet): PacketPattern {
  const { family, protocol, src, dst, sport, dport, flags, icmpType, icmpCode, icmpMtu, icmpId, inner, tos, seq } =
    packet;
  const isICMP = protocol === protocols.icmp || protocol === protocols.icmpv6;
  const kind = isICMP ? { icmpType, icmpCode, icmpMtu, ...(isICMPError(packet) ? {} : { icmpId }) } : {};
  const quoted = inner === undefined ? {} : { inner: patternOf(inner) };
  const tcp = protocol === protocols.tcp ? { flags, seq } : {};
  return { family, protocol, src, dst, sport, dport, tos, ...tcp, ...kind, ...quoted };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Reads `SRC > DST WORD…` over what is expected anyway. */
function overlay(base: PacketPattern, words: readonly string[]): { packet: PacketPattern; mark: number | undefined } {
  const packet: Mutable<PacketPattern> = { ...base };
  let [i, mark]: [number, number | undefined] = [0, undefined];
  if (isEnd(words[0])) {
    const [source, destination] = [readEnd(words[0] ?? ""), readEnd(words[2] ?? "")];
    if (words[1] !== ">") throw new RowError("expected SRC > DST");
    Object.assign(packet, { src: source.address, dst: destination.address });
    if (hasPorts(packet.protocol)) {
      if (source.port === undefined || destination.port === undefined) throw new RowError("ports are missing");
      Object.assign(packet, { sport: source.port, dport: destination.port });
    }
    i = 3;
  }
  for (; i < words.length; i++) {
    const word = words[i] ?? "";
    const flags = readFlags(word);
    if (flags !== undefined) packet.flags = flags;
    else if (word === "mark") mark = readNumber(words[++i]);
    else if (word === "id") packet.icmpId = readPort(words[++i] ?? "");
    else if (word === "len") packet.payload = readNumber(words[++i]);
    else if (word === "mtu") packet.icmpMtu = readNumber(words[++i]);
    else if (word === "ttl" || word === "tos" || word === "seq" || word === "ack")
      packet[word] = readNumber(words[++i]);
    else if (word === "about") {
      packet.inner = quotedPattern(words.slice(i + 1), packet.family);
      break;
    } else throw new RowError(`unknown word ${word}`);
  }
  return { packet, mark };
}

const bare = (family: Packet["family"], protocol: number): PacketPattern => ({
  family,
  protocol,
  src: 0,
  dst: 0,
  sport: 0,
  dport: 0,
});

function quotedPattern(words: readonly string[], family: Packet["family"]): PacketPattern {
  if (!isEnd(words[1])) throw new RowError("expected about PROTOCOL SRC > DST");
  return overlay(bare(family, readProtocol(words[0], family)), words.slice(1)).packet;
}

/** `WHERE DEVICE icmp T/C SRC > DST … about …` or `WHERE DEVICE tcp SRC > DST FLAGS`: a packet that the host sends because of another. */
function readAnswer(words: readonly string[], { packet: { family } }: Step): SeenPattern {
  const [where, device = "", name] = words;
  if (where !== "out" && where !== "local")
    throw new RowError(`an answer is seen out or local, not ${where ?? "nowhere"}`);
  const protocol = readProtocol(name, family);
  const isICMP = protocol === protocols.icmp || protocol === protocols.icmpv6;
  const base = { ...bare(family, protocol), ttl: 64, ...(isICMP ? readType(words[3]) : {}) };
  const { packet, mark } = overlay(base, words.slice(isICMP ? 4 : 3));
  if (isICMP && packet.inner === undefined) throw new RowError("an error is about a packet");
  return { where, device, packet, mark: mark ?? 0 };
}

function readExpected(text: string, step: Step): Expected {
  const [first = "", ...answers] = text.split(" + ");
  const words = split(first);
  const chance = readProbability(words[0] ?? "");
  if (chance !== undefined) words.shift();
  const others = answers.map((answer) => readAnswer(split(answer), step));
  const [where, device = ""] = words;
  const probability = chance ?? oneDyadic;
  if (where !== "out" && where !== "local") return { probability, stop: words.join(" "), seen: others };
  const base = unchanged(step, where);
  // the packet may come back as another protocol's only inside an error, never itself
  const { packet, mark } = overlay(base.packet, words.slice(2));
  return { probability, stop: "", seen: [{ where, device, packet, mark: mark ?? base.mark }, ...others] };
}

/** Reads `FROM PACKET => END | END …`, an end being `[CHANCE] END [+ ANSWER]…`. */
export function readRow(text: string): Row {
  const [before = "", after, surplus] = text.split(" => ");
  if (after === undefined || surplus !== undefined) throw new RowError("expected PACKET => END");
  const step = readStep(before);
  return { step, expected: after.split(" | ").map((each) => readExpected(each, step)) };
}
