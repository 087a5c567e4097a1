import { makePacket, type Packet, protocols } from "../../src/kernel/packet.ts";
import type { IPFamily } from "../../src/net/family.ts";
import { parseIP } from "../../src/net/ip.ts";
import type { Random } from "../../src/net/random.ts";
import { makeStep, type Step } from "../kernel/step.ts";
import { anyAddress } from "./hosts.ts";
import { vocabularies } from "./rule-words.ts";

const USUAL = [6, 17, 132, 1, 58, 136, 33, 47];
const PORTS = [0, 53, 80, 443, 1000, 8080, 40000, 65535];

function address(random: Random, family: IPFamily): Packet["src"] {
  if (random.chance(0.25)) return anyAddress(random, family);
  const ip = parseIP(random.pick(vocabularies[family].addresses));
  return ip === undefined ? 0 : ip.family === "IPv4" ? ip.value : ip.words;
}

const chunk = (random: Random): number => (random.chance(0.8) ? random.below(15) : random.below(256));

/** Any packet at all: fields that no sender fills so, fragments, quotes of quotes. */
export function oddPacket(random: Random, family: IPFamily, depth = 0): Packet {
  const protocol = random.chance(0.8) ? random.pick(USUAL) : random.below(256);
  const icmp = protocol === protocols.icmp || protocol === protocols.icmpv6;
  const quotes = depth < 3 && random.chance(icmp ? 0.5 : 0.02);
  const fragment = random.chance(0.1);
  return makePacket({
    family,
    src: address(random, family),
    dst: address(random, family),
    protocol,
    ttl: random.pick([64, 64, 1, 0, 2, 255]),
    tos: random.pick([0, 0, 0x10, 255]),
    df: random.chance(0.3),
    fragmentOffset: fragment ? random.pick([0, 1, 3, 8191]) : 0,
    moreFragments: fragment && random.chance(0.5),
    identification: random.below(3),
    payload: random.pick([0, 0, 8, 24, 1400, 1480, 65515]),
    sport: random.pick(PORTS),
    dport: random.pick(PORTS),
    flags: random.chance(0.5) ? 2 : random.below(256),
    seq: random.pick([0, 1, 0x7fffffff, 0xffffffff]),
    ack: random.pick([0, 1, 0x80000000, 0xffffffff]),
    window: random.pick([0, 1, 65535]),
    options: Array.from({ length: random.below(4) }, () => ({
      kind: random.below(10),
      value: random.pick([0, 1, 14, 15, 255, 1460, 65535]),
    })),
    vtag: random.below(3),
    chunks: Array.from({ length: random.below(4) }, () => chunk(random)),
    initTag: random.below(3),
    icmpType: random.chance(0.6) ? random.pick([0, 1, 2, 3, 4, 5, 8, 11, 12, 128, 129, 137]) : random.below(256),
    icmpCode: random.below(8),
    icmpId: random.below(3),
    icmpMtu: random.pick([0, 68, 1280, 1400, 0xffff]),
    inner: quotes ? oddPacket(random, random.chance(0.95) ? family : "IPv6", depth + 1) : undefined,
    badChecksum: random.chance(0.05),
  });
}

/** Such a packet at any door of a host that has these interfaces; without any the host can only send. */
export function oddStep(random: Random, family: IPFamily, interfaces: readonly string[]): Step {
  const packet = oddPacket(random, family);
  const local = interfaces.length === 0 || random.chance(0.3);
  if (!local) return makeStep(packet, random.pick(interfaces));
  return makeStep(packet, undefined, { mark: random.pick([0, 0, 0x200, 0xffffffff]), uid: random.pick([0, 1000]) });
}
