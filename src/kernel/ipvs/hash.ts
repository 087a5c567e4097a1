import type { Address } from "../packet.ts";

/** An address as one number: IPv4 as it is, of IPv6 the XOR of its four words (ipvs-mode §10). */
export function foldAddress(address: Address): number {
  if (typeof address === "number") return address;
  return (address[0] ^ address[1] ^ address[2] ^ address[3]) >>> 0;
}

/** `hash_32`: the highest `bits` bits of the product with the golden ratio. */
export function hash32(value: number, bits: number): number {
  return Math.imul(value, 0x61c88647) >>> (32 - bits);
}

/** A 64-bit number in two halves. */
interface Word {
  high: number;
  low: number;
}

function add(a: Word, b: Word): void {
  const low = (a.low >>> 0) + (b.low >>> 0);
  a.high = (a.high + b.high + (low > 0xffffffff ? 1 : 0)) | 0;
  a.low = low | 0;
}

function xor(a: Word, b: Word): void {
  a.high ^= b.high;
  a.low ^= b.low;
}

/** Rotates left by less than 32 bits. */
function rotate(a: Word, bits: number): void {
  const { high, low } = a;
  a.high = (high << bits) | (low >>> (32 - bits));
  a.low = (low << bits) | (high >>> (32 - bits));
}

function swapHalves(a: Word): void {
  const { high } = a;
  a.high = a.low;
  a.low = high;
}

function sipRound(v0: Word, v1: Word, v2: Word, v3: Word): void {
  add(v0, v1);
  rotate(v1, 13);
  xor(v1, v0);
  swapHalves(v0);
  add(v2, v3);
  rotate(v3, 16);
  xor(v3, v2);
  add(v0, v3);
  rotate(v3, 21);
  xor(v3, v0);
  add(v2, v1);
  rotate(v1, 17);
  xor(v1, v2);
  swapHalves(v2);
}

/**
 * `hsiphash_1u32` of a 64-bit kernel: SipHash-1-3 of one 32-bit word with both halves of the key the same 32-bit number, cut to 32
 * bits.
 */
export function sipHash32(word: number, key: number): number {
  const v0: Word = { high: 0x736f6d65, low: 0x70736575 ^ key };
  const v1: Word = { high: 0x646f7261, low: 0x6e646f6d ^ key };
  const v2: Word = { high: 0x6c796765, low: 0x6e657261 ^ key };
  const v3: Word = { high: 0x74656462, low: 0x79746573 ^ key };
  // the last block: the word's four bytes, and the length in the highest
  const block: Word = { high: 4 << 24, low: word | 0 };
  xor(v3, block);
  sipRound(v0, v1, v2, v3);
  xor(v0, block);
  v2.low ^= 0xff;
  sipRound(v0, v1, v2, v3);
  sipRound(v0, v1, v2, v3);
  sipRound(v0, v1, v2, v3);
  return (v0.low ^ v1.low ^ v2.low ^ v3.low) >>> 0;
}
