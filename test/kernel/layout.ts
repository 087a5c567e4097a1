import { type Packet, protocols } from "../../src/kernel/packet.ts";

/** Length of an SCTP chunk without user data (RFC 9260 §3.3): INIT and INIT ACK carry the tag, DATA its stream and number. */
export function chunkLength(type: number): number {
  switch (type) {
    case 0:
      return 16;
    case 1:
    case 2:
      return 20;
    case 3:
      return 16;
    case 4:
    case 5:
    case 7:
      return 8;
    default:
      return 4;
  }
}

/** Length of a TCP option by its kind; kinds without a known form have no value. */
export function optionLength(kind: number): number {
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

/** Bytes of the value that an option's `value` stands for. */
export function optionValueLength(kind: number): number {
  return kind === 2 ? 2 : kind === 3 ? 1 : kind === 8 ? 4 : 0;
}

export const ipHeaderLength = (packet: Packet): number => {
  if (packet.family === "IPv4") return 20;
  return packet.fragmentOffset > 0 || packet.moreFragments ? 48 : 40;
};

/** An error message quotes at most so much that it stays within the length every host takes (RFC 1812, RFC 4443). */
const ERROR_LIMIT = { IPv4: 576, IPv6: 1280 } as const;

const roundUp = (value: number): number => (value + 3) & ~3;

/**
 * Length of a packet behind its IP header. `payload` of SCTP is the user data in the first DATA chunk (padded to four
 * bytes on the wire); an ICMP error has no payload besides the packet it quotes.
 */
export function transportLength(packet: Packet): number {
  if (packet.fragmentOffset > 0) return packet.payload;
  switch (packet.protocol) {
    case protocols.tcp: {
      const options = packet.options.reduce((sum, { kind }) => sum + optionLength(kind), 0);
      return 20 + roundUp(options) + packet.payload;
    }
    case protocols.udp:
    case protocols.udplite:
      return 8 + packet.payload;
    case protocols.dccp:
      return 16 + packet.payload;
    case protocols.sctp: {
      const chunks = packet.chunks.reduce((sum, type) => sum + chunkLength(type), 0);
      return 12 + chunks + (packet.chunks.includes(0) ? roundUp(packet.payload) : 0);
    }
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

/** Length of a packet with its IP header, in bytes. */
export function packetLength(packet: Packet): number {
  return ipHeaderLength(packet) + transportLength(packet);
}
