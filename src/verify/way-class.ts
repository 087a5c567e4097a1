import type { Script } from "../kernel/chooser/answer.ts";
import type { Host } from "../kernel/host.ts";
import type { Address, Packet } from "../kernel/packet.ts";
import { isLoopback4, isMulticast4, LIMITED_BROADCAST, ownerOf } from "../kernel/routing/address.ts";
import { addressType4 } from "../kernel/routing/address-type.ts";
import type { HostState } from "../kernel/state.ts";
import { containsValue, type IntervalSet, intersectionOf, interval, intervalsOf } from "../net/intervals.ts";
import type { JourneyBranch, JourneyOptions, Sender } from "../network/journey.ts";
import type { Network } from "../network/network.ts";
import type { NetworkState } from "../network/network-state.ts";
import type { Entrance } from "../network/wire.ts";
import { excludeMeetings, isKnown } from "./connections.ts";
import { type Course, type CourseRun, hostCourse, networkCourse } from "./course.ts";
import { hostEdges } from "./edges.ts";
import { addressOfNumber, type Box, fields } from "./field.ts";
import { cutByTrials, type Trial } from "./lines.ts";
import { type LegFields, ruleListener } from "./observe-rules.ts";
import { cutByPolicy } from "./policy-rules.ts";
import { type Draft, exclude, fixFields, makeDraft, regionOf } from "./region.ts";
import { cutAt } from "./sight.ts";
import { sameWay } from "./way-record.ts";

/**
 * The region of packets that go the way of one of them: those in `box` and in no box of `except`. Source, destination, ports and the
 * ICMP type vary; all else is as in the packet: protocol, flags, payload, mark, where it enters, and the states of all hosts. The
 * same way: the same hosts by the same interfaces, the same rules matching with the same effects, the same routes, the same conntrack
 * state, the same end with the same cause, and the same answers of chance and assumptions. The reply, and what hosts send because of
 * the packet, are not part of it.
 */
export interface WayClass {
  readonly packet: Packet;
  readonly box: Box;
  /** What couples fields; each lies within `box`. What concerns one field alone is no longer in `box`. */
  readonly except: readonly Box[];
  /** Is it the whole class? Otherwise it is a part of it: all its packets go the way, and `inexact` says why others may too. */
  readonly exact: boolean;
  readonly inexact: readonly string[];
}

/** What routing thinks of an IPv4 address, whatever the other one is. */
function kindOf(host: Host, address: Address): string {
  if (typeof address !== "number") return "";
  const nowhere = address === 0 || isLoopback4(address) || isMulticast4(address) || address === LIMITED_BROADCAST;
  return `${addressType4(host, address, undefined)} ${nowhere} ${ownerOf(host, address) !== undefined}`;
}

/**
 * Of what is wrong with a packet's addresses IPv4 says the first thing that it comes upon, and what that is depends on both: of a
 * packet that is dropped for them, the class stays with addresses of the same kinds.
 */
function ownKinds(draft: Draft, { first, own }: Pick<Trial, "first" | "own">): Trial["within"] {
  const { end } = own;
  const martian =
    (end.kind === "dropped" && end.cause.kind === "martian") || (end.kind === "no-route" && end.where !== "receive");
  const host = own.legs.at(-1)?.host;
  if (!martian || host === undefined || first.family === "IPv6") return {};
  const sameKind = (field: "src" | "dst"): IntervalSet => {
    const wanted = kindOf(host, first[field]);
    return intervalsOf(
      cutAt(draft.universe[field], hostEdges(host, first.family)).filter(
        ({ from }) => kindOf(host, addressOfNumber(from, first.family)) === wanted,
      ),
    );
  };
  return { src: sameKind("src"), dst: sameKind("dst") };
}

/** Does the packet belong to a connection that is known already on some host of its way? */
function isOfConnection({ legs, events }: CourseRun): boolean {
  return (
    legs.some((leg) => isKnown(leg)) ||
    legs.some(({ number, state }) =>
      events(number).some(
        (event) =>
          event.kind === "conntrack" &&
          (event.state === "ESTABLISHED" ||
            event.state === "RELATED" ||
            (event.entry !== undefined && event.entry < state.nextId)),
      ),
    )
  );
}

/**
 * A packet that comes to a host again meets the connection that it made there before. One whose source is its destination looks like
 * that connection's reply then: such packets are left out.
 */
function leaveOutOwnReplies(draft: Draft, { legs }: CourseRun): void {
  if (new Set(legs.map(({ host }) => host.name)).size === legs.length) return;
  const both = intersectionOf(draft.box.src, draft.box.dst);
  if (both.length === 0) return;
  const { src, dst } = draft.point;
  draft.reasons.add("the packet comes to a host again: packets to their own source are left out");
  if (src === dst) fixFields(draft, fields);
  else if (containsValue(both, src) && containsValue(both, dst)) {
    fixFields(draft, ["src"]);
    exclude(draft, { dst: interval(src) });
  } else exclude(draft, { src: both, dst: both });
}

/** Why nothing but the packet itself is looked at. */
function aloneBecause(packet: Packet, own: CourseRun): string | undefined {
  if (packet.moreFragments || packet.fragmentOffset !== 0)
    return "the packet is a piece of one: what its other pieces are like counts too";
  return isOfConnection(own)
    ? "the packet belongs to a known connection, and the class is about this one only"
    : undefined;
}

function classOf(course: Course, packet: Packet): WayClass {
  const own = course.send(packet);
  const draft = makeDraft(packet);
  const within = ownKinds(draft, { first: packet, own });
  const trial: Trial = { first: packet, own, course, within, tries: 0 };
  const alone = aloneBecause(packet, own);
  if (alone !== undefined) {
    fixFields(draft, fields);
    draft.reasons.add(alone);
  } else {
    const legFields = new Map<number, LegFields>();
    const ownLegs = new Set(own.legs.map(({ number }) => number));
    const observed = course.send(packet, ruleListener(draft, ownLegs, course.anySource, own.end, legFields));
    if (!sameWay(own.way, observed.way)) throw new Error("the packet's way is another when it is observed");
    excludeMeetings(draft, trial, legFields);
    cutByTrials(draft, trial);
    cutByPolicy(draft, trial);
    leaveOutOwnReplies(draft, own);
  }
  const reasons = [...draft.reasons];
  return { packet, ...regionOf(draft), exact: reasons.length === 0, inexact: reasons };
}

/**
 * The class of a packet's way through a network: of the journey that `branch` is, which was found from the same place, packet, sender
 * and options. The states of all hosts are as before when it returns.
 */
export function wayClass(
  place: { readonly network: Network; readonly state: NetworkState },
  packet: Packet,
  sender: Sender | undefined,
  options: JourneyOptions,
  branch: Pick<JourneyBranch, "script">,
): WayClass {
  return classOf(networkCourse(place, sender, options, branch.script), packet);
}

/** As `wayClass`, through one host: the way that chance takes by `script`. */
export function hostWayClass(
  host: Host,
  state: HostState,
  packet: Packet,
  entrance: Entrance,
  script: Script,
): WayClass {
  return classOf(hostCourse(host, state, entrance, script), packet);
}
