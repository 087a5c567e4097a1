import type { Script } from "../kernel/chooser/answer.ts";
import { type ScriptedChooser, scriptedChooser } from "../kernel/chooser/scripted.ts";
import type { Chooser } from "../kernel/chooser.ts";
import type { Event } from "../kernel/event.ts";
import type { Host } from "../kernel/host.ts";
import type { Outcome } from "../kernel/outcome.ts";
import type { Packet } from "../kernel/packet.ts";
import { receive, send } from "../kernel/run.ts";
import type { HostState } from "../kernel/state.ts";
import type { RuleObserver } from "../kernel/walk.ts";
import type { End } from "../network/end.ts";
import { type JourneyOptions, type Sender, travelOnce } from "../network/journey.ts";
import type { NamedPrefix, Network } from "../network/network.ts";
import type { NetworkState } from "../network/network-state.ts";
import type { Leg } from "../network/way.ts";
import type { Entrance } from "../network/wire.ts";
import { type Asked, ownEvents, type RecordedLeg, stepText, type WayRecord, waySignature } from "./way-record.ts";

/** Hears what happens on a journey; `asked` counts the questions so far. */
export interface Listener {
  readonly event?: (leg: number, event: Event) => void;
  readonly rule?: (leg: number, asked: number, ...seen: Parameters<RuleObserver>) => void;
  /** Gives up (`OtherWay`) as soon as the packet leaves the way of this run. */
  readonly along?: CourseRun;
}

/** Thrown where a packet leaves the way that it was to go along. */
export class OtherWay extends Error {}

/** A host on the packet's own way. */
export interface CourseLeg {
  readonly number: number;
  readonly host: Host;
  readonly state: HostState;
  /** As it entered. */
  readonly packet: Packet;
  /** As it left, or ended. */
  readonly left: Packet;
}

/** One journey. */
export interface CourseRun {
  readonly way: WayRecord;
  readonly legs: readonly CourseLeg[];
  readonly events: (leg: number) => readonly (Event | Asked)[];
  readonly end: End | Outcome;
}

/** Where packets of a class go: everything about a journey but the packet. */
export interface Course {
  /** Sends a packet on its way, without a reply; the states are as before when it returns. */
  readonly send: (packet: Packet, listener?: Listener) => CourseRun;
  /** The source is left to routing: the packet's own is not looked at. */
  readonly anySource: boolean;
  /** Addresses that mean something between hosts. */
  readonly named: readonly NamedPrefix[];
}

/** A scripted chooser that also notes its answers among the events. */
function notingChooser(script: Script, note: (asked: Asked) => void): { chooser: Chooser; scripted: ScriptedChooser } {
  const scripted = scriptedChooser(script);
  const noted = <T>(answer: T): T => {
    const last = scripted.answers.at(-1);
    if (last !== undefined && scripted.answers.length > seen) note({ kind: "asked", answer: last });
    seen = scripted.answers.length;
    return answer;
  };
  let seen = 0;
  const chooser: Chooser = {
    below: (threshold) => noted(scripted.below(threshold)),
    share: (shares) => noted(scripted.share(shares)),
    port: (range, isFree) => scripted.port(range, isFree),
    unknown: (what) => noted(scripted.unknown(what)),
  };
  return { chooser, scripted };
}

/** Compares events with those of a run, leg by leg, as they come. */
function follower(run: CourseRun): (leg: number, event: Event | Asked) => void {
  const steps = new Map(
    run.legs.map(({ number }) => [number, ownEvents(run.events(number)).flatMap((event) => stepText(event) ?? [])]),
  );
  const at = new Map<number, number>();
  let answering = 0;
  return (leg, event) => {
    if (event.kind === "answer") answering++;
    else if (event.kind === "answered") answering--;
    const expected = steps.get(leg);
    const text = answering > 0 || expected === undefined ? undefined : stepText(event);
    if (text === undefined) return;
    const index = at.get(leg) ?? 0;
    if (expected?.[index] !== text) throw new OtherWay();
    at.set(leg, index + 1);
  };
}

type EventLists = Map<number, (Event | Asked)[]>;

interface Recording {
  readonly lists: EventLists;
  readonly chooser: Chooser;
  readonly record: (leg: number, event: Event) => void;
  readonly observe: { readonly observe?: (leg: number, ...seen: Parameters<RuleObserver>) => void };
}

function recording(script: Script, listener: Listener | undefined): Recording {
  const lists: EventLists = new Map();
  let current = 0;
  const follow = listener?.along === undefined ? undefined : follower(listener.along);
  const put = (leg: number, event: Event | Asked): void => {
    current = leg;
    const list = lists.get(leg);
    if (list === undefined) lists.set(leg, [event]);
    else list.push(event);
    follow?.(leg, event);
  };
  const { chooser, scripted } = notingChooser(script, (asked) => put(current, asked));
  const record = (leg: number, event: Event): void => {
    put(leg, event);
    listener?.event?.(leg, event);
  };
  const { rule } = listener ?? {};
  const observe =
    rule === undefined
      ? {}
      : { observe: (leg: number, ...seen: Parameters<RuleObserver>) => rule(leg, scripted.answers.length, ...seen) };
  return { lists, chooser, record, observe };
}

const entranceText = (entrance: Entrance): string => (entrance.kind === "sent" ? "sent" : `in ${entrance.inInterface}`);

function recordedLegs(legs: readonly Leg[], lists: EventLists): RecordedLeg[] {
  return legs.map(({ number, node, entrance }) => ({
    node,
    entrance: entranceText(entrance),
    events: lists.get(number) ?? [],
  }));
}

/** The journeys of packets of one sender through a network, chance going by a script. */
export function networkCourse(
  place: { readonly network: Network; readonly state: NetworkState },
  sender: Sender | undefined,
  options: JourneyOptions,
  script: Script,
): Course {
  const { network, state } = place;
  const sendOne = (packet: Packet, listener?: Listener): CourseRun => {
    const { lists, chooser, record, observe } = recording(script, listener);
    const mark = state.mark();
    try {
      const { there } = travelOnce(place, chooser, packet, sender, { ...options, oneWay: true, record, ...observe });
      const legs = there.legs.flatMap(({ number, node, packet: entered, result }) => {
        const host = network.node(node)?.host;
        return host === undefined
          ? []
          : [{ number, host, state: state.of(node), packet: entered, left: result.packet }];
      });
      const way = waySignature(packet, recordedLegs(there.legs, lists), there.end, there.packet);
      return { way, legs, events: (leg) => lists.get(leg) ?? [], end: there.end };
    } finally {
      state.rollback(mark);
    }
  };
  const anySource = sender?.kind === "node" && sender.options?.anySource === true;
  return { send: sendOne, anySource, named: network.named() };
}

/** The ways of packets through one host. */
export function hostCourse(host: Host, state: HostState, entrance: Entrance, script: Script): Course {
  const sendOne = (packet: Packet, listener?: Listener): CourseRun => {
    const { lists, chooser, record, observe } = recording(script, listener);
    const mark = state.mark();
    try {
      const told = observe.observe;
      const run = {
        host,
        state,
        chooser,
        record: (event: Event) => record(0, event),
        ...(told === undefined ? {} : { observe: (...seen: Parameters<RuleObserver>) => told(0, ...seen) }),
      };
      const { outcome, packet: left } =
        entrance.kind === "received" ? receive(run, packet, entrance.inInterface) : send(run, packet, entrance.options);
      const legs = [{ node: host.name, entrance: entranceText(entrance), events: lists.get(0) ?? [] }];
      const way = waySignature(packet, legs, outcome, left);
      return { way, legs: [{ number: 0, host, state, packet, left }], events: () => lists.get(0) ?? [], end: outcome };
    } finally {
      state.rollback(mark);
    }
  };
  const anySource = entrance.kind === "sent" && entrance.options.anySource === true;
  return { send: sendOne, anySource, named: [] };
}

/** What of a listener hears of one host's packets alone. */
export type HostListener = Required<Pick<Listener, "event" | "rule">>;

/** Sends a packet through one host along a way that is known, for a listener only: the state is as before when it returns. */
export function observeWay(
  host: Host,
  state: HostState,
  entrance: Entrance,
  script: Script,
  packet: Packet,
  { event, rule }: HostListener,
): void {
  const chooser = scriptedChooser(script);
  const run = {
    host,
    state,
    chooser,
    record: (each: Event) => event(0, each),
    observe: (...seen: Parameters<RuleObserver>) => rule(0, chooser.answers.length, ...seen),
  };
  const mark = state.mark();
  try {
    if (entrance.kind === "received") receive(run, packet, entrance.inInterface);
    else send(run, packet, entrance.options);
  } finally {
    state.rollback(mark);
  }
}
