import { InvalidArgumentError } from "commander";
import { type AddressBook, findAddress } from "../assembly/find-address.ts";
import { type Address, makePacket, type Packet, protocols, tcpFlag } from "../kernel/packet.ts";
import { type IPFamily, ipFamilies } from "../net/family.ts";
import { parseIP } from "../net/ip.ts";
import { UsageError } from "./terminal.ts";

/** One end of a packet's way, as `--from` or `--to` says it. */
export interface Endpoint {
  readonly family: IPFamily;
  readonly address: Address;
  readonly port?: number;
  /** TCP, UDP or SCTP, where a Service's port tells. */
  readonly protocol?: string;
}

/** What the options say of the two ends. */
export interface EndTexts {
  readonly from?: string;
  readonly to: string;
}

const NO_OBJECTS: AddressBook = { cluster: { services: [], endpointSlices: [], nodes: [] }, pods: [] };

function find(book: AddressBook, option: string, text: string, family: IPFamily | undefined): Endpoint {
  const found = findAddress(book, text, family);
  if (found.kind === "not-found") throw new UsageError(`${option} ${text}: ${found.message}`);
  return found;
}

/** The family of a text that is an address, with or without a port. */
function literalFamily(text: string): IPFamily | undefined {
  if (/^[a-z]+\//i.test(text)) return undefined;
  const found = findAddress(NO_OBJECTS, text);
  return found.kind === "found" ? found.family : parseIP(text)?.family;
}

/**
 * Both ends, from addresses and names. A name of several addresses stands for the one of the other end's family. Objects of a
 * dump have no names. Throws a `UsageError` for what is not found.
 */
export function endsOf({ from, to }: EndTexts, book: AddressBook = NO_OBJECTS): { from?: Endpoint; to: Endpoint } {
  const [ofTo, ofFrom] = [literalFamily(to), from === undefined ? undefined : literalFamily(from)];
  if (ofTo !== undefined && ofFrom !== undefined && ofTo !== ofFrom)
    throw new UsageError("--from and --to are addresses of different families");
  const family = ofTo ?? ofFrom;
  if (from === undefined) return { to: find(book, "--to", to, family) };
  const target = find(book, "--to", to, family);
  const source = findAddress(book, from, target.family);
  if (source.kind === "found") return { from: source, to: target };
  // a name whose first family the other end does not have
  if (source.code === "other-family" && family === undefined)
    for (const other of ipFamilies) {
      const [a, b] = [findAddress(book, from, other), findAddress(book, to, other)];
      if (a.kind === "found" && b.kind === "found") return { from: a, to: b };
    }
  throw new UsageError(`--from ${from}: ${source.message}`);
}

const PROTOCOLS: Readonly<Record<string, number>> = { tcp: 6, udp: 17, sctp: 132, icmp: 1, udplite: 136 };

/** Reads an address alone. */
export function parseAddress(text: string): Address {
  const ip = parseIP(text);
  if (ip === undefined) throw new InvalidArgumentError("expected an address");
  return ip.family === "IPv4" ? ip.value : ip.words;
}

/** Reads a protocol's name or number. */
export function parseProtocol(text: string): number {
  const known = PROTOCOLS[text.toLowerCase()];
  if (known !== undefined) return known;
  if (/^\d{1,3}$/.test(text) && Number(text) < 256) return Number(text);
  throw new InvalidArgumentError(`expected ${Object.keys(PROTOCOLS).join(", ")} or a number`);
}

const LETTERS: Readonly<Record<string, number>> = {
  F: tcpFlag.FIN,
  S: tcpFlag.SYN,
  R: tcpFlag.RST,
  P: tcpFlag.PSH,
  A: tcpFlag.ACK,
  U: tcpFlag.URG,
  E: tcpFlag.ECE,
};

function flagsOf(word: string): number | undefined {
  if (word in tcpFlag) return tcpFlag[word as keyof typeof tcpFlag];
  let flags = 0;
  for (const letter of word) {
    const bit = LETTERS[letter];
    if (bit === undefined) return undefined;
    flags |= bit;
  }
  return word === "" ? undefined : flags;
}

/** Reads TCP flags: `SYN`, `SYN,ACK`, or letters as in `SA`. */
export function parseTCPFlags(text: string): number {
  let flags = 0;
  for (const word of text.toUpperCase().split(",")) {
    const bits = flagsOf(word);
    if (bits === undefined) throw new InvalidArgumentError("expected a list of FIN, SYN, RST, PSH, ACK, URG, ECE, CWR");
    flags |= bits;
  }
  return flags;
}

/** What the options say of the packet. */
export interface PacketOptions {
  readonly proto?: number;
  readonly sport?: number;
  readonly flags?: number;
  readonly ttl?: number;
  readonly icmpType?: number;
  readonly length?: number;
}

/** The port of an ordinary client, where none is given. */
const CLIENT_PORT = 40000;

const hasPorts = (proto: number): boolean =>
  proto === protocols.tcp || proto === protocols.udp || proto === protocols.sctp || proto === protocols.udplite;

/** The packet that the options describe; its source is left open (0) when there is no `from`. */
export function packetOf({ from, to }: { from?: Endpoint; to: Endpoint }, options: PacketOptions): Packet {
  const { sport, flags, ttl, icmpType, length } = options;
  const { family } = to;
  if (from !== undefined && from.family !== family)
    throw new UsageError("--from and --to are addresses of different families");
  const told = PROTOCOLS[to.protocol?.toLowerCase() ?? "tcp"] ?? protocols.tcp;
  const given = options.proto ?? told;
  const proto = given === protocols.icmp && family === "IPv6" ? protocols.icmpv6 : given;
  const withPorts = hasPorts(proto);
  if (withPorts && to.port === undefined)
    throw new UsageError("--to: this protocol needs a port (ADDRESS:PORT, svc/NAMESPACE/NAME:PORT)");
  return makePacket({
    family,
    src: from?.address ?? (family === "IPv4" ? 0 : [0, 0, 0, 0]),
    dst: to.address,
    protocol: proto,
    ...(withPorts ? { sport: from?.port ?? sport ?? CLIENT_PORT, dport: to.port ?? 0 } : {}),
    ...(flags === undefined ? {} : { flags }),
    ...(ttl === undefined ? {} : { ttl }),
    ...(icmpType === undefined ? {} : { icmpType }),
    ...(length === undefined ? {} : { payload: length }),
    ...(proto === protocols.icmp || proto === protocols.icmpv6 ? { icmpId: 1 } : {}),
  });
}
