import { InvalidArgumentError } from "commander";
import { type Address, makePacket, type Packet, protocols, tcpFlag } from "../kernel/packet.ts";
import type { IPFamily } from "../net/family.ts";
import { parseIP } from "../net/ip.ts";
import { UsageError } from "./terminal.ts";

/** An address with a port, as `--from` and `--to` take them. */
export interface Endpoint {
  readonly family: IPFamily;
  readonly address: Address;
  readonly port?: number;
}

function portOf(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65535) throw new InvalidArgumentError(`${text} is no port`);
  return port;
}

/** Reads `ADDRESS`, `ADDRESS:PORT`, `[ADDRESS]:PORT`. */
export function parseEndpoint(text: string): Endpoint {
  const [, bracketed, bracketedPort, plain, plainPort] =
    /^(?:\[([^\]]+)\](?::(\d+))?|([^[\]]*?)(?::(\d+))?)$/.exec(text) ?? [];
  const whole = parseIP(text);
  const addressText = whole === undefined ? (bracketed ?? plain ?? "") : text;
  const portText = whole === undefined ? (bracketedPort ?? plainPort) : undefined;
  const parsed = whole ?? parseIP(addressText);
  if (parsed === undefined) throw new InvalidArgumentError("expected ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT");
  const address: Address = parsed.family === "IPv4" ? parsed.value : parsed.words;
  const { family } = parsed;
  return portText === undefined ? { family, address } : { family, address, port: portOf(portText) };
}

const PROTOCOLS: Readonly<Record<string, number>> = { tcp: 6, udp: 17, sctp: 132, icmp: 1, udplite: 136 };

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
  readonly from?: Endpoint;
  readonly to: Endpoint;
  readonly proto: number;
  readonly sport?: number;
  readonly dport?: number;
  readonly flags?: number;
  readonly ttl?: number;
  readonly icmpType?: number;
  readonly length?: number;
}

/** The port of an ordinary client, where none is given. */
const CLIENT_PORT = 40000;

/** The packet that the options describe; its source is left open (0) when there is no `--from`. */
export function packetOf(options: PacketOptions): Packet {
  const { from, to, sport, dport, flags, ttl, icmpType, length } = options;
  const { family } = to;
  if (from !== undefined && from.family !== family)
    throw new UsageError("--from and --to are addresses of different families");
  const proto = options.proto === protocols.icmp && family === "IPv6" ? protocols.icmpv6 : options.proto;
  const withPorts =
    proto === protocols.tcp || proto === protocols.udp || proto === protocols.sctp || proto === protocols.udplite;
  const port = to.port ?? dport;
  if (withPorts && port === undefined) throw new UsageError("--to ADDRESS:PORT: this protocol needs a port");
  return makePacket({
    family,
    src: from?.address ?? (family === "IPv4" ? 0 : [0, 0, 0, 0]),
    dst: to.address,
    protocol: proto,
    ...(withPorts ? { sport: from?.port ?? sport ?? CLIENT_PORT, dport: port ?? 0 } : {}),
    ...(flags === undefined ? {} : { flags }),
    ...(ttl === undefined ? {} : { ttl }),
    ...(icmpType === undefined ? {} : { icmpType }),
    ...(length === undefined ? {} : { payload: length }),
    icmpId: 1,
  });
}
