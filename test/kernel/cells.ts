import { isICMPError, type Packet, protocols, sameAddress, tcpFlag } from "../../src/kernel/packet.ts";
import { type ProtocolClass, protocolClasses } from "./fresh.ts";
import {
  type DestinationClass,
  destinationClasses,
  type Places,
  type SourceClass,
  sourceClass,
  sourceClasses,
} from "./places.ts";
import type { Observation, Step } from "./step.ts";

export const fates = ["delivered", "transmitted", "answered", "refused", "dropped"] as const;
/**
 * What became of a packet: it reached the node's stack, left by an interface, was answered by an ICMP error or a reset,
 * could not be sent (an error for the local sender and nothing else), or vanished.
 */
export type Fate = (typeof fates)[number];

export function protocolClass(protocol: number): ProtocolClass {
  switch (protocol) {
    case protocols.tcp:
      return "tcp";
    case protocols.udp:
      return "udp";
    case protocols.sctp:
      return "sctp";
    case protocols.icmp:
    case protocols.icmpv6:
      return "icmp";
    default:
      return "other";
  }
}

/** An answer of the node's own: an error, or a reset to a packet that is none. */
function isAnswer(sent: Packet, seen: Packet): boolean {
  if (isICMPError(seen)) return !isICMPError(sent);
  const reset = (packet: Packet): boolean => packet.protocol === protocols.tcp && (packet.flags & tcpFlag.RST) !== 0;
  return reset(seen) && !reset(sent);
}

export function fateOf({ packet }: Step, { errno, out, local }: Observation): Fate {
  if ([...out, ...local].some((seen) => isAnswer(packet, seen.packet))) return "answered";
  if (local.length > 0) return "delivered";
  if (out.length > 0) return "transmitted";
  return errno === undefined ? "dropped" : "refused";
}

const sameEnds = (a: Packet, b: Packet): boolean =>
  sameAddress(a.src, b.src) &&
  sameAddress(a.dst, b.dst) &&
  a.sport === b.sport &&
  a.dport === b.dport &&
  a.icmpId === b.icmpId;

/** Did NAT change the packet, or the one that it quotes? An answer counts when it quotes or comes from something else than was sent to. */
export function isTranslated({ packet }: Step, { out, local }: Observation): boolean {
  return [...out, ...local].some(({ packet: seen }) => {
    if (isAnswer(packet, seen)) return false;
    if (seen.fragmentOffset > 0) return !sameAddress(seen.src, packet.src) || !sameAddress(seen.dst, packet.dst);
    if (!sameEnds(packet, seen)) return true;
    return packet.inner !== undefined && seen.inner !== undefined && !sameEnds(packet.inner, seen.inner);
  });
}

/** Packets kept for a cell. */
const EXAMPLES = 12;

interface Cell {
  count: number;
  where: string;
  steps: Step[];
}

/** Counts packets by source class, destination class, protocol and fate. */
export class CellTable {
  readonly #cells = new Map<string, Cell>();
  #packets = 0;
  #translated = 0;

  /** Adds a packet that was sent through the rule set of that name; how many its cell holds now. */
  add(where: string, places: Places, step: Step, observation: Observation): number {
    const source = sourceClass(places.topology, step.from);
    const destination = places.classOf(step.packet.dst);
    const key = this.#key(source, destination, protocolClass(step.packet.protocol), fateOf(step, observation));
    const cell = this.#cells.get(key) ?? { count: 0, where, steps: [] };
    this.#cells.set(key, cell);
    cell.count++;
    if (cell.steps.length < EXAMPLES) {
      // those of one rule set only: what is an example there says nothing elsewhere
      if (cell.where !== where && cell.steps.length < 2) Object.assign(cell, { where, steps: [] });
      if (cell.where === where) cell.steps.push(step);
    }
    this.#packets++;
    if (isTranslated(step, observation)) this.#translated++;
    return cell.count;
  }

  get packets(): number {
    return this.#packets;
  }

  /** Part of the packets that NAT changed, 0 … 1. */
  get translated(): number {
    return this.#packets === 0 ? 0 : this.#translated / this.#packets;
  }

  /** Cells that came up less often than `enough`, as text with their number. */
  thin(enough: number): string[] {
    return [...this.#cells].filter(([, { count }]) => count < enough).map(([key, { count }]) => `${key}: ${count}`);
  }

  /** Packets of each thin cell, with the rule set in which they came up. */
  examples(enough: number): { readonly where: string; readonly steps: readonly Step[] }[] {
    return [...this.#cells.values()].filter(({ count }) => count < enough);
  }

  get cells(): number {
    return this.#cells.size;
  }

  /** A line a source, destination and protocol with a column for each fate. */
  toString(): string {
    const width = 12;
    const head = `${"from".padEnd(8)}${"to".padEnd(12)}${"by".padEnd(7)}${fates.map((fate) => fate.padStart(width)).join("")}`;
    const lines = sourceClasses.flatMap((source) =>
      destinationClasses.flatMap((destination) =>
        protocolClasses.flatMap((protocol) => {
          const row = fates.map((fate) => this.#cells.get(this.#key(source, destination, protocol, fate))?.count ?? 0);
          if (row.every((count) => count === 0)) return [];
          const figures = row.map((count) => (count === 0 ? "·" : String(count)).padStart(width)).join("");
          return [`${source.padEnd(8)}${destination.padEnd(12)}${protocol.padEnd(7)}${figures}`];
        }),
      ),
    );
    return [head, ...lines].join("\n");
  }

  #key(source: SourceClass, destination: DestinationClass, protocol: ProtocolClass, fate: Fate): string {
    return `${source} → ${destination} ${protocol} ${fate}`;
  }
}
