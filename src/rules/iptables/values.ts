import type { IPFamily } from "../../net/family.ts";
import { formatIPv4, formatIPv6, type IPAddress, type IPv6Words, parseIPv6 } from "../../net/ip.ts";
import { mask32 } from "../../net/prefix.ts";

const DECIMAL = /^[0-9]{1,20}$/;
const OCTAL = /^0[0-7]{1,24}$/;
const HEX = /^0[xX][0-9a-fA-F]{1,16}$/;

/** A number of 0 … `max` as `xtables_strtoui` reads it: decimal, `0x` hexadecimal, or octal after a leading zero. */
export function parseNumber(text: string, max: number): number | undefined {
  let value: number;
  if (HEX.test(text)) value = Number.parseInt(text.slice(2), 16);
  else if (OCTAL.test(text)) value = Number.parseInt(text, 8);
  else if (DECIMAL.test(text) && (text === "0" || text[0] !== "0")) value = Number(text);
  else return undefined;
  return value <= max ? value : undefined;
}

/** A 32-bit number. */
export function parseUint32(text: string): number | undefined {
  return parseNumber(text, 0xffffffff);
}

/** `0x` and lower-case digits, as marks are printed. */
export function formatHex(value: number): string {
  return `0x${value.toString(16)}`;
}

/** A value and a mask, both 32 bits. */
export interface MaskedValue {
  readonly value: number;
  readonly mask: number;
}

/** `VALUE` or `VALUE/MASK`; the mask is all ones when it is not given. */
export function parseMasked(text: string): MaskedValue | undefined {
  const slash = text.indexOf("/");
  const value = parseUint32(slash < 0 ? text : text.slice(0, slash));
  const mask = slash < 0 ? 0xffffffff : parseUint32(text.slice(slash + 1));
  return value === undefined || mask === undefined ? undefined : { value, mask };
}

/** `0xV`, or `0xV/0xM` when the mask is not all ones (`print_mark` of libxt_mark.c). */
export function formatMasked({ value, mask }: MaskedValue): string {
  return mask === 0xffffffff ? formatHex(value) : `${formatHex(value)}/${formatHex(mask)}`;
}

/** A closed range of ports, 0 … 65535. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
}

/** A closed range of numbers. */
export interface NumberRange {
  readonly from: number;
  readonly to: number;
}

/** Names in /etc/services that rules are written with; other names are not resolved. */
export const services: ReadonlyMap<string, number> = new Map([
  ["ssh", 22],
  ["domain", 53],
  ["http", 80],
  ["ntp", 123],
  ["https", 443],
]);

/** A port number, or one of a few service names. */
export function parsePort(text: string): number | undefined {
  return parseNumber(text, 65535) ?? services.get(text);
}

/** `P`, `P:Q`, `:Q`, `P:` (`separator` may be another character); a missing end is 0 or 65535. */
export function parsePortRange(text: string, separator = ":"): PortRange | undefined {
  const at = text.indexOf(separator);
  if (at < 0) {
    const port = parsePort(text);
    return port === undefined ? undefined : { from: port, to: port };
  }
  const from = at === 0 ? 0 : parsePort(text.slice(0, at));
  const to = at === text.length - 1 ? 65535 : parsePort(text.slice(at + 1));
  return from === undefined || to === undefined || from > to ? undefined : { from, to };
}

/** `P` or `P:Q`. */
export function formatPortRange({ from, to }: PortRange, separator = ":"): string {
  return from === to ? `${from}` : `${from}${separator}${to}`;
}

/** An address of -s or -d with its mask, which may be any pattern of bits. */
export interface MaskedAddress {
  readonly address: IPAddress;
  readonly mask: IPAddress;
}

/** Up to four numbers in any of C's notations with dots between, missing ones are 0: `010.0.0.1` is 8.0.0.1 (kernel-semantics §6.4). */
function parseLooseIPv4(text: string): number | undefined {
  const parts = text.split(".", 5);
  if (parts.length > 4) return undefined;
  let value = 0;
  for (let i = 0; i < 4; i++) {
    const octet = i < parts.length ? parseNumber(parts[i] as string, 255) : 0;
    if (octet === undefined) return undefined;
    value = value * 256 + octet;
  }
  return value;
}

/** An address of the family; unlike `net/ip.ts` an IPv4-mapped IPv6 address stays one, and IPv4 is read as iptables does. */
export function parseAddress(text: string, family: IPFamily): IPAddress | undefined {
  if (family === "IPv4") {
    const value = parseLooseIPv4(text);
    return value === undefined ? undefined : { family, value };
  }
  const words = parseIPv6(text);
  return words === undefined ? undefined : { family, words };
}

/** The text of inet_ntop: canonical, and dotted for IPv4-mapped and IPv4-compatible addresses. */
export function formatAddress(address: IPAddress): string {
  if (address.family === "IPv4") return formatIPv4(address.value);
  const [a, b, c, d] = address.words;
  if (a !== 0 || b !== 0) return formatIPv6(address.words);
  if (c === 0xffff) return `::ffff:${formatIPv4(d)}`;
  return c === 0 && d >>> 16 !== 0 ? `::${formatIPv4(d)}` : formatIPv6(address.words);
}

/** The mask of a prefix length, 0 … 32 or 0 … 128. */
export function prefixMask(family: IPFamily, length: number): IPAddress {
  if (family === "IPv4") return { family, value: mask32(length) };
  return { family, words: [mask32(length), mask32(length - 32), mask32(length - 64), mask32(length - 96)] };
}

/** All ones: the mask of one address. */
export function fullMask(family: IPFamily): IPAddress {
  return prefixMask(family, family === "IPv4" ? 32 : 128);
}

/** The bits of both addresses, which must be of one family. */
export function andAddress(address: IPAddress, mask: IPAddress): IPAddress {
  if (address.family === "IPv4") {
    return { family: "IPv4", value: mask.family === "IPv4" ? (address.value & mask.value) >>> 0 : address.value };
  }
  if (mask.family === "IPv4") return address;
  const words = address.words.map((word, i) => (word & (mask.words[i] as number)) >>> 0);
  return { family: "IPv6", words: words as unknown as IPv6Words };
}

/** The number of leading ones when the mask has no ones behind them, else `undefined`. */
export function maskLength(mask: IPAddress): number | undefined {
  const words = mask.family === "IPv4" ? [mask.value] : mask.words;
  let length = 0;
  for (const [i, word] of words.entries()) {
    const ones = Math.clz32(~word >>> 0);
    if (mask32(ones) !== word || (ones > 0 && length < 32 * i)) return undefined;
    length += ones;
  }
  return length;
}

/** A mask as written behind a slash: a length (octal after a leading zero), or an address. */
export function parseMask(text: string, family: IPFamily): IPAddress | undefined {
  const length = parseNumber(text, family === "IPv4" ? 32 : 128);
  if (length !== undefined) return prefixMask(family, length);
  return text.includes(".") || text.includes(":") ? parseAddress(text, family) : undefined;
}

/** `ADDRESS`, `ADDRESS/LENGTH` or `ADDRESS/MASK`; the bits outside the mask are kept. */
export function parseUnmasked(text: string, family: IPFamily): MaskedAddress | undefined {
  const slash = text.indexOf("/");
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash), family);
  const mask = slash < 0 ? fullMask(family) : parseMask(text.slice(slash + 1), family);
  return address === undefined || mask === undefined ? undefined : { address, mask };
}

/** As `parseUnmasked`, with the bits outside the mask cleared. */
export function parseMaskedAddress(text: string, family: IPFamily): MaskedAddress | undefined {
  const read = parseUnmasked(text, family);
  return read === undefined ? undefined : { address: andAddress(read.address, read.mask), mask: read.mask };
}

/** `ADDRESS/LENGTH`, or `ADDRESS/MASK` when the ones of the mask are not all in front. */
export function formatMaskedAddress({ address, mask }: MaskedAddress): string {
  return `${formatAddress(address)}/${maskLength(mask) ?? formatAddress(mask)}`;
}

/** True for a mask of no bits: every address matches. */
export function isEmptyMask(mask: IPAddress): boolean {
  return mask.family === "IPv4" ? mask.value === 0 : mask.words.every((word) => word === 0);
}

/** A list of names as a set of bits; `undefined` when one is not in the table. Case does not matter. */
export function parseFlags(text: string, bits: Readonly<Record<string, number>>): number | undefined {
  let set = 0;
  for (const name of text.split(",")) {
    const upper = name.toUpperCase();
    if (!Object.hasOwn(bits, upper)) return undefined;
    set |= bits[upper] as number;
  }
  return set;
}

/** The names of a set of bits, in the order of the table. */
export function formatFlags(set: number, bits: Readonly<Record<string, number>>): string {
  const names = Object.entries(bits).filter(([, bit]) => (set & bit) !== 0);
  return names.map(([name]) => name).join(",");
}
