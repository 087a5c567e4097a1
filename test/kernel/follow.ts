import { type Address, isICMPError, makePacket, type Packet, protocols, tcpFlag } from "../../src/kernel/packet.ts";
import type { Random } from "../../src/net/random.ts";
import { SCTP_TAGS } from "./fresh.ts";
import type { SeenPacket } from "./step.ts";

const { FIN, SYN, RST, PSH, ACK } = tcpFlag;

/** The sender's next number: a SYN and a FIN take one each. */
const length = ({ flags, payload }: Packet): number =>
  payload + ((flags & SYN) !== 0 ? 1 : 0) + ((flags & FIN) !== 0 ? 1 : 0);

function answerTCP(packet: Packet, random: Random): Partial<Packet> {
  const seq = (packet.flags & ACK) !== 0 ? packet.ack : random.below(2 ** 32);
  const ack = (packet.seq + length(packet)) >>> 0;
  const plain = { seq, ack, flags: ACK, options: [], payload: 0, window: 65535 };
  const roll = random.below(100);
  if (roll < 5) return { ...plain, flags: RST | ACK };
  if (roll < 8) return { ...plain, flags: RST, ack: 0 };
  // in the window but not exact, and far out of it
  if (roll < 11) return { ...plain, flags: roll === 8 ? RST : ACK, seq: (seq + 100) >>> 0 };
  if (roll < 14) return { ...plain, seq: (seq + 0x40000000) >>> 0, payload: 10 };
  if (roll < 16) return { ...plain, ack: (ack + 0x40000000) >>> 0 };
  if ((packet.flags & (SYN | ACK)) === SYN) {
    const options =
      packet.options.length > 0
        ? [
            { kind: 2, value: 1400 },
            { kind: 4, value: 0 },
          ]
        : [];
    return { ...plain, flags: roll < 20 ? SYN : SYN | ACK, ack: roll < 20 ? 0 : ack, options };
  }
  if ((packet.flags & FIN) !== 0) return { ...plain, flags: roll < 60 ? FIN | ACK : ACK };
  if (roll < 30) return { ...plain, flags: FIN | ACK };
  if (roll < 65) return { ...plain, flags: PSH | ACK, payload: random.below(30) };
  return plain;
}

/** What follows which chunk in the life of an association (RFC 9260 §4). */
const NEXT_CHUNK: Readonly<Record<number, readonly number[]>> = {
  0: [3, 0, 7],
  1: [2],
  2: [10],
  3: [0, 7, 4],
  4: [5],
  5: [4, 0],
  7: [8],
  8: [14],
  10: [11],
  11: [0, 7, 4],
};

function answerSCTP(packet: Packet, random: Random): Partial<Packet> {
  const last = packet.chunks[0] ?? 1;
  const next = random.chance(0.05) ? 6 : random.pick(NEXT_CHUNK[last] ?? [1]);
  const fromServer = last === 1 || packet.vtag === SCTP_TAGS.server;
  const right = next === 1 ? 0 : fromServer ? SCTP_TAGS.client : SCTP_TAGS.server;
  const initTag = next === 1 ? SCTP_TAGS.client : next === 2 ? SCTP_TAGS.server : 0;
  const vtag = random.chance(0.05) ? 99 : right;
  return { chunks: [next], vtag, initTag, payload: next === 0 ? random.below(30) : 0 };
}

const ANSWERS: ReadonlyMap<number, number> = new Map([
  [8, 0],
  [13, 14],
  [15, 16],
  [17, 18],
  [0, 8],
  [128, 129],
  [139, 140],
  [129, 128],
]);

/** The packet that the receiver of a packet sends back; `undefined` when nobody answers such a packet. */
export function answerTo(packet: Packet, random: Random): Packet | undefined {
  if (isICMPError(packet) || packet.fragmentOffset > 0 || packet.moreFragments) return undefined;
  const { family, src, dst, protocol, sport, dport } = packet;
  const back = { family, src: dst, dst: src, protocol, sport: dport, dport: sport, tos: packet.tos };
  const ttl = random.chance(0.02) ? 1 : 64;
  switch (protocol) {
    case protocols.tcp:
      return makePacket({ ...back, ttl, ...answerTCP(packet, random) });
    case protocols.sctp:
      return makePacket({ ...back, ttl, ...answerSCTP(packet, random) });
    case protocols.icmp:
    case protocols.icmpv6: {
      const icmpType = ANSWERS.get(packet.icmpType);
      if (icmpType === undefined) return undefined;
      return makePacket({ ...back, ttl, icmpType, icmpId: packet.icmpId, payload: packet.payload });
    }
    default:
      return makePacket({ ...back, ttl, payload: random.below(40) });
  }
}

/** Errors that a machine on the way sends, as type and code. */
const ERRORS = {
  IPv4: [
    [3, 0],
    [3, 1],
    [3, 3],
    [3, 4],
    [3, 13],
    [11, 0],
    [11, 1],
    [12, 0],
    [4, 0],
    [5, 1],
  ],
  IPv6: [
    [1, 0],
    [1, 1],
    [1, 3],
    [1, 4],
    [2, 0],
    [3, 0],
    [4, 1],
  ],
} as const;

/** An ICMP error about a packet that was seen, sent by `router` to where the packet came from. */
export function errorAbout({ packet }: SeenPacket, router: Address, random: Random): Packet | undefined {
  if (packet.fragmentOffset > 0 || packet.moreFragments || packet.badChecksum) return undefined;
  const { family } = packet;
  const [icmpType, icmpCode] = random.pick<readonly [number, number]>(ERRORS[family]);
  const tooBig = (family === "IPv4" && icmpCode === 4) || (family === "IPv6" && icmpType === 2);
  // a quoted error quotes nothing itself: nobody reads so far
  const inner = packet.inner === undefined ? packet : { ...packet, inner: undefined, payload: 0, icmpMtu: 0 };
  return makePacket({
    family,
    src: router,
    dst: packet.src,
    protocol: family === "IPv4" ? protocols.icmp : protocols.icmpv6,
    icmpType,
    icmpCode,
    icmpMtu: tooBig ? 1400 : 0,
    inner,
  });
}
