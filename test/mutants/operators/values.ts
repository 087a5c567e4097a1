import { protocols } from "../../../src/kernel/packet.ts";
import type { IPAddress } from "../../../src/net/ip.ts";
import { maskAddress } from "../../../src/net/prefix.ts";
import { type MaskedAddress, maskLength } from "../../../src/rules/iptables/values.ts";

/** An address with one of its bits turned round, the first being bit 0. */
export function turnedBit(address: IPAddress, bit: number): IPAddress {
  if (address.family === "IPv4") return { family: "IPv4", value: (address.value ^ (1 << (31 - bit))) >>> 0 };
  const turn = (word: number, from: number): number =>
    bit >= from && bit < from + 32 ? (word ^ (1 << (31 - (bit - from)))) >>> 0 : word;
  const [a, b, c, d] = address.words;
  return { family: "IPv6", words: [turn(a, 0), turn(b, 32), turn(c, 64), turn(d, 96)] };
}

const bitsOf = ({ family }: IPAddress): number => (family === "IPv4" ? 32 : 128);

/** The address next to one: its last bit turned round. */
export const nextTo = (address: IPAddress): IPAddress => turnedBit(address, bitsOf(address) - 1);

/** The network next to one, and the one twice as large; none of the whole space. */
export function otherNetworks({ address, mask }: MaskedAddress): readonly MaskedAddress[] {
  const length = maskLength(mask);
  if (length === undefined || length === 0) return [];
  const shorter = maskAddress(mask, length - 1);
  return [
    { address: turnedBit(address, length - 1), mask },
    { address: maskAddress(address, length - 1), mask: shorter },
  ];
}

const ROUND = [protocols.tcp, protocols.udp, protocols.sctp];

/** TCP becomes UDP, UDP SCTP, and SCTP TCP; anything else stays. */
export function otherProtocol(protocol: number): number {
  const at = ROUND.indexOf(protocol as (typeof ROUND)[number]);
  return at < 0 ? protocol : (ROUND[(at + 1) % ROUND.length] as number);
}
