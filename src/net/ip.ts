import type { IPFamily } from "./family.ts";

/** Four 32-bit groups of an IPv6 address, most significant first, each in 0 … 2^32-1. */
export type IPv6Words = readonly [number, number, number, number];

/** An address as numbers: one 32-bit number, or four of them. An IPv4-mapped IPv6 address is an IPv4 address. */
export type IPAddress =
  | { readonly family: "IPv4"; readonly value: number }
  | { readonly family: "IPv6"; readonly words: IPv6Words };

const DOT = 0x2e;
const ZERO = 0x30;

/**
 * Reads a dotted quad. Leading zeros are read as decimal (`010` is ten), as Kubernetes reads addresses of
 * existing objects; `undefined` when the text is anything else.
 */
export function parseIPv4(text: string): number | undefined {
  let value = 0;
  let octet = 0;
  let digits = 0;
  let dots = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === DOT) {
      if (digits === 0 || dots === 3) return undefined;
      value = value * 256 + octet;
      octet = 0;
      digits = 0;
      dots++;
      continue;
    }
    const digit = code - ZERO;
    if (digit < 0 || digit > 9) return undefined;
    octet = octet * 10 + digit;
    digits++;
    if (octet > 255) return undefined;
  }
  if (dots !== 3 || digits === 0) return undefined;
  return value * 256 + octet;
}

/** Writes a 32-bit number as a dotted quad without leading zeros. */
export function formatIPv4(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}

// any number of leading zeros: the reader for existing objects is that of an older Go (`netutils.ParseIPSloppy`)
const HEX_GROUP = /^0*[0-9A-Fa-f]{1,4}$/;

/** The eight 16-bit groups of an IPv6 text, or `undefined`. Zones (`%eth0`) are refused, as Go's `net.ParseIP` does. */
function parseIPv6Groups(text: string): number[] | undefined {
  let tail: number[] = [];
  let body = text;
  const lastColon = text.lastIndexOf(":");
  if (text.indexOf(".", lastColon) >= 0) {
    const v4 = parseIPv4(text.slice(lastColon + 1));
    if (v4 === undefined) return undefined;
    tail = [v4 >>> 16, v4 & 0xffff];
    body = text.slice(0, lastColon + 1);
    // "1:2:3:4:5:6:" + dotted quad: the colon before the quad is a separator unless it ends a "::"
    if (!body.endsWith("::")) body = body.slice(0, -1);
  }
  const gap = body.indexOf("::");
  if (gap !== body.lastIndexOf("::")) return undefined;
  const read = (part: string): number[] | undefined => {
    if (part === "") return [];
    const groups: number[] = [];
    for (const group of part.split(":")) {
      if (!HEX_GROUP.test(group)) return undefined;
      groups.push(Number.parseInt(group, 16));
    }
    return groups;
  };
  if (gap < 0) {
    const groups = read(body);
    if (groups === undefined) return undefined;
    groups.push(...tail);
    return groups.length === 8 ? groups : undefined;
  }
  const head = read(body.slice(0, gap));
  const rest = read(body.slice(gap + 2));
  if (head === undefined || rest === undefined) return undefined;
  rest.push(...tail);
  const missing = 8 - head.length - rest.length;
  if (missing < 1) return undefined;
  return [...head, ...new Array<number>(missing).fill(0), ...rest];
}

/** Reads an IPv6 text into four words; IPv4-mapped texts are read too. `undefined` when it is not one. */
export function parseIPv6(text: string): IPv6Words | undefined {
  if (!text.includes(":")) return undefined;
  const groups = parseIPv6Groups(text);
  if (groups === undefined) return undefined;
  const word = (i: number): number => (groups[2 * i] as number) * 65536 + (groups[2 * i + 1] as number);
  return [word(0), word(1), word(2), word(3)];
}

/** Writes an IPv6 address in the form of RFC 5952: lower case, the longest run of two or more zero groups as `::`. */
export function formatIPv6(words: IPv6Words): string {
  const groups: number[] = [];
  for (const word of words) groups.push(word >>> 16, word & 0xffff);
  let best = -1;
  let bestLength = 1;
  for (let i = 0; i < 8; ) {
    if (groups[i] !== 0) {
      i++;
      continue;
    }
    let end = i;
    while (end < 8 && groups[end] === 0) end++;
    if (end - i > bestLength) {
      best = i;
      bestLength = end - i;
    }
    i = end;
  }
  const hex = (part: number[]): string => part.map((group) => group.toString(16)).join(":");
  if (best < 0) return hex(groups);
  return `${hex(groups.slice(0, best))}::${hex(groups.slice(best + bestLength))}`;
}

/**
 * Reads an address as kube-proxy does (`netutils.ParseIPSloppy`): octets with leading zeros are decimal, an
 * IPv4-mapped IPv6 address is an IPv4 address, zones and surrounding blanks are refused (iptables-mode §1.4).
 */
export function parseIP(text: string): IPAddress | undefined {
  if (!text.includes(":")) {
    const value = parseIPv4(text);
    return value === undefined ? undefined : { family: "IPv4", value };
  }
  const words = parseIPv6(text);
  if (words === undefined) return undefined;
  if (words[0] === 0 && words[1] === 0 && words[2] === 0xffff) return { family: "IPv4", value: words[3] };
  return { family: "IPv6", words };
}

/** The canonical text of an address: dotted quad, or RFC 5952. */
export function formatIP(address: IPAddress): string {
  return address.family === "IPv4" ? formatIPv4(address.value) : formatIPv6(address.words);
}

/** The family of an address text, or `undefined` when it is not an address. */
export function familyOf(text: string): IPFamily | undefined {
  return parseIP(text)?.family;
}

const decimalLength = (octet: number): number => (octet > 99 ? 3 : octet > 9 ? 2 : 1);

/** An address text in canonical form, or `undefined` when it is not an address. */
export function canonicalIP(text: string): string | undefined {
  const value = parseIPv4(text);
  if (value !== undefined) {
    // leading zeros are the only freedom of a dotted quad, and they make it longer: most texts are returned as they are
    const digits =
      decimalLength(value >>> 24) +
      decimalLength((value >>> 16) & 255) +
      decimalLength((value >>> 8) & 255) +
      decimalLength(value & 255);
    return text.length === digits + 3 ? text : formatIPv4(value);
  }
  const address = parseIP(text);
  return address === undefined ? undefined : formatIP(address);
}

/** True for 127.0.0.0/8 and ::1. */
export function isLoopback(address: IPAddress): boolean {
  if (address.family === "IPv4") return address.value >>> 24 === 127;
  const [a, b, c, d] = address.words;
  return a === 0 && b === 0 && c === 0 && d === 1;
}
