import type { Address, Packet, PacketFields, TCPOption } from "../../src/kernel/packet.ts";
import { makePacket, protocols, tcpFlag } from "../../src/kernel/packet.ts";
import type { IPFamily } from "../../src/net/family.ts";
import { parseIP } from "../../src/net/ip.ts";

/** A port, or the range that the kernel draws one from. */
export type Port = number | { readonly from: number; readonly to: number };

/** One end of a packet as a row writes it: `ADDRESS`, `ADDRESS:PORT`, `[ADDRESS]:PORT`, `ADDRESS:FROM-TO`. */
export interface End {
  readonly family: IPFamily;
  readonly address: Address;
  readonly port: Port | undefined;
}

/** What is wrong with a row is told with its line by whoever reads the table. */
export class RowError extends Error {}

const END = /^(?:\[([0-9a-f:]+)\]|([0-9.]+)|([0-9a-f:]*:[0-9a-f:]*:[0-9a-f:]*))(?::(\d+)(?:-(\d+))?)?$/;

export function readEnd(text: string): End {
  const [, bracketed, dotted, bare, from, to] = END.exec(text) ?? [];
  const parsed = parseIP(bracketed ?? dotted ?? bare ?? "");
  if (parsed === undefined) throw new RowError(`${text} is no address`);
  const port =
    from === undefined ? undefined : to === undefined ? Number(from) : { from: Number(from), to: Number(to) };
  return parsed.family === "IPv4"
    ? { family: "IPv4", address: parsed.value, port }
    : { family: "IPv6", address: parsed.words, port };
}

/** Looks like an end, so that `SRC > DST` can be left out where nothing changed. */
export const isEnd = (text: string | undefined): boolean => text !== undefined && END.test(text);

export function readPort(text: string): Port {
  const [, from, to] = /^(\d+)(?:-(\d+))?$/.exec(text) ?? [];
  if (from === undefined) throw new RowError(`${text} is no number`);
  return to === undefined ? Number(from) : { from: Number(from), to: Number(to) };
}

export function readNumber(text: string | undefined): number {
  if (text === undefined || !/^(?:0x[0-9a-f]+|\d+)$/.test(text))
    throw new RowError(`${text ?? "nothing"} is no number`);
  return Number(text);
}

export function readProtocol(name: string | undefined, family: IPFamily): number {
  if (name === "icmp" && family === "IPv6") return protocols.icmpv6;
  const known = (protocols as Readonly<Record<string, number>>)[name ?? ""];
  return known ?? readNumber(name);
}

/** `SYN,ACK`; `NONE` without any. */
export function readFlags(text: string): number | undefined {
  if (text === "NONE") return 0;
  const bits = text.split(",").map((name) => (tcpFlag as Readonly<Record<string, number>>)[name]);
  return bits.reduce<number | undefined>(
    (sum, bit) => (sum === undefined || bit === undefined ? undefined : sum | bit),
    0,
  );
}

/** `3/1` or `8`: an ICMP type, and a code. */
export function readType(text: string | undefined): { readonly icmpType: number; readonly icmpCode: number } {
  const [type, code] = (text ?? "").split("/");
  return { icmpType: readNumber(type), icmpCode: code === undefined ? 0 : readNumber(code) };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Words of a packet that stand for themselves. */
const FLAGS: Readonly<Record<string, Partial<Packet>>> = {
  df: { df: true },
  more: { moreFragments: true },
  badsum: { badChecksum: true },
};

/** Words that are followed by a number. */
const NUMBERS: Readonly<Record<string, keyof Packet>> = {
  ttl: "ttl",
  tos: "tos",
  seq: "seq",
  ack: "ack",
  window: "window",
  len: "payload",
  mtu: "icmpMtu",
  vtag: "vtag",
  tag: "initTag",
  fragment: "fragmentOffset",
  ident: "identification",
};

function echo(family: IPFamily, reply: boolean): Partial<Packet> {
  return { icmpType: family === "IPv4" ? (reply ? 0 : 8) : reply ? 129 : 128, icmpCode: 0 };
}

const MSS: readonly TCPOption[] = [{ kind: 2, value: 1460 }];

/**
 * Reads `PROTOCOL SRC > DST WORD…`, the words being TCP flags (`SYN,ACK`), `echo`, `reply`, `type T/C`, `chunk N`, `df`, `more`,
 * `badsum`, a name and a number (`ttl 1`, `len 1400`, `id 7` …), and at the end `about` with the packet that an error quotes.
 */
export function readPacket(words: readonly string[]): Packet {
  const [protocolText, sourceText = "", arrow, destinationText = ""] = words;
  if (arrow !== ">") throw new RowError("expected PROTOCOL SRC > DST");
  const [source, destination] = [readEnd(sourceText), readEnd(destinationText)];
  const { family } = source;
  if (destination.family !== family) throw new RowError("the ends are of two families");
  const fields: Mutable<PacketFields> = {
    family,
    src: source.address,
    dst: destination.address,
    protocol: readProtocol(protocolText, family),
    sport: fixed(source.port),
    dport: fixed(destination.port),
  };
  for (let i = 4; i < words.length; i++) {
    const word = words[i] ?? "";
    const flags = readFlags(word);
    const number = NUMBERS[word];
    if (flags !== undefined) fields.flags = flags;
    else if (word === "echo" || word === "reply") Object.assign(fields, echo(family, word === "reply"));
    else if (word === "type") Object.assign(fields, readType(words[++i]));
    else if (word === "chunk") fields.chunks = [readNumber(words[++i])];
    else if (word === "id") fields.icmpId = fixed(readPort(words[++i] ?? ""));
    else if (word === "mss") fields.options = MSS;
    else if (FLAGS[word] !== undefined) Object.assign(fields, FLAGS[word]);
    else if (number !== undefined) Object.assign(fields, { [number]: readNumber(words[++i]) });
    else if (word === "about") {
      fields.inner = readPacket(words.slice(i + 1));
      break;
    } else throw new RowError(`unknown word ${word}`);
  }
  return makePacket(fields);
}

function fixed(port: Port | undefined): number {
  if (typeof port !== "object") return port ?? 0;
  if (port.from !== port.to) throw new RowError("a packet has one port, not a range");
  return port.from;
}
