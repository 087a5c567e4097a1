import { readNodeDumps } from "../../src/dump/node-dumps.ts";
import { type Address, makePacket, type Packet } from "../../src/kernel/packet.ts";
import type { IPFamily } from "../../src/net/family.ts";
import { parseIPv4, parseIPv6 } from "../../src/net/ip.ts";
import type { Entrance } from "../../src/network/wire.ts";
import type { Diagnostic, Source } from "../../src/text/diagnostic.ts";
import { trace } from "../../src/trace/trace.ts";

/** A packet and where it enters. */
export interface Probe {
  readonly packet: Packet;
  readonly entrance: Entrance;
}

const RECEIVED: Entrance = { kind: "received", inInterface: "eth0" };
const SENT: Entrance = { kind: "sent", options: {} };

/** Packets to the addresses and ports that the rules name, and to some that they do not. */
export function probesOf(rules: string, family: IPFamily, most = 4): readonly Probe[] {
  const found =
    family === "IPv4" ? rules.matchAll(/\b\d+\.\d+\.\d+\.\d+\b/g) : rules.matchAll(/\b[0-9a-f]{1,4}:[0-9a-f:]*\b/g);
  const parse = (text: string): Address | undefined => (family === "IPv4" ? parseIPv4(text) : parseIPv6(text));
  const other: Address = family === "IPv4" ? 0x0a60000a : [0xfd000010, 0x00960000, 0, 10];
  const own: Address = family === "IPv4" ? 0xc0000201 : [0x20010db8, 0, 0, 1];
  const src: Address = family === "IPv4" ? 0x0a000005 : [0xfd000000, 0, 0, 5];
  const named = [...new Set([...found].map(([text]) => text))]
    .flatMap((text) => {
      const address = parse(text);
      return address === undefined ? [] : [address];
    })
    .slice(0, most);
  const ports = [...new Set([...rules.matchAll(/--dports? (\d+)/g)].map(([, port]) => Number(port)))].slice(0, 3);
  return [...named, other, own]
    .flatMap((dst) =>
      [...ports, 53, 4789].flatMap((dport) =>
        [6, 17].map((protocol) => {
          const packet = makePacket({ family, src, dst, protocol, sport: 40000, dport });
          return { packet, entrance: RECEIVED };
        }),
      ),
    )
    .concat({
      packet: makePacket({ family, src: own, dst: other, protocol: 6, sport: 40000, dport: 80 }),
      entrance: SENT,
    });
}

/** What becomes of packets: the fates with their chances; `unknown` where that is the answer. */
export type Fates = ReadonlyMap<string, string>;

export interface Answered {
  readonly fates: readonly Fates[];
  readonly found: readonly Diagnostic[];
}

/** Loads a text as a node's dump and follows packets through it. */
export function answers(source: Source, probes: readonly Probe[], more: readonly Source[]): Answered {
  const found: Diagnostic[] = [];
  const { host, state } = readNodeDumps([source, ...more], "node", (each) => found.push(each));
  // an error ends the run before any packet is followed
  if (found.some(({ severity }) => severity === "error"))
    return { fates: probes.map(() => new Map([["unknown", ""]])), found };
  const fates = probes.map(({ packet, entrance }) => {
    const traced = trace(host, state, packet, entrance);
    const all = new Map<string, string>();
    for (const { branch, unknown, probability } of traced.verdict) {
      const result = traced.branches[branch]?.result;
      const looks =
        result === undefined
          ? ""
          : [result.packet.src, result.packet.dst, result.packet.sport, result.packet.dport].join(" ");
      const outcome = result?.outcome;
      const kind = outcome?.kind === "rejected" ? `rejected ${outcome.with}` : `${outcome?.kind}`;
      const key =
        unknown !== undefined
          ? "unknown"
          : kind === "dropped" || kind.startsWith("rejected")
            ? kind
            : `${kind} ${looks}`;
      all.set(key, `${probability.numerator}/2^${probability.exponent}`);
    }
    if (!traced.complete) all.set("unknown", "");
    return all;
  });
  return { fates, found };
}
