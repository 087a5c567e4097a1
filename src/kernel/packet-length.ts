import { type Packet, protocols, type TCPOption } from "./packet.ts";

/** Bytes of a TCP option by kind, where the kind says it (5: with one block); of others there is only kind and length. */
function optionLength({ kind }: TCPOption): number {
  switch (kind) {
    case 0:
    case 1:
      return 1;
    case 2:
      return 4;
    case 3:
      return 3;
    case 5:
    case 8:
      return 10;
    default:
      return 2;
  }
}

const roundUp = (length: number): number => (length + 3) & ~3;

/** Bytes of a TCP header: 20 and its options, filled up to a multiple of four. */
export function tcpHeaderLength(options: readonly TCPOption[]): number {
  let length = 0;
  for (const option of options) length += optionLength(option);
  return 20 + roundUp(length);
}

/** Bytes of an SCTP chunk as an ordinary sender writes it, without user data (RFC 9260 §3.3). */
function chunkLength(type: number): number {
  switch (type) {
    case 0:
    case 3:
      return 16;
    case 1:
    case 2:
      return 20;
    case 4:
    case 5:
    case 7:
      return 8;
    default:
      return 4;
  }
}

/** The user data of an SCTP packet stands in its DATA chunk. */
function sctpLength({ chunks, payload }: Packet): number {
  let length = 12 + (chunks.includes(0) ? roundUp(payload) : 0);
  for (const chunk of chunks) length += chunkLength(chunk);
  return length;
}

/** A message of this length is taken by every host; an ICMP error quotes no more than fits (RFC 1812, RFC 4443). */
const ERROR_LIMIT = { IPv4: 576, IPv6: 1280 } as const;

function transportLength(packet: Packet): number {
  if (packet.fragmentOffset !== 0) return packet.payload;
  switch (packet.protocol) {
    case protocols.tcp:
      return tcpHeaderLength(packet.options) + packet.payload;
    case protocols.udp:
    case protocols.udplite:
      return 8 + packet.payload;
    case protocols.dccp:
      return 16 + packet.payload;
    case protocols.sctp:
      return sctpLength(packet);
    case protocols.icmp:
    case protocols.icmpv6: {
      if (packet.inner === undefined) return 8 + packet.payload;
      const room = ERROR_LIMIT[packet.family] - ipHeaderLength(packet) - 8;
      return 8 + Math.min(packetLength(packet.inner), room);
    }
    default:
      return packet.payload;
  }
}

/** IPv6 fragments have an extension header. */
function ipHeaderLength(packet: Packet): number {
  if (packet.family === "IPv4") return 20;
  return packet.fragmentOffset !== 0 || packet.moreFragments ? 48 : 40;
}

/**
 * Bytes of a packet with its IP header: what the kernel has in `skb->len`, compares and counts. A later fragment has no
 * transport header.
 */
export function packetLength(packet: Packet): number {
  return ipHeaderLength(packet) + transportLength(packet);
}
