import type { ConntrackEntry } from "../kernel/entry.ts";
import { hasPorts, sameAddress } from "../kernel/packet.ts";
import { protocolText } from "../kernel/packet-text.ts";
import { sideText } from "./story.ts";

/** The protocol of an entry, as people write it. */
export const entryProtocol = ({ original }: ConntrackEntry): string => protocolText(original.protocol, original.family);

/** What an entry leads to: where its replies come from. */
export const leadsTo = ({ reply }: ConntrackEntry): string => sideText(reply, reply.src, reply.sport);

/** Is it sent on to somebody else than was called, by DNAT or by a virtual server? */
export function leadsElsewhere({ original, reply, destinationChanged }: ConntrackEntry): boolean {
  const otherPort = hasPorts(original.protocol) && original.dport !== reply.sport;
  return destinationChanged || otherPort || !sameAddress(original.dst, reply.src);
}

/** `udp 10.244.1.7:40000 -> 10.96.0.10:53 => 10.244.0.2:53`: the first packet, and where it was sent on to, if elsewhere. */
export function entryText(entry: ConntrackEntry): string {
  const { original } = entry;
  const called = `${entryProtocol(entry)} ${sideText(original, original.src, original.sport)} -> ${sideText(original, original.dst, original.dport)}`;
  return leadsElsewhere(entry) ? `${called} => ${leadsTo(entry)}` : called;
}
