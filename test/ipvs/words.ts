import { makePacket, type Packet, protocols, tcpFlag } from "../../src/kernel/packet.ts";
import { addressText } from "../../src/kernel/packet-text.ts";
import { parseIP } from "../../src/net/ip.ts";

/** A packet in the words of the recordings; what is absent is usual. */
export interface PacketWords {
  readonly iface?: string;
  readonly src?: string;
  readonly dst: string;
  readonly proto?: string;
  readonly sport?: number;
  readonly dport?: number;
  readonly flags?: string;
  readonly seq?: number;
  readonly ack?: number;
  readonly len?: number;
  readonly ttl?: number;
  readonly df?: number;
  readonly type?: number;
  readonly code?: number;
  readonly mtu?: number;
  readonly id?: number;
  readonly inner?: PacketWords;
  /** Hexadecimal: chunks of SCTP, all behind the IP header of a protocol given by number. */
  readonly payload?: string;
  readonly mark?: number;
}

const NUMBERS: Readonly<Record<string, number>> = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58, sctp: 132 };
const NAMES: ReadonlyMap<number, string> = new Map(Object.entries(NUMBERS).map(([name, number]) => [number, name]));
const FLAGS = "FSRPAUEC";

/** The types of SCTP chunks, one behind the other. */
function chunksOf(hex: string): number[] {
  const bytes = Buffer.from(hex, "hex");
  const types: number[] = [];
  for (let at = 0; at + 4 <= bytes.length; at += Math.max(4, (bytes.readUInt16BE(at + 2) + 3) & ~3))
    types.push(bytes.readUInt8(at));
  return types;
}

/** The packet that the words say. */
export function packetOf(words: PacketWords): Packet {
  const dst = parseIP(words.dst);
  const src = parseIP(words.src ?? (dst?.family === "IPv6" ? "::" : "0.0.0.0"));
  if (dst === undefined || src === undefined) throw new RangeError(`no addresses: ${JSON.stringify(words)}`);
  const plain = (address: typeof dst) => (address.family === "IPv4" ? address.value : address.words);
  const v6 = dst.family === "IPv6";
  const name = words.proto ?? "tcp";
  const protocol = name === "icmp" && v6 ? protocols.icmpv6 : (NUMBERS[name] ?? Number(name));
  const isError = words.inner !== undefined;
  const bytes = words.payload === undefined ? (words.len ?? 0) : words.payload.length / 2;
  const flags = [...(words.flags ?? "S")].reduce((sum, flag) => sum | (1 << FLAGS.indexOf(flag)), 0);
  return makePacket({
    family: dst.family,
    src: plain(src),
    dst: plain(dst),
    protocol,
    ttl: words.ttl ?? 64,
    df: words.df === 1,
    payload: protocol === protocols.sctp ? 0 : bytes,
    sport: words.sport ?? 0,
    dport: words.dport ?? 0,
    ...(protocol === protocols.tcp ? { flags, seq: words.seq ?? 1000, ack: words.ack ?? 0 } : {}),
    ...(protocol === protocols.sctp && words.payload !== undefined
      ? { chunks: chunksOf(words.payload), initTag: 0 }
      : {}),
    ...(protocol === protocols.icmp || protocol === protocols.icmpv6
      ? {
          icmpType: words.type ?? (v6 ? 128 : 8),
          icmpCode: words.code ?? 0,
          icmpId: isError ? 0 : (words.id ?? 1),
          icmpMtu: isError ? (words.mtu ?? 0) : 0,
          inner: words.inner === undefined ? undefined : packetOf(words.inner),
        }
      : {}),
  });
}

const QUOTING = { IPv4: [3, 4, 5, 11, 12], IPv6: [1, 2, 3, 4] } as const;

/** What a recording says of a packet that was seen. */
export function seenWords(packet: Packet): Record<string, unknown> {
  const { family, protocol, sport, dport, icmpType, icmpCode, inner } = packet;
  const words: Record<string, unknown> = {
    src: addressText(packet.src),
    dst: addressText(packet.dst),
    ttl: packet.ttl,
    proto: NAMES.get(protocol) ?? `${protocol}`,
  };
  if (protocol === protocols.tcp || protocol === protocols.udp || protocol === protocols.sctp)
    Object.assign(words, { sport, dport });
  if (protocol === protocols.tcp) {
    const flags = [...FLAGS].filter((_, bit) => packet.flags & (1 << bit)).join("");
    Object.assign(words, { flags, seq: packet.seq, ack: packet.ack });
  }
  if (protocol !== protocols.icmp && protocol !== protocols.icmpv6) return words;
  Object.assign(words, { type: icmpType, code: icmpCode });
  if (!(QUOTING[family] as readonly number[]).includes(icmpType)) return { ...words, id: packet.icmpId };
  const tellsMTU = family === "IPv4" ? icmpType === 3 && icmpCode === 4 : icmpType === 2;
  return {
    ...words,
    ...(tellsMTU ? { mtu: packet.icmpMtu } : {}),
    ...(inner === undefined ? {} : { inner: seenWords(inner) }),
  };
}

/** The RST with which a stack without sockets answers a TCP packet (RFC 9293 §3.10.7.1). */
export function resetOf(packet: Packet): Packet {
  const acked = (packet.flags & tcpFlag.ACK) !== 0;
  return makePacket({
    family: packet.family,
    src: packet.dst,
    dst: packet.src,
    protocol: protocols.tcp,
    sport: packet.dport,
    dport: packet.sport,
    flags: acked ? tcpFlag.RST : tcpFlag.RST | tcpFlag.ACK,
    seq: acked ? packet.ack : 0,
    ack: acked ? 0 : packet.seq + packet.payload + (packet.flags & tcpFlag.SYN ? 1 : 0),
    window: 0,
    df: true,
  });
}
