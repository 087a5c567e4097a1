import type { IPAddress } from "../../net/ip.ts";
import type { MaskedAddress } from "../../rules/iptables/values.ts";
import type { Address } from "../packet.ts";

/**
 * Do the bits under the mask agree? Bits of the rule's address outside its mask do not matter. Never true across families.
 */
export function addressMatches(address: Address, { address: wanted, mask }: MaskedAddress): boolean {
  if (typeof address === "number") {
    return wanted.family === "IPv4" && mask.family === "IPv4" && ((address ^ wanted.value) & mask.value) === 0;
  }
  if (wanted.family === "IPv4" || mask.family === "IPv4") return false;
  const a = address;
  const b = wanted.words;
  const m = mask.words;
  return (
    ((a[0] ^ b[0]) & m[0]) === 0 &&
    ((a[1] ^ b[1]) & m[1]) === 0 &&
    ((a[2] ^ b[2]) & m[2]) === 0 &&
    ((a[3] ^ b[3]) & m[3]) === 0
  );
}

/** Orders two addresses of one family by their bytes. */
export function compareAddresses(a: Address, b: Address): number {
  if (typeof a === "number" || typeof b === "number") return typeof a === "number" && typeof b === "number" ? a - b : 0;
  for (let i = 0; i < 4; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** An address of a rule as a packet holds it. */
export function plainAddress(address: IPAddress): Address {
  return address.family === "IPv4" ? address.value : address.words;
}

/** The bits of an address that a mask of the same family covers. */
export function maskedBits(address: Address, mask: IPAddress): Address {
  if (typeof address === "number") return mask.family === "IPv4" ? (address & mask.value) >>> 0 : address;
  if (mask.family === "IPv4") return address;
  const word = (i: 0 | 1 | 2 | 3): number => (address[i] & mask.words[i]) >>> 0;
  return [word(0), word(1), word(2), word(3)];
}
