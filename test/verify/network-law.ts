import { scriptedChooser } from "../../src/kernel/chooser/scripted.ts";
import { makePacket, type Packet, protocols, tcpFlag } from "../../src/kernel/packet.ts";
import { packetText } from "../../src/kernel/packet-text.ts";
import type { IPFamily } from "../../src/net/family.ts";
import type { Random } from "../../src/net/random.ts";
import { type JourneyOptions, journeysOf, type Sender, senderOf, travelOnce } from "../../src/network/journey.ts";
import { NetworkState } from "../../src/network/network-state.ts";
import { addressNumber } from "../../src/verify/field.ts";
import { wayClass } from "../../src/verify/way-class.ts";
import type { Place } from "../network/support.ts";
import { addressText } from "../routing/support.ts";
import { classFault, type Hints, type LawCounts } from "./class-law.ts";
import { seeOnNetwork } from "./seen.ts";

const OUTSIDE = { IPv4: [0xcb007109, 0xc6336407], IPv6: [[0x20010db8, 0xcafe0000, 0, 9]] } as const;

/** A packet on a network, with its sender and who takes in what comes from outside. */
export interface Call {
  readonly packet: Packet;
  readonly sender: Sender | undefined;
  readonly options: JourneyOptions;
}

/** Ports that Services have, and some others. */
function portsOf({ cluster }: Place): readonly number[] {
  const ports = new Set<number>([1, 53, 80, 443, 10250, 40000]);
  for (const { value } of cluster.services) {
    for (const { port, nodePort, targetPort } of value.spec?.ports ?? []) {
      for (const each of [port, nodePort, targetPort]) if (typeof each === "number" && each > 0) ports.add(each);
    }
    const check = value.spec?.healthCheckNodePort ?? 0;
    if (check > 0) ports.add(check);
  }
  return [...ports];
}

/** The numbers that the objects of a place speak of. */
export function placeHints(place: Place, family: IPFamily): Hints {
  const named = place.network
    .named()
    .flatMap(({ address }) => ((typeof address === "number") === (family === "IPv4") ? [addressNumber(address)] : []));
  return { src: named, dst: named, dport: portsOf(place).map(BigInt) };
}

/** Draws packets between addresses that objects name, to ports that Services have. */
export function callsOn(place: Place): (random: Random) => Call {
  const { network } = place;
  const named = network.named().map(({ address }) => address);
  const list = portsOf(place);
  return (random) => {
    const family: IPFamily = random.pick(named.map((each) => (typeof each === "number" ? "IPv4" : "IPv6")));
    const own = named.filter((each) => (typeof each === "number") === (family === "IPv4"));
    const all: readonly Packet["src"][] = [...own, ...OUTSIDE[family]];
    const icmp = family === "IPv4" ? protocols.icmp : protocols.icmpv6;
    const protocol = random.pick([protocols.tcp, protocols.tcp, protocols.tcp, protocols.udp, protocols.sctp, icmp]);
    const [src, dst] = [random.pick(all), random.pick(all)];
    const options = random.chance(0.8) ? { entryNode: () => node } : {};
    const node = random.pick(network.nodes);
    const flags = random.chance(0.9) ? tcpFlag.SYN : tcpFlag.ACK;
    const packet = makePacket({
      family,
      src,
      dst,
      protocol,
      sport: protocol === icmp ? 0 : random.pick([40000, 40001, 700, 53, 1000]),
      dport: protocol === icmp ? 0 : random.pick(list),
      ...(protocol === protocols.tcp ? { flags } : {}),
    });
    const sender = random.chance(0.1) ? { kind: "outside" as const, node } : senderOf(network, src);
    return { packet, sender, options };
  };
}

/** Classes of random packets on a network; with `history` each finds what those before left. */
export function networkFault(
  random: Random,
  place: Place,
  count: number,
  history: boolean,
  counts: LawCounts,
  reasons: string[] = [],
): string | undefined {
  const draw = callsOn(place);
  const here = { ...place, state: new NetworkState() };
  for (let i = 0; i < count; i++) {
    const { packet, sender, options } = draw(random);
    const text = `${packetText(packet)} from ${JSON.stringify(sender)}`;
    try {
      const { branches } = journeysOf(here, packet, sender, options);
      const branch = random.pick(branches);
      const found = wayClass(here, packet, sender, options, branch);
      reasons.push(...found.inexact);
      const see = (each: Packet) => seeOnNetwork(here, sender, options, branch.script, each);
      const fault = classFault(random, found, see, counts, placeHints(place, packet.family));
      if (fault !== undefined) return `${i}: ${text}: ${fault}`;
      if (history) travelOnce(here, scriptedChooser(branch.script), packet, sender, options);
    } catch (error) {
      return `${i}: ${text} ${addressText(packet.dst)}: ${(error as Error).stack}`;
    }
  }
  return undefined;
}
