import type { Address } from "./packet.ts";

/** Mixes one more word into a hash: the step of MurmurHash3. */
export function mix(hash: number, word: number): number {
  const k = Math.imul(word, 0xcc9e2d51);
  const h = hash ^ Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
}

/** Mixes an address into a hash. */
export function mixAddress(hash: number, address: Address): number {
  if (typeof address === "number") return mix(hash, address);
  return mix(mix(mix(mix(hash, address[0]), address[1]), address[2]), address[3]);
}

/** A 32-bit hash, signed, of one end of connections of a protocol. */
export function endHash(protocol: number, address: Address, port: number): number {
  return finish(mix(mixAddress(0, address), protocol * 65536 + port));
}

/** Lets every bit of a sum reach its low bits, which choose a slot. */
export function finish(sum: number): number {
  let hash = Math.imul(sum ^ (sum >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
