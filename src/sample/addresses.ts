import type { IPFamily } from "../net/family.ts";
import { formatIP, formatIPv4, parseIPv6 } from "../net/ip.ts";
import type { Way } from "./weights.ts";

/** The address plan: each network has room for millions and none touches another. */
const networks = {
  service: { IPv4: 0x0a600000, IPv6: "fd00:10:96::" },
  pod: { IPv4: 0x0a800000, IPv6: "fd00:10:244::" },
  external: { IPv4: 0xcb007100, IPv6: "2001:db8:ee::" },
  loadBalancer: { IPv4: 0xc6336400, IPv6: "2001:db8:1b::" },
  node: { IPv4: 0xc0a80000, IPv6: "fd00:192:168::" },
} as const;

/** A part of the address plan. */
export type Network = keyof typeof networks;

/** The nth address of a network, in canonical spelling. */
export function addressIn(network: Network, family: IPFamily, n: number): string {
  if (family === "IPv4") return formatIPv4(networks[network].IPv4 + n);
  const base = parseIPv6(networks[network].IPv6) as readonly [number, number, number, number];
  return formatIP({ family, words: [base[0], base[1], base[2], n >>> 0] });
}

export type Spelling = Way<"service.spelling">;

function withZeros(address: string): string {
  const octets = address.split(".").map((octet) => octet.padStart(3, "0"));
  return octets.join(".");
}

function longForm(address: string): string {
  const words = parseIPv6(address);
  if (words === undefined) return address;
  const groups = words.flatMap((word) => [word >>> 16, word & 0xffff]);
  return groups.map((group) => group.toString(16).padStart(4, "0")).join(":");
}

/** A canonical address in another spelling that old objects still hold; the same text where the family has none. */
export function spell(address: string, spelling: Spelling): string {
  const isIPv6 = address.includes(":");
  switch (spelling) {
    case "plain":
      return address;
    case "zeros":
      return isIPv6 ? address : withZeros(address);
    case "mapped":
      return isIPv6 ? address : `::ffff:${address}`;
    case "upper-case":
      return address.toUpperCase();
    case "long":
      return isIPv6 ? longForm(address) : address;
  }
}
