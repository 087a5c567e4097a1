import type { Packet } from "../../src/kernel/packet.ts";
import { makePacket, protocols } from "../../src/kernel/packet.ts";
import { formatIP, parseIP } from "../../src/net/ip.ts";
import { type Random, seededRandom } from "../../src/net/random.ts";
import { addressOf } from "../../src/network/addresses.ts";
import type { Backend } from "../kernel/tools.ts";
import { addressText } from "../routing/support.ts";
import { type Frontend, frontendsOf } from "./frontends.ts";
import { sideText } from "./journey-row.ts";
import {
  type Chain,
  type JourneyLine,
  type RowMode,
  type RowSender,
  rowsOf,
  type TableSettings,
} from "./journey-table.ts";
import { playChain, playTurns } from "./play-chain.ts";
import type { Place } from "./support.ts";

/** Somebody who can send, with an address of his. */
interface Source {
  readonly sender: RowSender;
  readonly address: string;
}

/** What can be called. */
type Target = Omit<Frontend, "name">;

const OUTSIDE = ["203.0.113.9", "198.51.100.20", "2001:db8:9::9", "2001:db8:5::5"];
/** Few, so that connections meet. */
const PORTS = [40000, 40001];
const CHAIN = 3;

function sourcesOf({ network }: Place): readonly Source[] {
  const nodes = network.nodes.flatMap((name): Source[] => {
    const node = network.node(name);
    if (node === undefined) return [];
    const bySource = { kind: "by-source" } as const;
    const pods = node.pods.flatMap(({ addresses }) =>
      addresses.map((ip) => ({ sender: bySource, address: formatIP(ip) })),
    );
    const own = Object.values(node.uplinks).flatMap((device) => node.host.byName.get(device)?.addresses ?? []);
    return [
      ...pods,
      ...own.map(({ address }) => ({ sender: bySource, address: addressText(address) })),
      { sender: { kind: "node", node: name }, address: "127.0.0.1" },
    ];
  });
  return [...nodes, ...OUTSIDE.map((address): Source => ({ sender: { kind: "by-source" }, address }))];
}

/** Frontends, each with a neighbour that is none; endpoints without their Service; nodes themselves. */
function targetsOf(place: Place, sources: readonly Source[]): readonly Target[] {
  const frontends = frontendsOf(place.cluster);
  const hosts = sources.map(({ address }) => address);
  return [
    ...frontends,
    ...frontends,
    ...frontends.map((each) => ({ ...each, port: each.port + 1 })),
    ...frontends.map((each) => ({ ...each, protocol: protocols.udp })),
    ...frontends.map((each) => ({ ...each, protocol: protocols.icmp })),
    ...[protocols.tcp, protocols.udp, protocols.sctp, protocols.icmp].map((protocol) => ({
      addresses: hosts,
      protocol,
      port: 8080,
    })),
  ];
}

const isV6 = (text: string): boolean => text.includes(":");

function packetTo(random: Random, { address }: Source, target: Target): Packet | undefined {
  // who is outside would call himself on loopback
  const possible = (text: string): boolean =>
    isV6(text) === isV6(address) && !(text === "127.0.0.1" && OUTSIDE.includes(address));
  const own = target.addresses.filter(possible);
  // a node port is one of the addresses that its own node has on lo, too
  const local = address === "127.0.0.1" ? ["127.0.0.1"] : own;
  const [src, dst] = [parseIP(address), local.length === 0 ? undefined : parseIP(random.pick(local))];
  if (src === undefined || dst === undefined) return undefined;
  const sport = random.pick(PORTS);
  const { protocol, port: dport } = target;
  const ends = { family: src.family, src: addressOf(src), dst: addressOf(dst) };
  if (protocol !== protocols.icmp) return makePacket({ ...ends, protocol, sport, dport });
  const echo = src.family === "IPv4" ? protocols.icmp : protocols.icmpv6;
  return makePacket({ ...ends, protocol: echo, icmpId: sport });
}

const NAMES: ReadonlyMap<number, string> = new Map([
  [protocols.tcp, "tcp"],
  [protocols.udp, "udp"],
  [protocols.sctp, "sctp"],
  [protocols.icmp, "icmp"],
  [protocols.icmpv6, "icmp"],
]);

function textOf(packet: Packet, sender: RowSender): string {
  const { src, dst, sport, dport, protocol } = packet;
  const who = sender.kind === "node" ? `${sender.node} ` : "";
  return `${who}${NAMES.get(protocol)} ${sideText(packet, src, sport)} > ${sideText(packet, dst, dport)}`;
}

type Row = Extract<JourneyLine, { kind: "row" }>;

const told = (row: Row, found: readonly string[]): Row => ({
  ...row,
  branches: found,
  text: `${row.text} => ${found.join(" | ")}`,
});

/** A chain with the branches that the emulator gives its rows, as far as it comes. */
function playedOnce(chain: Chain, all: readonly Chain[], backend: Backend): Chain {
  const rows = rowsOf([chain]);
  const played = playChain(chain, all, { backend, indexed: true });
  return {
    ...chain,
    lines: played.flatMap(({ line, found }) => rows.slice(line - 1, line).map((row) => told(row, found))),
  };
}

/** The same in ipvs mode, where a row has the branches of all turns in which the rows before took their first. */
function playedTurns(chain: Chain, all: readonly Chain[], backend: Backend): Chain {
  const lines: JourneyLine[] = [];
  for (const row of rowsOf([chain])) {
    const found = playTurns({ ...chain, lines: [...lines, row] }, all, { backend, indexed: true }).at(-1)?.found ?? [];
    lines.push(told(row, found));
  }
  return { ...chain, lines };
}

/** Chains of a few packets each between whoever is in a place, with the branches that the emulator says they have. */
export function randomChains(
  place: Place,
  settings: TableSettings,
  all: readonly Chain[],
  given: { readonly count: number; readonly seed: string; readonly backend: Backend; readonly mode: RowMode },
): readonly Chain[] {
  const { count, seed, backend, mode } = given;
  const sources = sourcesOf(place);
  const targets = targetsOf(place, sources);
  return Array.from({ length: count }, (_, i) => {
    const random = seededRandom(`${seed} ${settings.folder} ${i}`);
    const few = [random.pick(sources), random.pick(sources)];
    const entry = random.pick(place.network.nodes);
    const lines: JourneyLine[] = [];
    while (lines.length < CHAIN) {
      const { sender, address } = random.pick(few);
      const packet = packetTo(random, { sender, address }, random.pick(targets));
      const line = lines.length + 1;
      if (packet !== undefined)
        lines.push({ kind: "row", line, text: textOf(packet, sender), sender, packet, branches: [] });
    }
    const chain: Chain = { name: `seed ${seed} chain ${i}`, settings: { ...settings, entry }, lines };
    return mode === "ipvs" ? playedTurns(chain, all, backend) : playedOnce(chain, all, backend);
  });
}
