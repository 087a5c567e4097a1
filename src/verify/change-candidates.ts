import { addressText } from "../kernel/packet-text.ts";
import { interval } from "../net/intervals.ts";
import { ascending } from "../net/sorted.ts";
import { senderOf } from "../network/journey.ts";
import type { NetworkNode } from "../network/network.ts";
import { type Candidate, type Place, portCandidate, type Sending, waysOf } from "./change.ts";
import { prefixEdges } from "./edges.ts";
import { addressNumber, addressOfNumber, fieldValue, universeOf, withField } from "./field.ts";
import { nearestIn } from "./lines.ts";
import { ruleConstants } from "./rule-constants.ts";
import { cutAt } from "./sight.ts";

const distance = (a: bigint, b: bigint): bigint => (a > b ? a - b : b - a);

/** Nodes whose rules may decide: those on any way of the packet, those of its addresses, and where it enters. */
function nodesOf(place: Place, sending: Sending): readonly NetworkNode[] {
  const { network } = place;
  const names = new Set<string>();
  for (const { journey } of waysOf(place, sending))
    for (const { node } of [...journey.there.legs, ...(journey.reply?.way.legs ?? [])]) names.add(node);
  for (const address of [sending.packet.src, sending.packet.dst]) {
    const owner = network.ownerOf(address);
    if ("node" in owner) names.add(owner.node);
  }
  return [...names].flatMap((name) => network.node(name) ?? []);
}

/** Every value of a port that rules tell apart from others, nearest first, each for all that they do not. */
export function portCandidates(place: Place, sending: Sending, field: "sport" | "dport"): readonly Candidate[] {
  const { packet } = sending;
  const own = fieldValue(packet, field);
  const edges: bigint[] = [own, own + 1n, 512n, 1024n];
  for (const { host } of nodesOf(place, sending)) {
    edges.push(...ruleConstants(host, packet.family).ports);
    for (const { sourcePorts, destinationPorts } of host.policyRules)
      for (const range of [sourcePorts, destinationPorts])
        if (range !== undefined) edges.push(BigInt(range.from), BigInt(range.to) + 1n);
  }
  // port 0 is nobody's
  const pieces = cutAt(interval(1n, 65535n), ascending(edges)).filter(({ from, to }) => own < from || own > to);
  return pieces
    .map((piece) => ({ piece, value: nearestIn([piece], own) ?? piece.from }))
    .sort((a, b) => (distance(a.value, own) < distance(b.value, own) ? -1 : 1))
    .map(({ piece, value }) => portCandidate(sending, field, value, piece));
}

/** Addresses that are nobody's: a change to one of them would help nobody. */
function isSomebody(value: bigint, bits: number): boolean {
  const first = value >> BigInt(bits - 8);
  if (bits === 32) return first !== 0n && first !== 127n && first < 224n;
  return first !== 0n && first !== 0xffn;
}

/** Addresses that objects name or rules speak of, nearest first. Another source is another sender. */
export function addressCandidates(
  place: Place,
  sending: Sending,
  field: "src" | "dst",
): { readonly from: string; readonly candidates: () => readonly Candidate[] } {
  const { packet } = sending;
  const { family } = packet;
  const own = addressNumber(packet[field]);
  const bits = family === "IPv4" ? 32 : 128;
  const candidates = (): readonly Candidate[] => {
    const edges: bigint[] = [own, own + 1n];
    for (const { host } of nodesOf(place, sending)) edges.push(...ruleConstants(host, family).addresses);
    for (const { address, prefixLength } of place.network.named())
      edges.push(...prefixEdges(address, prefixLength, family));
    const values = cutAt(universeOf(packet)[field], ascending(edges))
      .map((piece) => nearestIn([piece], own) ?? piece.from)
      .filter((value) => value !== own && isSomebody(value, bits));
    values.sort((a, b) => (distance(a, own) < distance(b, own) ? -1 : 1));
    return values.flatMap((value) => {
      const changed = withField(packet, field, value);
      const to = addressText(addressOfNumber(value, family));
      if (field === "dst") return [{ to, sending: { ...sending, packet: changed } }];
      const sender = senderOf(place.network, changed.src);
      if (sender === undefined) return [];
      // somebody else outside comes by the same node
      const kept = sender.kind === "outside" && sending.sender?.kind === "outside" ? sending.sender : sender;
      return [{ to, sending: { ...sending, packet: changed, sender: kept } }];
    });
  };
  return { from: addressText(packet[field]), candidates };
}

/** Marks that rules or routes of the sending node ask for; only what a node's own processes send can have one. */
export function markCandidates(place: Place, sending: Sending): readonly Candidate[] {
  const { sender, packet } = sending;
  if (sender?.kind !== "node") return [];
  const host = place.network.node(sender.node)?.host;
  if (host === undefined) return [];
  const own = sender.options?.mark ?? 0;
  const marks = new Set([0, ...ruleConstants(host, packet.family).marks]);
  for (const { mark } of host.policyRules) if (mark !== undefined) marks.add(mark.value);
  marks.delete(own);
  return [...marks]
    .sort((a, b) => a - b)
    .map((mark) => ({
      to: `0x${mark.toString(16)}`,
      sending: { ...sending, sender: { ...sender, options: { ...sender.options, mark } } },
    }));
}
