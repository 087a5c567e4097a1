import { isDeepStrictEqual } from "node:util";
import type { Script } from "../../src/kernel/chooser/answer.ts";
import { scriptedChooser } from "../../src/kernel/chooser/scripted.ts";
import type { Chooser } from "../../src/kernel/chooser.ts";
import type { Event } from "../../src/kernel/event.ts";
import type { Host } from "../../src/kernel/host.ts";
import type { Outcome } from "../../src/kernel/outcome.ts";
import type { Packet } from "../../src/kernel/packet.ts";
import { receive, send } from "../../src/kernel/run.ts";
import type { HostState } from "../../src/kernel/state.ts";
import type { End } from "../../src/network/end.ts";
import { type JourneyOptions, type Sender, travelOnce } from "../../src/network/journey.ts";
import type { Entrance } from "../../src/network/wire.ts";
import type { Place } from "../network/support.ts";
import { addressText } from "../routing/support.ts";

/** What a test sees of a packet's way: events as they were recorded, and the end. Shares no code with what it tests. */
export interface Seen {
  readonly rules: readonly string[];
  readonly turns: readonly string[];
  readonly end: string;
  readonly sent: readonly string[];
  readonly arrived: readonly string[];
  /** What chance and assumptions were asked, and said. */
  readonly questions: Script;
}

const looks = ({ src, dst, sport, dport }: Packet, events: readonly Event[] = []): string[] => {
  const drawn = (side: string, port: number): boolean =>
    events.some(
      (event) =>
        event.kind === "translated" &&
        event.part === side &&
        event.chosenFrom !== undefined &&
        port >= event.chosenFrom.from &&
        port <= event.chosenFrom.to,
    );
  const [from, to] = [drawn("source", sport), drawn("destination", dport)];
  return [addressText(src), addressText(dst), from ? "drawn" : `${sport}`, to ? "drawn" : `${dport}`];
};

/** Words about one of the packet's own addresses are about any address. */
function endOf(end: End | Outcome, packet: Packet): string {
  const own = new Set([addressText(packet.src), addressText(packet.dst)]);
  return JSON.stringify(end, (key, value) => {
    if (["answered", "nextHop", "nextHopFamily", "address"].includes(key)) return undefined;
    if (typeof value !== "string" || !["what", "why"].includes(key)) return value;
    return value.replace(/[0-9a-f:.]+/g, (word) => (own.has(word) ? "ADDRESS" : word));
  });
}

/** Events of the packet, not of what was sent because of it. */
function turnsOf(events: readonly Event[], rules: string[], turns: string[]): void {
  let others = 0;
  for (const event of events) {
    if (event.kind === "answer") others += 1;
    if (event.kind === "answered") others -= 1;
    if (others > 0) continue;
    if (event.kind === "matched") {
      const { rule, effect } = event;
      const more =
        "chain" in effect ? effect.chain : "with" in effect ? effect.with : "target" in effect ? effect.target : "";
      const change = effect.kind === "applied" && effect.target !== "SET" ? effect.change : "";
      rules.push(`${rule.family} ${rule.table} ${rule.chain} ${rule.number} ${effect.kind} ${more} ${change}`);
    }
    if (event.kind === "conntrack") turns.push(`state ${event.state}`);
    if (event.kind === "translated" && event.chosenFrom !== undefined) turns.push(JSON.stringify(event.chosenFrom));
    if (event.kind === "hook")
      turns.push(`${event.hook} ${event.inInterface} ${event.outInterface} ${event.view.mark}`);
    if (event.kind === "routed") {
      const { decision } = event;
      const route = "route" in decision ? decision.route : undefined;
      const device = "device" in decision ? `${decision.device.name} ${decision.cast}` : "";
      const why = decision.kind === "martian" ? decision.reason : decision.kind === "refused" ? decision.type : "";
      turns.push(
        `${decision.kind} ${device} ${why} ${route?.table} ${route && addressText(route.destination)}/${route?.prefixLength} ${route?.metric}`,
      );
    }
  }
}

interface Hearing {
  readonly chooser: Chooser;
  readonly hear: (leg: number, event: Event) => void;
  /** The questions of the packet itself, on these legs. */
  readonly asked: (legs: readonly number[]) => Script;
}

/** A scripted chooser that knows for which packet it is asked. */
function hearing(script: Script): Hearing {
  const chooser = scriptedChooser(script);
  const said: (readonly [leg: number, answer: Script[number]])[] = [];
  let [others, at] = [0, 0];
  const hear = (leg: number, { kind }: Event): void => {
    at = leg;
    if (kind === "answer") others += 1;
    if (kind === "answered") others -= 1;
  };
  const noted = <T>(answer: () => T): T => {
    const before = chooser.answers.length;
    const given = answer();
    const last = chooser.answers.at(-1);
    if (last !== undefined && chooser.answers.length > before && others === 0) said.push([at, last]);
    return given;
  };
  return {
    chooser: {
      below: (threshold) => noted(() => chooser.below(threshold)),
      share: (shares) => noted(() => chooser.share(shares)),
      port: (range, isFree) => chooser.port(range, isFree),
      unknown: (what) => noted(() => chooser.unknown(what)),
    },
    hear,
    asked: (legs) => said.flatMap(([leg, answer]) => (legs.includes(leg) ? [answer] : [])),
  };
}

/** Sends a packet to one host. */
export function seeOnHost(host: Host, state: HostState, entrance: Entrance, script: Script, packet: Packet): Seen {
  const { chooser, hear, asked } = hearing(script);
  const events: Event[] = [];
  const mark = state.mark();
  const run = {
    host,
    state,
    chooser,
    indexed: false,
    record: (event: Event) => {
      hear(0, event);
      events.push(event);
    },
  };
  const result =
    entrance.kind === "received" ? receive(run, packet, entrance.inInterface) : send(run, packet, entrance.options);
  state.rollback(mark);
  const [rules, turns]: [string[], string[]] = [[], []];
  turnsOf(events, rules, turns);
  const { outcome, packet: last } = result;
  return {
    rules,
    turns,
    end: endOf(outcome, last),
    sent: looks(packet),
    arrived: looks(last, events),
    questions: asked([0]),
  };
}

/** Sends a packet through a network. */
export function seeOnNetwork(
  place: Place,
  sender: Sender | undefined,
  options: JourneyOptions,
  script: Script,
  packet: Packet,
): Seen {
  const { chooser, hear, asked } = hearing(script);
  const events = new Map<number, Event[]>();
  const record = (leg: number, event: Event): void => {
    const list = events.get(leg) ?? [];
    list.push(event);
    events.set(leg, list);
    hear(leg, event);
  };
  const mark = place.state.mark();
  const { there } = travelOnce(place, chooser, packet, sender, { ...options, oneWay: true, record });
  place.state.rollback(mark);
  const [rules, turns]: [string[], string[]] = [[], []];
  const all = there.legs.flatMap(({ number }) => events.get(number) ?? []);
  for (const { number, node, entrance } of there.legs) {
    turns.push(`at ${node} ${entrance.kind === "received" ? entrance.inInterface : ""}`);
    turnsOf(events.get(number) ?? [], rules, turns);
  }
  const end = endOf(there.end, there.packet);
  return {
    rules,
    turns,
    end,
    sent: looks(packet),
    arrived: looks(there.packet, all),
    questions: asked(there.legs.map(({ number }) => number)),
  };
}

/** Were they one way? A field at the end is the same, or as it was sent. */
export function sameSeen(a: Seen, b: Seen): boolean {
  return (
    a.end === b.end &&
    isDeepStrictEqual(a.rules, b.rules) &&
    isDeepStrictEqual(a.turns, b.turns) &&
    a.arrived.every((text, i) => text === b.arrived[i] || (text === a.sent[i] && b.arrived[i] === b.sent[i])) &&
    isDeepStrictEqual(a.questions, b.questions)
  );
}
