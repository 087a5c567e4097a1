import { type Address, makePacket, sameAddress } from "../kernel/packet.ts";
import { endpointText } from "../kernel/packet-text.ts";
import { isOwnAddress } from "../kernel/run.ts";
import { addDyadic, type Dyadic, dyadicToNumber, zeroDyadic } from "../net/dyadic.ts";
import { parseIP } from "../net/ip.ts";
import { addressOf } from "../network/addresses.ts";
import { type JourneyBranch, type Journeys, journeysOf, type Sender, senderOf } from "../network/journey.ts";
import type { Network } from "../network/network.ts";
import type { NetworkState } from "../network/network-state.ts";
import { type Frontend, protocolNumber } from "./frontends.ts";
import type { Source } from "./sources.ts";

/** What can become of a packet to a frontend, the worst first. */
export const letters = ["?", "X", "R", "-", "H", "O", "!", "S", "."] as const;
export type Letter = (typeof letters)[number];

/** What each letter says. */
export const meanings: Readonly<Record<Letter, string>> = {
  ".": "arrives at an endpoint",
  S: "arrives, the source is rewritten",
  "!": "arrives, the reply does not come back",
  X: "dropped",
  R: "rejected",
  "-": "nobody has the address",
  H: "comes to a host that is no endpoint",
  O: "leaves the cluster to whoever has the address",
  "?": "unknown",
};

/** One thing that can become of it, with its exact chance. */
export interface Share {
  readonly letter: Letter;
  readonly probability: Dyadic;
}

/** A cell: all that can become of a packet, the worst first; empty where there is nothing to ask. */
export type Cell = readonly Share[];

interface Place {
  readonly network: Network;
  readonly state: NetworkState;
}

const CLIENT_PORT = 40000;

function isKept({ network }: Place, sender: Sender, source: Address, seen: Address): boolean {
  if (sender.kind !== "node") return sameAddress(source, seen);
  const host = network.node(sender.node)?.host;
  return host !== undefined && isOwnAddress(host, seen);
}

/** Somebody has the address, and does not take the packet, or it gets lost on the way to him. */
function isSomebodys({ network }: Place, address: Address): boolean {
  const { kind } = network.ownerOf(address);
  return kind === "pod" || kind === "node";
}

function letterOf(place: Place, frontend: Frontend, sender: Sender, source: Address, branch: JourneyBranch): Letter {
  const { there, reply } = branch.journey;
  const { end, packet } = there;
  switch (end.kind) {
    case "unknown":
      return "?";
    case "rejected":
      return "R";
    case "nobody":
      return isSomebodys(place, end.address) ? "X" : "-";
    case "stuck":
      // without real servers ip_vs answers as REJECT does (ipvs-mode §8.5)
      return end.virtualServer === undefined ? "X" : "R";
    case "dropped":
    case "no-route":
      return "X";
    default: {
      if (!frontend.endpoints.has(endpointText(packet.dst, packet.dport))) return end.kind === "outside" ? "O" : "H";
      if (reply?.arrival === "unknown") return "?";
      if (reply?.arrival !== "as-called") return "!";
      return isKept(place, sender, source, packet.src) ? "." : "S";
    }
  }
}

/** Adds up the chances of each letter. Where an assumption decides, the cell is unknown. */
function cellOf(
  branches: readonly JourneyBranch[],
  letter: (branch: JourneyBranch) => Letter,
  complete: boolean,
): Cell {
  const shares = new Map<Letter, Dyadic>();
  for (const branch of branches) {
    const key = letter(branch);
    shares.set(key, addDyadic(shares.get(key) ?? zeroDyadic, branch.probability));
  }
  const assumed = shares.size > 1 && branches.some(({ assumptions }) => assumptions.length > 0);
  const one: Dyadic = { numerator: 1n, exponent: 0 };
  if (assumed || !complete) return [{ letter: "?", probability: one }];
  // all ways of one kind are certain, whatever was assumed on the way
  if (shares.size === 1) return [...shares.keys()].map((key) => ({ letter: key, probability: one }));
  return letters.flatMap((key) => {
    const probability = shares.get(key);
    return probability === undefined ? [] : [{ letter: key, probability }];
  });
}

function travel(
  place: Place,
  { address, family, number }: Frontend,
  protocol: number,
  sender: Sender,
  source: Address,
): Journeys {
  const packet = makePacket({ family, src: source, dst: address, protocol, sport: CLIENT_PORT, dport: number });
  // a cell tells of every real server, not of the one whose turn it is on nodes that have seen nothing
  return journeysOf(place, packet, sender, { anyTurn: true });
}

/** An endpoint that calls its own Service and comes to itself; empty where no endpoint is a Pod, or none comes to itself. */
function itself(place: Place, frontend: Frontend): Cell {
  for (const { ip: text } of frontend.usable) {
    const ip = parseIP(text);
    const source = ip === undefined ? undefined : addressOf(ip);
    const sender = source === undefined ? undefined : senderOf(place.network, source);
    if (source === undefined || sender?.kind !== "pod") continue;
    const { branches, complete } = travel(place, frontend, protocolNumber(frontend), sender, source);
    const own = branches.filter(({ journey: { there } }) => {
      const elsewhere = there.end.kind === "pod" && !(there.end.node === sender.node && there.end.pod === sender.pod);
      return !elsewhere && there.end.kind !== "host" && there.end.kind !== "outside";
    });
    if (own.length > 0) return cellOf(own, (branch) => letterOf(place, frontend, sender, source, branch), complete);
  }
  return [];
}

/** Who sends from a source to a frontend; `undefined` where nothing of it enters there. */
function senderTo(source: Source, frontend: Frontend, address: Address, network: Network): Sender | undefined {
  switch (source.kind) {
    case "pod":
      return senderOf(network, address);
    case "node":
      return source.node === undefined ? undefined : { kind: "node", node: source.node, options: { anySource: true } };
    case "outside":
      // an address of a node is reached by that node, a ClusterIP not at all; the rest by any node that it is handed to
      if (frontend.kind === "NodePort") return frontend.node === source.node ? { kind: "outside" } : undefined;
      if (frontend.kind === "ClusterIP" || source.node === undefined) return { kind: "outside" };
      return { kind: "outside", node: source.node };
    case "itself":
      return undefined;
  }
}

/** What becomes of packets of a source to a frontend. The states of the hosts are afterwards as before. */
export function matrixCell(place: Place, frontend: Frontend, source: Source): Cell {
  if (source.kind === "itself") return itself(place, frontend);
  const address = source.addresses[frontend.family];
  if (address === undefined) return [];
  const sender = senderTo(source, frontend, address, place.network);
  if (sender === undefined) return [];
  const { branches, complete } = travel(place, frontend, protocolNumber(frontend), sender, address);
  return cellOf(branches, (branch) => letterOf(place, frontend, sender, address, branch), complete);
}

/** A cell in a few characters: a letter, and where not all ways are alike the share of the worst. */
export function cellText(cell: Cell): string {
  const [worst, second] = cell;
  if (worst === undefined) return "";
  if (second === undefined) return worst.letter;
  const percent = Math.round(dyadicToNumber(worst.probability) * 100);
  return `${worst.letter}${Math.min(99, Math.max(1, percent))}%`;
}
