import type { Address } from "../kernel/packet.ts";
import { formatIP, type IPAddress } from "../net/ip.ts";

/** An address as the kernel parts take it. */
export const addressOf = (ip: IPAddress): Address => (ip.family === "IPv4" ? ip.value : ip.words);

/** Its canonical text. */
export function textOf(address: Address): string {
  return formatIP(
    typeof address === "number" ? { family: "IPv4", value: address } : { family: "IPv6", words: address },
  );
}
