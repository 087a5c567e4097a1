import type { IPFamily } from "../net/family.ts";
import { formatIPv4, formatIPv6 } from "../net/ip.ts";
import { type Address, hasPorts, type Packet, protocols, tcpFlag } from "./packet.ts";

/** An address as people write it. */
export function addressText(address: Address): string {
  return typeof address === "number" ? formatIPv4(address) : formatIPv6(address);
}

/** `ADDRESS:PORT`, an IPv6 address in brackets. */
export function endpointText(address: Address, port: number): string {
  return typeof address === "number" ? `${formatIPv4(address)}:${port}` : `[${formatIPv6(address)}]:${port}`;
}

const NAMES: ReadonlyMap<number, string> = new Map(Object.entries(protocols).map(([name, number]) => [number, name]));

/** The name of a protocol, or its number. */
export function protocolText(protocol: number, family: IPFamily): string {
  if (protocol === protocols.icmpv6 && family === "IPv6") return "icmp";
  return NAMES.get(protocol) ?? `protocol ${protocol}`;
}

/** `SYN,ACK`, in the order of the header's bits; `none` without any. */
export function flagsText(flags: number): string {
  const set = Object.entries(tcpFlag).filter(([, bit]) => (flags & bit) !== 0);
  return set.map(([name]) => name).join(",") || "none";
}

/** A packet in one line: protocol, from, to, and what tells it apart. */
export function packetText(packet: Packet): string {
  const { family, protocol, src, dst, sport, dport } = packet;
  const name = protocolText(protocol, family);
  if (hasPorts(protocol) && packet.fragmentOffset === 0) {
    const flags = protocol === protocols.tcp ? ` ${flagsText(packet.flags)}` : "";
    return `${name} ${endpointText(src, sport)} -> ${endpointText(dst, dport)}${flags}`;
  }
  const ends = `${name} ${addressText(src)} -> ${addressText(dst)}`;
  if (protocol !== protocols.icmp && protocol !== protocols.icmpv6) return ends;
  const kind = `type ${packet.icmpType} code ${packet.icmpCode}`;
  return packet.inner === undefined
    ? `${ends} ${kind} id ${packet.icmpId}`
    : `${ends} ${kind} about ${packetText(packet.inner)}`;
}
