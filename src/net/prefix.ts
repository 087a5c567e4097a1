import type { IPFamily } from "./family.ts";
import { formatIPv4, formatIPv6, type IPAddress, type IPv6Words, parseIP, parseIPv6 } from "./ip.ts";

/** A network: its address with all host bits cleared, and its prefix length (0–32 or 0–128). */
export interface Prefix {
  readonly address: IPAddress;
  readonly length: number;
}

const LENGTH = /^[0-9]+$/;

/** The 32-bit mask of `bits` leading ones, `bits` in 0 … 32. */
export function mask32(bits: number): number {
  return bits <= 0 ? 0 : bits >= 32 ? 0xffffffff : (0xffffffff << (32 - bits)) >>> 0;
}

function maskWords(words: IPv6Words, length: number): IPv6Words {
  const word = (i: 0 | 1 | 2 | 3): number => (words[i] & mask32(length - 32 * i)) >>> 0;
  return [word(0), word(1), word(2), word(3)];
}

/** Clears the bits of an address behind its first `length` bits. */
export function maskAddress(address: IPAddress, length: number): IPAddress {
  return address.family === "IPv4"
    ? { family: "IPv4", value: (address.value & mask32(length)) >>> 0 }
    : { family: "IPv6", words: maskWords(address.words, length) };
}

/**
 * Reads `ADDRESS/LENGTH` as kube-proxy does (`netutils.ParseCIDRSloppy`): host bits are cleared, leading zeros are
 * decimal in octets and in the length; an IPv4-mapped network of at least 96 bits is an IPv4 one.
 */
export function parsePrefix(text: string): Prefix | undefined {
  const slash = text.indexOf("/");
  if (slash < 0) return undefined;
  const lengthText = text.slice(slash + 1);
  if (!LENGTH.test(lengthText)) return undefined;
  const length = Number(lengthText);
  const addressText = text.slice(0, slash);
  if (!addressText.includes(":")) {
    const address = parseIP(addressText);
    if (address === undefined || length > 32) return undefined;
    return { address: maskAddress(address, length), length };
  }
  const words = parseIPv6(addressText);
  if (words === undefined || length > 128) return undefined;
  const masked = maskWords(words, length);
  if (masked[0] === 0 && masked[1] === 0 && masked[2] === 0xffff && length >= 96) {
    return { address: { family: "IPv4", value: masked[3] }, length: length - 96 };
  }
  return { address: { family: "IPv6", words: masked }, length };
}

/** The canonical text `ADDRESS/LENGTH`. */
export function formatPrefix(prefix: Prefix): string {
  const { address, length } = prefix;
  return `${address.family === "IPv4" ? formatIPv4(address.value) : formatIPv6(address.words)}/${length}`;
}

/** The family of a network. */
export function prefixFamily(prefix: Prefix): IPFamily {
  return prefix.address.family;
}

/** True when the address lies in the network; never across families. */
export function prefixContains(prefix: Prefix, address: IPAddress): boolean {
  const network = prefix.address;
  if (network.family === "IPv4") {
    return address.family === "IPv4" && (address.value & mask32(prefix.length)) >>> 0 === network.value;
  }
  if (address.family !== "IPv6") return false;
  const masked = maskWords(address.words, prefix.length);
  return masked.every((word, i) => word === network.words[i]);
}
