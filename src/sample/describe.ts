import { canonicalIP, familyOf, parseIP } from "../net/ip.ts";
import { formatPrefix, parsePrefix, prefixContains, prefixFamily } from "../net/prefix.ts";
import { ownAddresses } from "./node.ts";

/** How an address is spelled: the ways of `service.spelling`, or `broken`. */
export function describeAddress(text: string): string {
  const canonical = canonicalIP(text);
  if (canonical === undefined) return "broken";
  if (canonical === text) return "plain";
  if (familyOf(text) === "IPv4") return text.includes(":") ? "mapped" : "zeros";
  return text.toLowerCase() === canonical ? "upper-case" : "long";
}

/** The families of a list of addresses or prefixes in the order they first appear. */
export function familiesIn(texts: readonly string[]): string {
  const families = texts.flatMap((text) => familyOf(text.split("/")[0] ?? "") ?? []);
  return [...new Set(families)].join(",");
}

const own = ownAddresses.flatMap((text) => parseIP(text) ?? []);

/** Is one of the asked node's addresses in the prefix? */
export function containsOwnAddress(text: string): boolean {
  const prefix = parsePrefix(text);
  return prefix !== undefined && own.some((address) => prefixContains(prefix, address));
}

/** What is odd about a source range: the ways of `service.range`. */
export function describeRange(text: string): string {
  const prefix = parsePrefix(text.trim());
  if (text === "") return "empty";
  if (prefix === undefined) return "invalid";
  if (text !== text.trim()) return "padded";
  if (prefix.length === 0) return "zero";
  if (containsOwnAddress(text)) return "node";
  if (formatPrefix(prefix) !== text.toLowerCase()) return "host bits";
  return prefixFamily(prefix);
}
