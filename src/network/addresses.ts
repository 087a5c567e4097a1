import type { Address } from "../kernel/packet.ts";
import { formatIP, type IPAddress } from "../net/ip.ts";

/** An address as the kernel parts take it. */
export const addressOf = (ip: IPAddress): Address => (ip.family === "IPv4" ? ip.value : ip.words);

/** The address with its family. */
export const ipOf = (address: Address): IPAddress =>
  typeof address === "number" ? { family: "IPv4", value: address } : { family: "IPv6", words: address };

/** Its canonical text. */
export const textOf = (address: Address): string => formatIP(ipOf(address));
