import { portableSHA256, type SHA256Hex } from "../net/sha256.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** The 16 characters of kube-proxy's chain names: the first 80 bits of SHA-256 in base32 (`portProtoHash`, iptables-mode §2.2). */
export function kubeHash(text: string, sha256: SHA256Hex = portableSHA256): string {
  let bits = BigInt(`0x${sha256(text).slice(0, 20)}`);
  let name = "";
  for (let i = 0; i < 16; i++) {
    name = ALPHABET.charAt(Number(bits & 31n)) + name;
    bits >>= 5n;
  }
  return name;
}
