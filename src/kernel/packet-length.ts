import { hasPorts, type Packet, protocols, type TCPOption } from "./packet.ts";

const IPV4_HEADER = 20;
const IPV6_HEADER = 40;
const IPV6_FRAGMENT_HEADER = 8;

/** Bytes of a TCP option by kind, where the kind says it; others are taken to be two bytes (kind and length) and nothing. */
function optionLength({ kind }: TCPOption): number {
  switch (kind) {
    case 0: // end of list
    case 1: // no operation
      return 1;
    case 2: // maximum segment size
      return 4;
    case 3: // window scale
      return 3;
    case 5: // SACK with one block
    case 8: // timestamps
      return 10;
    default:
      return 2;
  }
}

/** Bytes of a TCP header: 20 and its options, filled up to a multiple of four. */
export function tcpHeaderLength(options: readonly TCPOption[]): number {
  let length = 0;
  for (const option of options) length += optionLength(option);
  return 20 + ((length + 3) & ~3);
}

/** Bytes of an SCTP chunk of some type as an ordinary sender writes it, its payload aside. */
function chunkLength(type: number): number {
  return type === 1 || type === 2 ? 20 : type === 0 ? 16 : type === 3 ? 16 : type === 7 ? 8 : 4;
}

function transportLength(packet: Packet): number {
  switch (packet.protocol) {
    case protocols.tcp:
      return tcpHeaderLength(packet.options);
    case protocols.sctp: {
      let length = 12;
      for (const chunk of packet.chunks) length += chunkLength(chunk);
      return length;
    }
    case protocols.icmp:
    case protocols.icmpv6:
      return 8 + (packet.inner === undefined ? 0 : packetLength(packet.inner));
    case protocols.dccp:
      return 12;
    default:
      return hasPorts(packet.protocol) ? 8 : 0;
  }
}

/**
 * Bytes of a packet with its IP header: what the kernel has in `skb->len`, and what it counts. A later fragment has no
 * transport header; IPv6 fragments have an extension header.
 */
export function packetLength(packet: Packet): number {
  const later = packet.fragmentOffset !== 0;
  const transport = later ? 0 : transportLength(packet);
  if (packet.family === "IPv4") return IPV4_HEADER + transport + packet.payload;
  const fragment = later || packet.moreFragments ? IPV6_FRAGMENT_HEADER : 0;
  return IPV6_HEADER + fragment + transport + packet.payload;
}
