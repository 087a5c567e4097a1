import type { Chooser } from "../kernel/chooser.ts";
import type { Event } from "../kernel/event.ts";
import type { Result } from "../kernel/outcome.ts";
import type { Packet } from "../kernel/packet.ts";
import { receive, send } from "../kernel/run.ts";
import type { RuleObserver } from "../kernel/walk.ts";
import type { End } from "./end.ts";
import type { NetworkNode } from "./network.ts";
import { type Arrival, crossWire, type Entrance, type Wires } from "./wire.ts";

/** A packet that crosses more nodes than this runs in a circle between them. */
const MAX_LEGS = 16;

/** A packet's way through one node. */
export interface Leg {
  /** Counts the legs of a whole journey, those of answers and of the reply included, from 0. */
  readonly number: number;
  readonly node: string;
  readonly entrance: Entrance;
  /** As it entered. */
  readonly packet: Packet;
  readonly result: Result;
}

/** A packet's way over nodes to its end. */
export interface Way {
  readonly legs: readonly Leg[];
  readonly end: End;
  /** As it was at the end. */
  readonly packet: Packet;
  /** Drawn at random by a node's kernel: the source port or identifier at the end stands for one of these. */
  readonly sourcePortOf?: { readonly from: number; readonly to: number };
  /** What nodes sent because of it (ICMP errors, RSTs), each from the node that sent it; its first leg is on the next one. */
  readonly answers: readonly Answer[];
}

/** What a node sent because of a packet. */
export interface Answer extends Way {
  readonly from: string;
  /** Number of the leg on which it was sent. */
  readonly leg: number;
}

/** What following packets needs; `legs` counts on. */
export interface Travel extends Wires {
  readonly chooser: Chooser;
  readonly record?: ((leg: number, event: Event) => void) | undefined;
  readonly observe?: ((leg: number, ...seen: Parameters<RuleObserver>) => void) | undefined;
  readonly indexed?: boolean | undefined;
  legs: number;
}

function walkLeg(travel: Travel, { node, entrance }: Arrival, packet: Packet): Leg {
  const number = travel.legs++;
  const { chooser, record, observe, indexed = true } = travel;
  const options = {
    host: node.host,
    state: travel.state.of(node.name),
    chooser,
    indexed,
    ...(record === undefined ? {} : { record: (event: Event) => record(number, event) }),
    ...(observe === undefined ? {} : { observe: (...seen: Parameters<RuleObserver>) => observe(number, ...seen) }),
  };
  const result =
    entrance.kind === "received"
      ? receive(options, packet, entrance.inInterface)
      : send(options, packet, entrance.options);
  return { number, node: node.name, entrance, packet, result };
}

/** Where a packet is after its walk through a node. */
function onward(travel: Travel, node: NetworkNode, { outcome, packet }: Result): Arrival | End {
  switch (outcome.kind) {
    case "transmitted":
      return crossWire(travel, node, outcome, packet);
    case "delivered":
      return { kind: "host", node: node.name };
    default:
      return { ...outcome, node: node.name };
  }
}

type Range = NonNullable<Way["sourcePortOf"]>;

/** What is collected on a way. */
interface Course {
  readonly legs: Leg[];
  readonly answers: Answer[];
  packet: Packet;
  drawn: Range | undefined;
}

/** The end of a walk through a node: what it sent meanwhile goes its own ways first. */
function leave(travel: Travel, course: Course, node: NetworkNode, leg: number, result: Result): Arrival | End {
  const before = course.packet;
  const { packet, sourcePortOf } = result;
  const kept = packet.sport === before.sport && packet.icmpId === before.icmpId;
  course.drawn = sourcePortOf ?? (kept ? course.drawn : undefined);
  course.packet = packet;
  for (const answer of result.answers) {
    const own: Course = { legs: [], answers: [], packet: answer.packet, drawn: undefined };
    const way = followFrom(travel, own, leave(travel, own, node, leg, answer));
    course.answers.push({ ...way, from: node.name, leg });
  }
  return onward(travel, node, result);
}

function followFrom(travel: Travel, course: Course, start: Arrival | End): Way {
  let at = start;
  while (at.kind === "arrival") {
    const { node } = at;
    if (course.legs.length >= MAX_LEGS) {
      at = { kind: "stuck", node: node.name, why: `the packet came to more than ${MAX_LEGS} nodes` };
      break;
    }
    course.packet = at.packet ?? course.packet;
    const leg = walkLeg(travel, at, course.packet);
    course.legs.push(leg);
    at = leave(travel, course, node, leg.number, leg.result);
  }
  const { legs, answers, packet, drawn } = course;
  return { legs, end: at, packet, answers, ...(drawn === undefined ? {} : { sourcePortOf: drawn }) };
}

/** Follows a packet from where it is to its end, over all nodes that it crosses, and what these send because of it. */
export function follow(travel: Travel, start: Arrival | End, packet: Packet): Way {
  return followFrom(travel, { legs: [], answers: [], packet, drawn: undefined }, start);
}
