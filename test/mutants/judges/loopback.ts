import type { Host } from "../../../src/kernel/host.ts";
import { type Packet, protocols } from "../../../src/kernel/packet.ts";
import type { Entrance } from "../../../src/network/wire.ts";
import { waysOf } from "../../../src/verify/classes/ways.ts";
import { fatesKey, fatesOf } from "../../../src/verify/equivalence/fate.ts";
import type { Met } from "./met.ts";

const LOCALHOST = 0x7f000001;
/** A port that no Service has. */
const PORT = 10_248;

/** What somebody sends who takes the node for a router to its own loopback addresses: the space of packets does not hold it. */
export interface Intruder {
  readonly packet: Packet;
  readonly entrance: Entrance;
}

/** One from each part of the space that packets come in by; none of IPv6, whose loopback address no kernel routes. */
export function intruders(all: readonly Met[]): readonly Intruder[] {
  const parts = new Map(all.map((met) => [met.class.part, met]));
  return [...parts.values()].flatMap(({ entrance, class: { packet } }) => {
    if (entrance.kind !== "received" || packet.family !== "IPv4") return [];
    const { tcp: protocol } = protocols;
    return [{ entrance, packet: { ...packet, protocol, flags: 2, dst: LOCALHOST, sport: 40_000, dport: PORT } }];
  });
}

/** What becomes of them, as a text. */
export const intrusion = (host: Host, { packet, entrance }: Intruder): string =>
  fatesKey(fatesOf(packet, waysOf(host, packet, entrance)));

/** Does one get to what listens on a loopback address (CVE-2020-8558)? */
export const getsIn = (host: Host, { packet, entrance }: Intruder): boolean =>
  waysOf(host, packet, entrance).ways.some(({ result }) => result.outcome.kind === "delivered");
