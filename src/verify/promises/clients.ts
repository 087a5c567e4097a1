import type { Origin } from "../../intent/packet.ts";
import type { SourceFacts } from "../../intent/source-address.ts";
import type { Address } from "../../kernel/packet.ts";
import type { IPFamily } from "../../net/family.ts";
import { containsValue, type Interval, type IntervalSet, intervalsOf } from "../../net/intervals.ts";
import { prefixContains } from "../../net/prefix.ts";
import { ascending } from "../../net/sorted.ts";
import { addressOf, ipOf } from "../../network/addresses.ts";
import type { Network } from "../../network/network.ts";
import type { SpacePart } from "../classes/space.ts";
import { prefixEdges } from "../edges.ts";
import { addressOfNumber } from "../field.ts";
import { cutAt } from "../sight.ts";

/** Sources of a part whose packets come from one kind of sender. */
export interface Clients {
  /** `undefined`: objects do not tell who sends from there, or nobody does (a Service's own address). */
  readonly from: Origin | undefined;
  readonly sources: IntervalSet;
}

/** Finds the clients that a source of a part belongs to. */
export type ClientsOf = (part: SpacePart, source: bigint) => Clients;

/** Networks that the operator says are Pods'. */
type PodNetworks = SourceFacts["knownPods"];

/** Who sends from an address, as a node sees it. An address of a Pod network that is no known Pod's is nobody's. */
function originOf(network: Network, node: string, pods: PodNetworks, address: Address): Origin | undefined {
  const owner = network.ownerOf(address);
  switch (owner.kind) {
    case "pod":
      return owner.node === node ? "pod" : "peer";
    case "node":
      return owner.node === node ? undefined : "peer";
    case "outside":
      return pods !== "all" && pods.some((each) => prefixContains(each, ipOf(address))) ? undefined : "outside";
    default:
      return undefined;
  }
}

/** The clients of each part of a node's space: looked up once a part, linear in what the objects name. */
export function clientsAt(
  network: Network,
  node: string,
  family: IPFamily,
  { knownPods }: Pick<SourceFacts, "knownPods">,
): ClientsOf {
  const networks = knownPods === "all" ? [] : knownPods;
  const edges = ascending([
    ...network.named().flatMap(({ address, prefixLength }) => prefixEdges(address, prefixLength, family)),
    ...networks.flatMap(({ address, length }) => prefixEdges(addressOf(address), length, family)),
  ]);
  const made = new Map<SpacePart, readonly Clients[]>();
  const make = (part: SpacePart): readonly Clients[] => {
    if (part.interfaces.length === 0) return [{ from: "node", sources: part.sources }];
    const byOrigin = new Map<Origin | undefined, Interval[]>();
    for (const piece of cutAt(part.sources, edges)) {
      const from = originOf(network, node, knownPods, addressOfNumber(piece.from, family));
      const list = byOrigin.get(from);
      if (list === undefined) byOrigin.set(from, [piece]);
      else list.push(piece);
    }
    return [...byOrigin].map(([from, pieces]) => ({ from, sources: intervalsOf(pieces) }));
  };
  return (part, source) => {
    const all = made.get(part) ?? make(part);
    made.set(part, all);
    const found = all.find(({ sources }) => containsValue(sources, source));
    if (found === undefined) throw new RangeError(`${source} is no source of the part`);
    return found;
  };
}
