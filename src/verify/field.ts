import { type Address, hasPorts, type Packet, protocols } from "../kernel/packet.ts";
import type { IPFamily } from "../net/family.ts";
import { type IntervalSet, interval } from "../net/intervals.ts";

/** The fields of a packet that vary within its class: all else is as it is in the packet. */
export const fields = ["src", "dst", "sport", "dport", "icmpType"] as const;
export type Field = (typeof fields)[number];

/** Packets whose fields are each in a set, as numbers: an address of either family is one number. */
export type Box = Readonly<Record<Field, IntervalSet>>;

/** A box of which only the fields that are there ask for something. */
export type Part = Partial<Box>;

const WORD = 32n;

/** An address as a number of 32 or 128 bits. */
export function addressNumber(address: Address): bigint {
  if (typeof address === "number") return BigInt(address);
  return address.reduce((sum, word) => (sum << WORD) | BigInt(word), 0n);
}

/** The address of a number. */
export function addressOfNumber(value: bigint, family: IPFamily): Address {
  if (family === "IPv4") return Number(value);
  const word = (i: bigint): number => Number((value >> (i * WORD)) & 0xffffffffn);
  return [word(3n), word(2n), word(1n), word(0n)];
}

type Holder = Pick<Packet, Field>;

/** The number in a field. */
export function fieldValue(packet: Holder, field: Field): bigint {
  return field === "src" || field === "dst" ? addressNumber(packet[field]) : BigInt(packet[field]);
}

/** What a field holds for a number. */
export function fieldContent(field: Field, value: bigint, family: IPFamily): Address {
  return field === "src" || field === "dst" ? addressOfNumber(value, family) : Number(value);
}

/** The packet with another number in a field. */
export function withField(packet: Packet, field: Field, value: bigint): Packet {
  return { ...packet, [field]: fieldContent(field, value, packet.family) };
}

const ALL_PORTS = interval(0n, 0xffffn);
const ALL_TYPES = interval(0n, 0xffn);
const ALL_ADDRESSES: Readonly<Record<IPFamily, IntervalSet>> = {
  IPv4: interval(0n, (1n << 32n) - 1n),
  IPv6: interval(0n, (1n << 128n) - 1n),
};

/** All that a packet's fields may be: one value where its protocol has no such field. */
export function universeOf(packet: Packet): Box {
  const { family, protocol } = packet;
  // a later fragment has the fields of no transport header
  const ports = hasPorts(protocol) && packet.fragmentOffset === 0;
  const icmp = protocol === (family === "IPv4" ? protocols.icmp : protocols.icmpv6);
  const only = (field: Field): IntervalSet => interval(fieldValue(packet, field));
  return {
    src: ALL_ADDRESSES[family],
    dst: ALL_ADDRESSES[family],
    sport: ports ? ALL_PORTS : only("sport"),
    dport: ports ? ALL_PORTS : only("dport"),
    icmpType: icmp ? ALL_TYPES : only("icmpType"),
  };
}

/** Bits of a field's numbers. */
export function bitsOf(field: Field, family: IPFamily): number {
  if (field === "src" || field === "dst") return family === "IPv4" ? 32 : 128;
  return field === "icmpType" ? 8 : 16;
}
