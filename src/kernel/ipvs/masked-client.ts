import { maskAddress } from "../../net/prefix.ts";
import type { Address } from "../packet.ts";

/** The client of a template: its address under the mask (ipvs-mode §9.5). */
export function maskedClient(address: Address, length: number): Address {
  if (typeof address === "number") {
    const masked = maskAddress({ family: "IPv4", value: address }, length);
    return masked.family === "IPv4" ? masked.value : address;
  }
  const masked = maskAddress({ family: "IPv6", words: address }, length);
  return masked.family === "IPv6" ? masked.words : address;
}
