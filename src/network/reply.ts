import { makePacket, type Packet, protocols, sameAddress, tcpFlag } from "../kernel/packet.ts";

/** Types of ICMP queries and what answers them. */
const ECHO: ReadonlyMap<number, number> = new Map([
  [8, 0],
  [128, 129],
]);
/** SCTP chunks */
const [INIT, INIT_ACK] = [1, 2];
const SERVER_NUMBER = 1000;

/**
 * What whoever gets a packet sends back to whom it sees as its sender, were somebody listening: SYN,ACK to a SYN,
 * INIT ACK to an INIT, a datagram to a datagram, an echo reply. `undefined` for packets that do not begin anything.
 */
export function replyTo(packet: Packet): Packet | undefined {
  const { family, src, dst, protocol, sport, dport, seq, flags, payload, icmpId } = packet;
  const back = { family, src: dst, dst: src, protocol, sport: dport, dport: sport };
  switch (protocol) {
    case protocols.tcp: {
      const { SYN, ACK, RST, FIN } = tcpFlag;
      if ((flags & (SYN | ACK | RST | FIN)) !== SYN) return undefined;
      return makePacket({ ...back, flags: SYN | ACK, seq: SERVER_NUMBER, ack: (seq + 1 + payload) >>> 0 });
    }
    case protocols.udp:
    case protocols.udplite:
      return makePacket({ ...back, payload });
    case protocols.sctp: {
      if (packet.chunks[0] !== INIT) return undefined;
      return makePacket({ ...back, chunks: [INIT_ACK], vtag: packet.initTag, initTag: SERVER_NUMBER });
    }
    case protocols.icmp:
    case protocols.icmpv6: {
      const icmpType = ECHO.get(packet.icmpType);
      return icmpType === undefined ? undefined : makePacket({ ...back, icmpType, icmpId, payload });
    }
    default:
      return undefined;
  }
}

/** Is it what a socket expects that sent a packet? `sourceKnown`: the source in `sent` is the one that it was sent from. */
export function isAnswerTo(reply: Packet, sent: Packet, sourceKnown: boolean): boolean {
  const { protocol, src, dst, sport, dport, icmpId } = sent;
  if (reply.protocol !== protocol || !sameAddress(reply.src, dst) || reply.sport !== dport) return false;
  if (sourceKnown && !sameAddress(reply.dst, src)) return false;
  return reply.dport === sport && reply.icmpId === icmpId;
}
