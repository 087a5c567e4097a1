import type { SHA256Hex } from "../../net/sha256.ts";

/** Prefixes of the chains made for a service port or an endpoint. */
export const chainPrefixes = {
  clusterPolicy: "KUBE-SVC-",
  localPolicy: "KUBE-SVL-",
  external: "KUBE-EXT-",
  firewall: "KUBE-FW-",
  endpoint: "KUBE-SEP-",
  classicLocal: "KUBE-XLB-",
} as const;

/** Chain names with a fixed text. */
export const chains = {
  services: "KUBE-SERVICES",
  externalServices: "KUBE-EXTERNAL-SERVICES",
  nodePorts: "KUBE-NODEPORTS",
  postrouting: "KUBE-POSTROUTING",
  markMasq: "KUBE-MARK-MASQ",
  markDrop: "KUBE-MARK-DROP",
  forward: "KUBE-FORWARD",
  proxyFirewall: "KUBE-PROXY-FIREWALL",
  kubeletFirewall: "KUBE-FIREWALL",
} as const;

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** For each 10-bit number its two base32 characters: 20 bits of digest are two look-ups. */
const PAIRS: readonly string[] = Array.from(
  { length: 1024 },
  (_, n) => (ALPHABET[n >> 5] as string) + (ALPHABET[n & 31] as string),
);

/**
 * The 16 characters that name a chain: the first 80 bits of SHA-256 in RFC 4648 base32
 * (iptables-mode §2.2, upstream `portProtoHash`, `servicePortEndpointChainName`).
 */
export function chainHash(sha256: SHA256Hex, text: string): string {
  const hex = sha256(text);
  let name = "";
  for (let i = 0; i < 20; i += 5) {
    const bits = Number.parseInt(hex.slice(i, i + 5), 16);
    name += (PAIRS[bits >> 10] as string) + (PAIRS[bits & 1023] as string);
  }
  return name;
}
