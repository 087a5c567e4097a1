import type { IPFamily } from "../net/family.ts";
import { formatIP, type IPAddress, isLoopback, parseIP } from "../net/ip.ts";
import { type Prefix, parsePrefix, prefixContains, prefixFamily } from "../net/prefix.ts";
import type { NodeInterface, NodeIPs } from "./node.ts";
import type { ProxyTraits } from "./traits.ts";

/** Which addresses of the node accept node ports (iptables-mode §3.8). */
export interface NodePortAddresses {
  /** `all` local addresses, or those of the node inside the configured CIDRs, in interface order, each once. */
  readonly addresses: "all" | readonly string[];
  /** True when IPv4 loopback is among the configured CIDRs; never in the IPv6 generator. */
  readonly includesLoopback: boolean;
  /** The CIDRs of the family with keywords expanded; none when all addresses are meant. */
  readonly prefixes: readonly Prefix[];
}

interface WrittenPrefix {
  readonly prefix: Prefix;
  readonly text: string;
}

const ZERO = { IPv4: "0.0.0.0/0", IPv6: "::/0" } as const;
const IPV4_LOOPBACK: Prefix = { address: { family: "IPv4", value: 0x7f000000 }, length: 8 };

function expandKeyword(entry: string, nodeIPs: NodeIPs, traits: ProxyTraits): readonly string[] {
  if (entry === "primary" && traits.nodePortAddressPrimary) {
    const ips = [nodeIPs.byFamily.IPv4, nodeIPs.byFamily.IPv6].filter((address) => !isLoopback(address));
    return ips.map((address) => `${formatIP(address)}/${address.family === "IPv4" ? 32 : 128}`);
  }
  if (!traits.nodePortAddressKeywords) return [entry];
  if (entry === "localhost") return ["127.0.0.0/8", "::1/128"];
  if (entry === "all") return [ZERO.IPv4, ZERO.IPv6];
  return [entry];
}

function ofFamily(entries: readonly string[], family: IPFamily): WrittenPrefix[] {
  return entries.flatMap((entry) => {
    const text = entry.trim();
    const prefix = parsePrefix(text);
    return prefix !== undefined && prefixFamily(prefix) === family ? [{ prefix, text }] : [];
  });
}

function isMatchAll(written: WrittenPrefix, traits: ProxyTraits): boolean {
  if (!traits.zeroCIDRByText) return written.prefix.length === 0;
  return written.text === ZERO[prefixFamily(written.prefix)];
}

/** "Contains IPv4 loopback": the CIDRs up to and including the first of length 0 are looked at. */
function containsLoopback(kept: readonly WrittenPrefix[], traits: ProxyTraits): boolean {
  for (const written of kept) {
    const { prefix } = written;
    const inside = prefix.length >= IPV4_LOOPBACK.length && prefixContains(IPV4_LOOPBACK, prefix.address);
    if (inside || prefixContains(prefix, IPV4_LOOPBACK.address)) return true;
    if (isMatchAll(written, traits)) return false;
  }
  return false;
}

function interfaceAddresses(interfaces: readonly NodeInterface[]): IPAddress[] {
  return interfaces.flatMap((device) => device.addresses.flatMap((text) => parseIP(text.split("/")[0] ?? "") ?? []));
}

/**
 * Expands the keywords, keeps the family's CIDRs (all addresses when none is left), and looks them up among the
 * interface addresses. Upstream walks a set here, so its order is random; ours is the order of the interfaces.
 */
export function nodePortAddresses(
  configured: readonly string[],
  family: IPFamily,
  nodeIPs: NodeIPs,
  interfaces: readonly NodeInterface[],
  traits: ProxyTraits,
): NodePortAddresses {
  const expanded = configured.flatMap((entry) => expandKeyword(entry, nodeIPs, traits));
  let kept = ofFamily(expanded, family);
  if (kept.length === 0) kept = ofFamily([ZERO[family]], family);
  const includesLoopback = family === "IPv4" && containsLoopback(kept, traits);
  if (kept.some((written) => isMatchAll(written, traits))) return { addresses: "all", includesLoopback, prefixes: [] };
  const matching = interfaceAddresses(interfaces).filter((address) =>
    kept.some(({ prefix }) => prefixContains(prefix, address)),
  );
  const addresses = [...new Set(matching.map(formatIP))];
  return { addresses, includesLoopback, prefixes: kept.map(({ prefix }) => prefix) };
}

/** The addresses without 127.0.0.0/8 and ::1, on which node ports are not served (iptables-mode §3.8). */
export function withoutLoopback(addresses: NodePortAddresses["addresses"]): NodePortAddresses["addresses"] {
  if (addresses === "all") return addresses;
  return addresses.filter((text) => {
    const address = parseIP(text);
    return address === undefined || !isLoopback(address);
  });
}
