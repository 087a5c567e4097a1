import { type Address, isICMPError, type Packet, protocols, type TCPOption } from "../../src/kernel/packet.ts";
import { crc32c, internetChecksum } from "./checksum.ts";
import {
  chunkLength,
  ipHeaderLength,
  optionLength,
  optionValueLength,
  packetLength,
  transportLength,
} from "./layout.ts";

/** User data; not zero, so that a checksum notices when it is lost. */
const FILL = 0x61;

class Writer {
  readonly bytes: Uint8Array;
  readonly view: DataView;

  constructor(length: number) {
    this.bytes = new Uint8Array(length);
    this.view = new DataView(this.bytes.buffer);
  }

  address(at: number, address: Address): void {
    if (typeof address === "number") this.view.setUint32(at, address);
    else for (const [i, word] of address.entries()) this.view.setUint32(at + 4 * i, word);
  }
}

/** Sum of the pseudo header that TCP, UDP and ICMPv6 checksums cover. */
function pseudoSum(writer: Writer, packet: Packet, length: number): number {
  const [from, to] = packet.family === "IPv4" ? [12, 20] : [8, 40];
  const addresses = ~internetChecksum(writer.bytes, from, to) & 0xffff;
  return addresses + packet.protocol + length;
}

function checksum(writer: Writer, packet: Packet, from: number, to: number, covered = to): number {
  return internetChecksum(writer.bytes, from, covered, pseudoSum(writer, packet, to - from));
}

/** A checksum that does not fit, and is none of those that mean "no checksum". */
const spoil = (sum: number, wrong: boolean): number => {
  if (!wrong) return sum;
  const other = sum ^ 0x5555;
  return other === 0 || other === 0xffff ? sum ^ 0x2222 : other;
};

function writeOptions(writer: Writer, start: number, options: readonly TCPOption[]): void {
  let at = start;
  for (const { kind, value } of options) {
    const length = optionLength(kind);
    writer.bytes[at] = kind;
    if (length > 1) writer.bytes[at + 1] = length;
    const bytes = optionValueLength(kind);
    for (let i = 0; i < bytes; i++) writer.bytes[at + 2 + i] = (value >>> (8 * (bytes - 1 - i))) & 255;
    at += length;
  }
}

function writeTCP(writer: Writer, packet: Packet, at: number, end: number): void {
  const { view } = writer;
  const header = transportLength(packet) - packet.payload;
  view.setUint16(at, packet.sport);
  view.setUint16(at + 2, packet.dport);
  view.setUint32(at + 4, packet.seq);
  view.setUint32(at + 8, packet.ack);
  view.setUint8(at + 12, (header / 4) << 4);
  view.setUint8(at + 13, packet.flags);
  view.setUint16(at + 14, packet.window);
  writeOptions(writer, at + 20, packet.options);
  view.setUint16(at + 16, spoil(checksum(writer, packet, at, end), packet.badChecksum));
}

/** A fragment's first piece says the length of the piece, and on IPv4 that it has no checksum. */
function writeUDP(writer: Writer, packet: Packet, at: number, end: number): void {
  const { view } = writer;
  view.setUint16(at, packet.sport);
  view.setUint16(at + 2, packet.dport);
  const lite = packet.protocol === protocols.udplite;
  view.setUint16(at + 4, lite ? 0 : end - at);
  if (packet.moreFragments) return;
  view.setUint16(at + 6, spoil(checksum(writer, packet, at, end) || 0xffff, packet.badChecksum));
}

/** A DCCP request; its checksum covers the header alone (RFC 4340 §9.2). */
function writeDCCP(writer: Writer, packet: Packet, at: number, end: number): void {
  const { view } = writer;
  view.setUint16(at, packet.sport);
  view.setUint16(at + 2, packet.dport);
  view.setUint8(at + 4, 4);
  view.setUint8(at + 5, 1);
  view.setUint8(at + 8, 1);
  view.setUint16(at + 6, spoil(checksum(writer, packet, at, end, at + 16), packet.badChecksum));
}

function writeSCTP(writer: Writer, packet: Packet, start: number, end: number): void {
  const { view } = writer;
  view.setUint16(start, packet.sport);
  view.setUint16(start + 2, packet.dport);
  view.setUint32(start + 4, packet.vtag);
  let at = start + 12;
  let userData = packet.payload;
  for (const type of packet.chunks) {
    const length = chunkLength(type) + (type === 0 ? userData : 0);
    view.setUint8(at, type);
    view.setUint8(at + 1, type === 0 ? 3 : 0);
    view.setUint16(at + 2, length);
    if (type === 1 || type === 2) {
      view.setUint32(at + 4, packet.initTag);
      view.setUint32(at + 8, 65535);
      view.setUint16(at + 12, 1);
      view.setUint16(at + 14, 1);
    }
    if (type === 0) {
      writer.bytes.fill(FILL, at + 16, at + 16 + userData);
      userData = 0;
    }
    at += (length + 3) & ~3;
  }
  const sum = crc32c(writer.bytes, start, end);
  view.setUint32(start + 8, packet.badChecksum ? sum ^ 0x55555555 : sum, true);
}

function writeICMP(writer: Writer, packet: Packet, at: number, end: number): void {
  const { view } = writer;
  view.setUint8(at, packet.icmpType);
  view.setUint8(at + 1, packet.icmpCode);
  if (isICMPError(packet)) {
    if (packet.family === "IPv4") view.setUint16(at + 6, packet.icmpMtu);
    else view.setUint32(at + 4, packet.icmpMtu);
    if (packet.inner !== undefined) writer.bytes.set(encodePacket(packet.inner).subarray(0, end - at - 8), at + 8);
  } else {
    view.setUint16(at + 4, packet.icmpId);
    view.setUint16(at + 6, 1);
  }
  const v4 = packet.protocol === protocols.icmp;
  const sum = v4 ? internetChecksum(writer.bytes, at, end) : checksum(writer, packet, at, end);
  view.setUint16(at + 2, spoil(sum, packet.badChecksum));
}

function writeIPHeader(writer: Writer, packet: Packet, length: number): void {
  const { view, bytes } = writer;
  const { identification } = packet;
  const fragment = (packet.fragmentOffset & 0x1fff) | (packet.moreFragments ? 0x2000 : 0);
  if (packet.family === "IPv4") {
    view.setUint16(0, 0x4500 | packet.tos);
    view.setUint16(2, length);
    view.setUint16(4, identification);
    view.setUint16(6, fragment | (packet.df ? 0x4000 : 0));
    view.setUint16(8, (packet.ttl << 8) | packet.protocol);
    writer.address(12, packet.src);
    writer.address(16, packet.dst);
    view.setUint16(10, internetChecksum(bytes, 0, 20));
    return;
  }
  const header = ipHeaderLength(packet);
  view.setUint32(0, ((6 << 28) | (packet.tos << 20)) >>> 0);
  view.setUint16(4, length - 40);
  view.setUint16(6, ((header === 48 ? 44 : packet.protocol) << 8) | packet.ttl);
  writer.address(8, packet.src);
  writer.address(24, packet.dst);
  if (header === 40) return;
  view.setUint8(40, packet.protocol);
  view.setUint16(42, (packet.fragmentOffset << 3) | (packet.moreFragments ? 1 : 0));
  view.setUint32(44, identification);
}

/**
 * A packet as bytes on the wire, with correct checksums unless `badChecksum`. Of a fragmented packet each piece is a
 * `Packet` of its own: only UDP on IPv4 (whose checksum may be absent) and protocols without a checksum can be sent so;
 * pieces belong together by their identification.
 */
export function encodePacket(packet: Packet): Uint8Array {
  const length = packetLength(packet);
  const writer = new Writer(length);
  writeIPHeader(writer, packet, length);
  const at = ipHeaderLength(packet);
  if (packet.fragmentOffset > 0) {
    writer.bytes.fill(packet.protocol === protocols.udp ? FILL : 0, at);
    return writer.bytes;
  }
  switch (packet.protocol) {
    case protocols.tcp:
      writer.bytes.fill(FILL, length - packet.payload);
      writeTCP(writer, packet, at, length);
      break;
    case protocols.udp:
    case protocols.udplite:
      writer.bytes.fill(FILL, length - packet.payload);
      writeUDP(writer, packet, at, length);
      break;
    case protocols.dccp:
      writer.bytes.fill(FILL, length - packet.payload);
      writeDCCP(writer, packet, at, length);
      break;
    case protocols.sctp:
      writeSCTP(writer, packet, at, length);
      break;
    case protocols.icmp:
    case protocols.icmpv6:
      if (packet.inner === undefined) writer.bytes.fill(FILL, at + 8);
      writeICMP(writer, packet, at, length);
      break;
    case protocols.gre:
    case protocols.esp:
      break;
    default:
      writer.bytes.fill(FILL, at);
  }
  return writer.bytes;
}
