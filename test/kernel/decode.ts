import {
  type Address,
  isICMPError,
  makePacket,
  type Packet,
  type PacketFields,
  protocols,
  type TCPOption,
} from "../../src/kernel/packet.ts";
import { crc32c, internetChecksum } from "./checksum.ts";
import { optionValueLength } from "./layout.ts";

/** What the IP header says: which bytes belong to the transport, and how many there were before a quotation was cut. */
interface Frame {
  readonly fields: PacketFields;
  readonly at: number;
  /** End of the transport by the header; behind the last byte when the packet was cut. */
  readonly end: number;
  readonly cut: boolean;
  /** Sum of the addresses, for pseudo headers. */
  readonly addressSum: number;
}

type Fields = Partial<Packet>;

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function addressAt(data: DataView, at: number, v4: boolean): Address {
  if (v4) return data.getUint32(at);
  return [data.getUint32(at), data.getUint32(at + 4), data.getUint32(at + 8), data.getUint32(at + 12)];
}

function readIPv4(bytes: Uint8Array, data: DataView): Frame | undefined {
  const at = ((bytes[0] as number) & 15) * 4;
  if (bytes.length < 20 || at < 20) return undefined;
  const end = data.getUint16(2);
  const fragment = data.getUint16(6);
  const fields: PacketFields = {
    family: "IPv4",
    src: addressAt(data, 12, true),
    dst: addressAt(data, 16, true),
    protocol: data.getUint8(9),
    ttl: data.getUint8(8),
    tos: data.getUint8(1),
    df: (fragment & 0x4000) !== 0,
    moreFragments: (fragment & 0x2000) !== 0,
    fragmentOffset: fragment & 0x1fff,
    // that of whole packets is of no interest, and the kernel fills it in as it likes
    identification: (fragment & 0x3fff) !== 0 ? data.getUint16(4) : 0,
  };
  return { fields, at, end, cut: end > bytes.length, addressSum: ~internetChecksum(bytes, 12, 20) & 0xffff };
}

function readIPv6(bytes: Uint8Array, data: DataView): Frame | undefined {
  if (bytes.length < 40) return undefined;
  const end = 40 + data.getUint16(4);
  const fragmented = data.getUint8(6) === 44 && bytes.length >= 48;
  const fragment = fragmented ? data.getUint16(42) : 0;
  const fields: PacketFields = {
    family: "IPv6",
    src: addressAt(data, 8, false),
    dst: addressAt(data, 24, false),
    protocol: data.getUint8(fragmented ? 40 : 6),
    ttl: data.getUint8(7),
    tos: (data.getUint16(0) >>> 4) & 255,
    moreFragments: (fragment & 1) !== 0,
    fragmentOffset: fragment >>> 3,
    identification: fragmented ? data.getUint32(44) : 0,
  };
  const addressSum = ~internetChecksum(bytes, 8, 40) & 0xffff;
  return { fields, at: fragmented ? 48 : 40, end, cut: end > bytes.length, addressSum };
}

/** Is a checksum over the pseudo header right? One that was cut or lies in pieces cannot be told and counts as right. */
function isWrong(bytes: Uint8Array, { fields, at, end, cut, addressSum }: Frame, covered = end): boolean {
  if (cut || fields.moreFragments === true) return false;
  return internetChecksum(bytes, at, covered, addressSum + fields.protocol + (end - at)) !== 0;
}

function readOptions(bytes: Uint8Array, from: number, to: number): TCPOption[] {
  const options: TCPOption[] = [];
  for (let at = from; at < to; ) {
    const kind = bytes[at] as number;
    if (kind === 0) break;
    if (kind === 1) {
      options.push({ kind, value: 0 });
      at++;
      continue;
    }
    const length = bytes[at + 1] ?? 0;
    if (length < 2 || at + length > to) break;
    let value = 0;
    for (let i = 0; i < optionValueLength(kind); i++) value = value * 256 + (bytes[at + 2 + i] ?? 0);
    options.push({ kind, value });
    at += length;
  }
  return options;
}

function readTCP(bytes: Uint8Array, data: DataView, frame: Frame): Fields {
  const { at, end } = frame;
  if (bytes.length < at + 20) return {};
  const header = (data.getUint8(at + 12) >>> 4) * 4;
  return {
    seq: data.getUint32(at + 4),
    ack: data.getUint32(at + 8),
    flags: data.getUint8(at + 13),
    window: data.getUint16(at + 14),
    options: readOptions(bytes, at + 20, Math.min(at + header, bytes.length)),
    payload: Math.max(0, end - at - header),
    badChecksum: isWrong(bytes, frame),
  };
}

function readSCTP(bytes: Uint8Array, data: DataView, frame: Frame): Fields {
  const end = Math.min(frame.end, bytes.length);
  const chunks: number[] = [];
  let [initTag, payload] = [0, 0];
  for (let at = frame.at + 12; at + 4 <= end; ) {
    const type = data.getUint8(at);
    const length = data.getUint16(at + 2);
    if (length < 4) break;
    chunks.push(type);
    if ((type === 1 || type === 2) && at + 8 <= end) initTag = data.getUint32(at + 4);
    if (type === 0 && payload === 0) payload = length - 16;
    at += (length + 3) & ~3;
  }
  const whole = !frame.cut && frame.fields.moreFragments !== true && frame.end >= frame.at + 12;
  const vtag = frame.end >= frame.at + 8 && bytes.length >= frame.at + 8 ? data.getUint32(frame.at + 4) : 0;
  return { chunks, initTag, payload, vtag, badChecksum: whole && wrongCRC(bytes, data, frame) };
}

function wrongCRC(bytes: Uint8Array, data: DataView, { at, end }: Frame): boolean {
  const copy = bytes.slice(at, end);
  copy.fill(0, 8, 12);
  return crc32c(copy, 0, copy.length) !== data.getUint32(at + 8, true);
}

function readICMP(bytes: Uint8Array, data: DataView, frame: Frame, quoted: boolean): Fields {
  const { at, end, fields } = frame;
  if (bytes.length < at + 8) return { chunks: [] };
  const v4 = fields.family === "IPv4";
  const bad =
    fields.protocol === protocols.icmp
      ? !frame.cut && fields.moreFragments !== true && internetChecksum(bytes, at, end) !== 0
      : isWrong(bytes, frame);
  const base: Fields = { icmpType: data.getUint8(at), icmpCode: data.getUint8(at + 1), badChecksum: bad };
  if (!isICMPError(makePacket({ ...fields, ...base })))
    return { ...base, icmpId: data.getUint16(at + 4), payload: end - at - 8 };
  const icmpMtu = v4 ? data.getUint16(at + 6) : data.getUint32(at + 4);
  const inner = quoted ? undefined : readPacket(bytes.subarray(at + 8, Math.min(end, bytes.length)), true);
  return { ...base, icmpMtu, inner, payload: inner === undefined ? end - at - 8 : 0 };
}

function readTransport(bytes: Uint8Array, data: DataView, frame: Frame, quoted: boolean): Fields {
  const { at, end, fields } = frame;
  const ports = (): Fields =>
    bytes.length < at + 4 ? {} : { sport: data.getUint16(at), dport: data.getUint16(at + 2) };
  switch (fields.protocol) {
    case protocols.tcp:
      return { ...ports(), ...readTCP(bytes, data, frame) };
    case protocols.udp:
    case protocols.udplite: {
      const absent = fields.family === "IPv4" && bytes.length >= at + 8 && data.getUint16(at + 6) === 0;
      return { ...ports(), payload: end - at - 8, badChecksum: !absent && isWrong(bytes, frame) };
    }
    case protocols.dccp:
      return { ...ports(), payload: end - at - 16, badChecksum: isWrong(bytes, frame, at + 16) };
    case protocols.sctp:
      return { ...ports(), ...readSCTP(bytes, data, frame) };
    case protocols.icmp:
    case protocols.icmpv6:
      return readICMP(bytes, data, frame, quoted);
    default:
      return { payload: end - at };
  }
}

function readPacket(bytes: Uint8Array, quoted: boolean): Packet | undefined {
  if (bytes.length === 0) return undefined;
  const version = (bytes[0] as number) >>> 4;
  const data = view(bytes);
  const frame = version === 4 ? readIPv4(bytes, data) : version === 6 ? readIPv6(bytes, data) : undefined;
  if (frame === undefined) return undefined;
  const plain: Fields = { flags: 0, window: 0, chunks: [], initTag: 0, icmpType: 0 };
  if ((frame.fields.fragmentOffset ?? 0) > 0)
    return makePacket({ ...frame.fields, ...plain, payload: frame.end - frame.at });
  const found = { ...frame.fields, ...plain, ...readTransport(bytes, data, frame, quoted) };
  // whoever quotes a packet need not care for its checksum: NAT on the way has changed it
  return makePacket(quoted ? { ...found, badChecksum: false } : found);
}

/** Bytes from the wire as a packet; `undefined` when they hold no IP header. A quoted packet may have been cut. */
export function decodePacket(bytes: Uint8Array): Packet | undefined {
  return readPacket(bytes, false);
}
