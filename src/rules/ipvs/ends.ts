import { type IPAddress, parseIPv6 } from "../../net/ip.ts";
import { mask32 } from "../../net/prefix.ts";
import { parseNumber } from "../iptables/values.ts";
import type { Persistence } from "./model.ts";
import { type Fault, faultAt, parseDecimal, shown, type Word } from "./words.ts";

/** An address with the port behind it, where there is one. */
export interface End {
  readonly address: IPAddress;
  readonly port?: number;
}

/** Ports by the names that /etc/services has for them, of those that Services are usually seen with. */
const portNames: ReadonlyMap<string, number> = new Map([
  ["ftp", 21],
  ["ssh", 22],
  ["smtp", 25],
  ["domain", 53],
  ["http", 80],
  ["kerberos", 88],
  ["pop3", 110],
  ["ntp", 123],
  ["imap2", 143],
  ["ldap", 389],
  ["https", 443],
  ["microsoft-ds", 445],
  ["syslog", 514],
  ["ldaps", 636],
  ["imaps", 993],
  ["ms-sql-s", 1433],
  ["mqtt", 1883],
  ["nfs", 2049],
  ["mysql", 3306],
  ["ms-wbt-server", 3389],
  ["sip", 5060],
  ["postgresql", 5432],
  ["amqp", 5672],
  ["redis", 6379],
  ["http-alt", 8080],
]);

/** A port in decimal digits, also behind a plus sign, or one of the names. */
function parsePort(text: string): number | undefined {
  return parseDecimal(text.startsWith("+") ? text.slice(1) : text, 65535) ?? portNames.get(text);
}

/**
 * One to four numbers in any of C's notations with dots between, the last one fills what is left (`inet_aton`): `10.1` is
 * 10.0.0.1, `010.0.0.1` is 8.0.0.1.
 */
function parseIPv4Aton(text: string): number | undefined {
  const parts = text.split(".", 5);
  if (parts.length > 4) return undefined;
  let value = 0;
  for (const [i, part] of parts.entries()) {
    const isLast = i === parts.length - 1;
    const number = parseNumber(part, isLast ? 256 ** (4 - i) - 1 : 255);
    if (number === undefined) return undefined;
    value = isLast ? value * 256 ** (4 - i) + number : value * 256 + number;
  }
  return value;
}

/** An address as `inet_pton` reads it: at most four digits a group, no octal octets, an IPv4-mapped address stays one. */
function parseIPv6Pton(text: string): IPAddress | undefined {
  if (/[0-9A-Fa-f]{5}|(?:^|[.:])0[0-9]+\.|\.0[0-9]/.test(text)) return undefined;
  const words = parseIPv6(text);
  return words === undefined ? undefined : { family: "IPv6", words };
}

/** Why an end could not be read: a name stands where only numbers tell which one is meant, or it is none at all. */
type BadEnd = "name" | "bad";

const NAME = /^[A-Za-z][A-Za-z0-9_.-]*$/;

/**
 * `10.0.0.1:80`, `[fd00::1]:80`, `10.0.0.1`, `fd00::1` as ipvsadm 1.31 takes them; an address in brackets needs a port.
 */
function parseEnd(text: string): End | BadEnd {
  if (text.startsWith("[")) {
    const close = text.indexOf("]:");
    const address = close < 0 ? undefined : parseIPv6Pton(text.slice(1, close));
    return address === undefined ? "bad" : withPort(address, text.slice(close + 2));
  }
  const colon = text.indexOf(":");
  if (colon >= 0 && text.indexOf(":", colon + 1) >= 0) {
    const address = parseIPv6Pton(text);
    return address === undefined ? "bad" : { address };
  }
  const host = colon < 0 ? text : text.slice(0, colon);
  const value = parseIPv4Aton(host);
  if (value === undefined) return NAME.test(host) ? "name" : "bad";
  const address: IPAddress = { family: "IPv4", value };
  return colon < 0 ? { address } : withPort(address, text.slice(colon + 1));
}

function withPort(address: IPAddress, text: string): End | BadEnd {
  const port = parsePort(text);
  if (port !== undefined) return { address, port };
  return NAME.test(text) ? "name" : "bad";
}

/** An address with or without a port; the fault says why it is none. */
export function readEnd(word: Word): End | Fault {
  const end = parseEnd(word.text);
  if (end === "name") {
    const message = `${shown(word.text)}: what a name stands for is not in the text; ipvsadm prints numbers with -n`;
    return faultAt("name-not-number", message, word);
  }
  if (end === "bad") return faultAt("bad-address", `${shown(word.text)} is not an address with a port`, word);
  return end;
}

/** A firewall mark: ipvsadm prints those of 2^31 and above as negative numbers, though it does not take them. */
export function readMark(word: Word): number | Fault {
  const mark = /^-[0-9]{1,10}$/.test(word.text) ? Number(word.text) : parseDecimal(word.text, 0xffffffff);
  if (mark === undefined || mark === 0 || mark < -0x80000000)
    return faultAt("bad-mark", `${shown(word.text)} is not a mark of 1 to 4294967295`, word);
  return mark >>> 0;
}

/** An IPv4 netmask as the model has it. */
function ipv4Mask(mask: number): Omit<Persistence, "timeout"> {
  let ones = 0;
  for (let left = mask; left !== 0; left = (left & (left - 1)) >>> 0) ones++;
  return mask32(ones) === mask ? { maskLength: ones } : { maskLength: ones, mask };
}

/** The mask that clients are grouped by: `inet_aton` for IPv4, so that `24` is 0.0.0.24, a prefix length for IPv6. */
export function readClientMask(word: Word, family: IPAddress["family"]): Omit<Persistence, "timeout"> | Fault {
  if (family === "IPv6") {
    const maskLength = parseDecimal(word.text, 128);
    if (maskLength === undefined || maskLength === 0)
      return faultAt("bad-netmask", `${shown(word.text)} is not a prefix length of 1 to 128`, word);
    return { maskLength };
  }
  const mask = parseIPv4Aton(word.text);
  return mask === undefined ? faultAt("bad-netmask", `${shown(word.text)} is not a netmask`, word) : ipv4Mask(mask);
}
