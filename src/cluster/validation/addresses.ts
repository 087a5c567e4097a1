import { type IPAddress, isLoopback, parseIP } from "../../net/ip.ts";
import { type Prefix, parsePrefix } from "../../net/prefix.ts";
import { type FieldError, type FieldPath, invalid } from "./field-error.ts";

const NOT_AN_ADDRESS = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
const NOT_A_NETWORK = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
const LONG_GROUP = /(^|:)[0-9A-Fa-f]{5,}(:|$)/;
const LEADING_ZERO = /(^|[.:])0[0-9]+(\.|$)/;

/**
 * True for what Go's `netip.ParseAddr` refuses although the sloppy reader takes it: a dotted octet with leading
 * zeros, alone or at the end of an IPv6 text, and an IPv6 group of more than four digits.
 */
export function hasLeadingZeros(address: string): boolean {
  if (address.includes(":") && LONG_GROUP.test(address)) return true;
  return address.includes(".") && LEADING_ZERO.test(address.slice(address.lastIndexOf(":") + 1));
}

/** True for an IPv6 text of an IPv4 address (`::ffff:10.0.0.1`). */
export function isMappedText(address: string): boolean {
  return address.includes(":") && parseIP(address)?.family === "IPv4";
}

/** `IsValidIPForLegacyField`: an address; with `strict` neither leading zeros nor an IPv4-mapped form. */
export function validateLegacyIP(path: FieldPath, value: string, strict: boolean): readonly FieldError[] {
  if (parseIP(value) === undefined) return [invalid(path, value, NOT_AN_ADDRESS)];
  if (!strict) return [];
  if (hasLeadingZeros(value)) return [invalid(path, value, "must not have leading 0s")];
  return isMappedText(value) ? [invalid(path, value, "must not be an IPv4-mapped IPv6 address")] : [];
}

interface WrittenNetwork {
  readonly address: string;
  readonly length: string;
  readonly network: Prefix;
}

/** A network text in its two parts, or `undefined` when it is not one. */
export function splitNetwork(text: string): WrittenNetwork | undefined {
  const network = parsePrefix(text);
  if (network === undefined) return undefined;
  const slash = text.indexOf("/");
  return { address: text.slice(0, slash), length: text.slice(slash + 1), network };
}

/** True when the address of a written network has bits behind its prefix length. */
export function hasHostBits(written: WrittenNetwork): boolean {
  const address = parseIP(written.address);
  return address !== undefined && !sameAddress(address, written.network.address);
}

/** True for leading zeros in the address or in the prefix length of a network, which `netip.ParsePrefix` refuses. */
export function hasNetworkLeadingZeros(written: WrittenNetwork): boolean {
  return hasLeadingZeros(written.address) || (written.length.length > 1 && written.length.startsWith("0"));
}

function sameAddress(a: IPAddress, b: IPAddress): boolean {
  if (a.family === "IPv4") return b.family === "IPv4" && a.value === b.value;
  return b.family === "IPv6" && a.words.every((word, i) => word === b.words[i]);
}

/** `IsValidCIDRForLegacyField`: a network; with `strict` no leading zeros, no IPv4-mapped form, no host bits. */
export function validateLegacyCIDR(
  path: FieldPath,
  value: string,
  strict: boolean,
  at?: FieldPath,
): readonly FieldError[] {
  const written = splitNetwork(value);
  if (written === undefined) return [invalid(path, value, NOT_A_NETWORK, at)];
  if (!strict) return [];
  if (hasNetworkLeadingZeros(written)) {
    return [invalid(path, value, "must not have leading 0s in IP or prefix length", at)];
  }
  if (isMappedText(written.address)) return [invalid(path, value, "must not have an IPv4-mapped IPv6 address", at)];
  return hasHostBits(written) ? [invalid(path, value, "must not have bits set beyond the prefix length", at)] : [];
}

function isUnspecified(address: IPAddress): boolean {
  return address.family === "IPv4" ? address.value === 0 : address.words.every((word) => word === 0);
}

function isLinkLocal(address: IPAddress): boolean {
  if (address.family === "IPv4") return address.value >>> 16 === 0xa9fe;
  return address.words[0] >>> 22 === 0xfe80 >>> 6;
}

// Go's IsLinkLocalMulticast: 224.0.0.0/24 and ff02::/16 with any flag bits (the text's "/10" is upstream's)
function isLinkLocalMulticast(address: IPAddress): boolean {
  if (address.family === "IPv4") return address.value >>> 8 === 0xe00000;
  return ((address.words[0] >>> 16) & 0xff0f) === 0xff02;
}

/** `ValidateEndpointIP`: an address that traffic can be sent to; several findings are possible. */
export function validateEndpointIP(path: FieldPath, value: string): readonly FieldError[] {
  const address = parseIP(value);
  if (address === undefined) return [invalid(path, value, "must be a valid IP address")];
  const errors: FieldError[] = [];
  if (isUnspecified(address)) errors.push(invalid(path, value, `may not be unspecified (${value})`));
  if (isLoopback(address)) {
    errors.push(invalid(path, value, "may not be in the loopback range (127.0.0.0/8, ::1/128)"));
  }
  if (isLinkLocal(address)) {
    errors.push(invalid(path, value, "may not be in the link-local range (169.254.0.0/16, fe80::/10)"));
  }
  if (isLinkLocalMulticast(address)) {
    errors.push(invalid(path, value, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"));
  }
  return errors;
}
