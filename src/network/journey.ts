import type { Assumption, Script } from "../kernel/chooser/answer.ts";
import { anyTurn } from "../kernel/chooser/any-turn.ts";
import { explore } from "../kernel/chooser/explore.ts";
import { scriptedChooser } from "../kernel/chooser/scripted.ts";
import type { Chooser } from "../kernel/chooser.ts";
import type { Event } from "../kernel/event.ts";
import { type Address, type Packet, sameAddress } from "../kernel/packet.ts";
import type { SendOptions } from "../kernel/run.ts";
import type { Dyadic } from "../net/dyadic.ts";
import { isLoopback } from "../net/ip.ts";
import { addressOf, ipOf, textOf } from "./addresses.ts";
import { type End, hasArrived } from "./end.ts";
import { type Network, podWith } from "./network.ts";
import type { NetworkState } from "./network-state.ts";
import { podOfKey } from "./pod-index.ts";
import { isAnswerTo, replyTo } from "./reply.ts";
import { follow, type Leg, type Travel, type Way } from "./way.ts";
import { type Arrival, enterNode, outsideDelivers, type Wires } from "./wire.ts";

/** Who sends a packet. */
export type Sender =
  /** A Pod with a network of its own, by its key (`namespace/name`, or the address where no name is known). */
  | { readonly kind: "pod"; readonly node: string; readonly pod: string }
  /** A process on a node, or in a Pod on the node's network. */
  | { readonly kind: "node"; readonly node: string; readonly options?: SendOptions }
  /** Somebody outside; `node`: where the packet enters, else its destination tells; `inInterface`: by which interface. */
  | { readonly kind: "outside"; readonly node?: string; readonly inInterface?: string };

export interface JourneyOptions {
  /** The node that packets from outside to an external address of a Service are handed to. */
  readonly entryNode?: (address: Address) => string | undefined;
  /** Any real server of a virtual server may take the packet, wherever its round stands: all of them are followed, with equal chances. */
  readonly anyTurn?: boolean;
  /** No reply is sent. */
  readonly oneWay?: boolean;
  /** False: every rule of a chain is looked at, as the kernel does; the journeys are the same (`RunOptions`). */
  readonly indexed?: boolean;
}

/** What comes back, as far as somebody listens where the packet arrived. */
export interface Reply {
  /** As it was sent. */
  readonly packet: Packet;
  readonly way: Way;
  /**
   * `as-called`: at the sender, from the address and port that it called, for the port that it called from. `not-as-called`: at
   * the sender, but not so: it takes this for nobody's answer. `lost`: not at the sender. `unknown`: the end of its way is.
   */
  readonly arrival: "as-called" | "not-as-called" | "lost" | "unknown";
}

/** A packet's way to its receiver and the reply's way back. */
export interface Journey {
  /** What the receiver sees as its sender is the source of `there.packet`. */
  readonly there: Way;
  /** Absent when the packet arrived nowhere, or begins nothing that is answered. What the sender sees is `reply.way.packet`. */
  readonly reply?: Reply;
}

/** Who has a source address: a Pod, a node, else somebody outside; `undefined` where that is not known, as for a Pod address of no known Pod. */
export function senderOf(network: Network, source: Address): Sender | undefined {
  const owner = network.ownerOf(source);
  switch (owner.kind) {
    case "node":
      return { kind: "node", node: owner.node };
    case "pod": {
      const node = network.node(owner.node);
      const pod = node === undefined ? undefined : podWith(node, source);
      return pod === undefined ? undefined : { kind: "pod", node: owner.node, pod: pod.key };
    }
    case "pod-network":
    case "node-external":
    case "no-host":
      return undefined;
    default:
      return { kind: "outside" };
  }
}

const unknown = (what: string): End => ({ kind: "unknown", what: { what } });

/** Where a sender's packets enter the network. */
function startOf(wires: Wires, sender: Sender | undefined, packet: Packet): Arrival | End {
  if (sender === undefined) return unknown(`who sends from ${textOf(packet.src)}`);
  if (sender.kind === "outside")
    return sender.node === undefined
      ? outsideDelivers(wires, packet)
      : enterNode(wires, sender.node, packet, sender.inInterface);
  const node = wires.network.node(sender.node);
  if (node === undefined) return unknown(`what ${sender.node} does: there is no Node of this name among the objects`);
  if (sender.kind === "node")
    return { kind: "arrival", node, entrance: { kind: "sent", options: sender.options ?? {} } };
  const pod = podOfKey(node.pods, sender.pod);
  if (pod === undefined) return unknown(`what ${sender.pod} sends: there is no such Pod on ${sender.node}`);
  // what is for the Pod itself does not leave it: no node's rules see it
  if (isLoopback(ipOf(packet.dst)) || pod.addresses.some((own) => sameAddress(addressOf(own), packet.dst)))
    return { kind: "pod", node: sender.node, pod: pod.key };
  return { kind: "arrival", node, entrance: { kind: "received", inInterface: pod.interface } };
}

/** Does a way end where the sender is? */
export function endsAt(sender: Sender, end: End): boolean {
  switch (sender.kind) {
    case "pod":
      return end.kind === "pod" && end.node === sender.node && end.pod === sender.pod;
    case "node":
      return end.kind === "host" && end.node === sender.node;
    case "outside":
      return end.kind === "outside";
  }
}

function replyOf(travel: Travel, sender: Sender, sent: Packet, there: Way): Reply | undefined {
  const { end, packet: seen } = there;
  if (!hasArrived(end)) return undefined;
  const packet = replyTo(seen);
  if (packet === undefined) return undefined;
  const way = follow(travel, startOf(travel, replierAt(travel.network, end), packet), packet);
  if (way.end.kind === "unknown") return { packet, way, arrival: "unknown" };
  if (!endsAt(sender, way.end)) return { packet, way, arrival: "lost" };
  const sourceKnown = !(sender.kind === "node" && sender.options?.anySource === true);
  return { packet, way, arrival: isAnswerTo(way.packet, sent, sourceKnown) ? "as-called" : "not-as-called" };
}

/** Who replies where a packet arrived. Somebody outside sends by the routes outside, or back to where the packet came from. */
function replierAt({ outsideReturns }: Network, end: Extract<End, { kind: "pod" | "host" | "outside" }>): Sender {
  if (end.kind === "host") return { kind: "node", node: end.node };
  if (end.kind === "pod") return end;
  const { node, outInterface } = end;
  if (!outsideReturns || node === undefined || outInterface === undefined) return { kind: "outside" };
  return { kind: "outside", node, inInterface: outInterface };
}

/**
 * One journey of a packet, as the chooser decides; the states of the hosts are afterwards as the packet and its reply
 * leave them.
 */
export function travelOnce(
  { network, state }: { readonly network: Network; readonly state: NetworkState },
  chooser: Chooser,
  packet: Packet,
  sender: Sender | undefined,
  options: JourneyOptions & Pick<Travel, "record" | "observe"> = {},
): Journey {
  const { entryNode, record, observe, oneWay, indexed } = options;
  const travel: Travel = { network, state, chooser, record, observe, entryNode, indexed, legs: 0 };
  const there = follow(travel, startOf(travel, sender, packet), packet);
  const reply = oneWay === true || sender === undefined ? undefined : replyOf(travel, sender, packet, there);
  return { there, ...(reply === undefined ? {} : { reply }) };
}

/** One of all journeys that a packet can make. */
export interface JourneyBranch {
  readonly journey: Journey;
  /** Exact chance of what kernels leave to chance on this way, there and back. */
  readonly probability: Dyadic;
  /** What was assumed about things that are not modelled. */
  readonly assumptions: readonly Assumption[];
  readonly script: Script;
  /** What happens on one of its legs, in order: the journey is made once more when this is asked for; the states must be as they were. */
  readonly events: (leg: Leg) => readonly Event[];
}

/** All journeys of one packet. */
export interface Journeys {
  readonly packet: Packet;
  readonly sender: Sender | undefined;
  readonly branches: readonly JourneyBranch[];
  /** False when there were more ways than were followed. */
  readonly complete: boolean;
}

const MAX_BRANCHES = 4096;
/** Rules that are looked at on all ways together: more only where somebody means to keep us busy. */
const MAX_RULES = 10_000_000;

/** Follows a packet and its reply on all their ways. The states of all hosts are as before when it returns. */
export function journeysOf(
  place: { readonly network: Network; readonly state: NetworkState },
  packet: Packet,
  sender: Sender | undefined,
  options: JourneyOptions = {},
): Journeys {
  const { state } = place;
  let rules = 0;
  const count = (_leg: number, event: Event): void => {
    if (event.kind === "passed") rules += event.count;
    else if (event.kind === "matched") rules++;
  };
  const chooserOf = (chooser: Chooser): Chooser => (options.anyTurn === true ? anyTurn(chooser) : chooser);
  const travel = (chooser: Chooser): Journey =>
    travelOnce(place, chooserOf(chooser), packet, sender, { ...options, record: count });
  const found = explore(state, travel, { branches: MAX_BRANCHES, enough: () => rules > MAX_RULES });
  const eventsOf = (script: Script, { number }: Leg): readonly Event[] => {
    const events: Event[] = [];
    const record = (leg: number, event: Event): void => {
      if (leg === number) events.push(event);
    };
    const mark = state.mark();
    try {
      travelOnce(place, chooserOf(scriptedChooser(script)), packet, sender, { ...options, record });
    } finally {
      state.rollback(mark);
    }
    return events;
  };
  const branches = found.branches.map(({ value, probability, assumptions, script }) => ({
    journey: value,
    probability,
    assumptions,
    script,
    events: (leg: Leg) => eventsOf(script, leg),
  }));
  return { packet, sender, branches, complete: found.complete };
}
