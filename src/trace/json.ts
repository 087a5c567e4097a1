import type { ChosenRealServer, Endpoint, Event, PacketView } from "../kernel/event.ts";
import type { Host } from "../kernel/host.ts";
import { virtualServerText } from "../kernel/ipvs/service-name.ts";
import type { Outcome, Result } from "../kernel/outcome.ts";
import type { Packet } from "../kernel/packet.ts";
import { addressText } from "../kernel/packet-text.ts";
import type { RouteDecision } from "../kernel/routing/decision.ts";
import { setWords } from "../kernel/set-entry.ts";
import { type Dyadic, dyadicToNumber, formatDyadic } from "../net/dyadic.ts";
import type { End } from "../network/end.ts";
import type { JourneyBranch } from "../network/journey.ts";
import type { Leg, Way } from "../network/way.ts";
import { verdictWord } from "./arrival.ts";
import { endText } from "./end-text.ts";
import type { JourneyTrace } from "./journey-trace.ts";
import type { Names } from "./names.ts";
import { outcomeText } from "./outcome-text.ts";
import { ruleText } from "./rule-text.ts";

/** Version of the JSON form (`docs/trace.schema.json`); it grows when a field changes its meaning or goes. */
export const TRACE_VERSION = 2;

const endpoint = ({ address, port }: Endpoint): object => ({ address: addressText(address), port });

const view = ({ src, dst, ...rest }: PacketView): object => ({ src: addressText(src), dst: addressText(dst), ...rest });

/** A packet with its addresses as texts. */
export function packetJSON({ src, dst, inner, ...rest }: Packet): object {
  return {
    ...rest,
    src: addressText(src),
    dst: addressText(dst),
    ...(inner === undefined ? {} : { inner: packetJSON(inner) }),
  };
}

function chosenJSON({ compared, ...chosen }: ChosenRealServer): object {
  const own = { ...chosen, address: addressText(chosen.address) };
  if (compared === undefined) return own;
  return { ...own, compared: compared.map((each) => ({ ...each, address: addressText(each.address) })) };
}

function decisionJSON(decision: RouteDecision): object {
  switch (decision.kind) {
    case "local":
      return { kind: decision.kind, cast: decision.cast };
    case "unicast": {
      const { device, nextHop, source, mtu } = decision;
      return {
        kind: decision.kind,
        device: device.name,
        nextHop: addressText(nextHop.address),
        ...(source === undefined ? {} : { source: addressText(source) }),
        mtu,
      };
    }
    case "refused":
      return { kind: decision.kind, type: decision.type };
    case "martian":
      return decision;
  }
}

/** An event with its addresses, rules and decisions as texts (`event` of the schema). */
export function eventJSON(host: Host | undefined, node: string, names: Names, event: Event): object {
  switch (event.kind) {
    case "hook":
      return { ...event, view: view(event.view) };
    case "matched": {
      const why = names.why(node, event.rule);
      const text = host === undefined ? "" : ruleText(host, event.rule);
      const { sets, ...rest } = event;
      const said = sets === undefined ? {} : { sets: sets.map(setWords) };
      return { ...rest, ...said, text, ...(why === undefined ? {} : { why }) };
    }
    case "passed": {
      const { sets, ...rest } = event;
      if (sets === undefined) return event;
      return { ...rest, sets: sets.map(({ number, sets: said }) => ({ number, sets: said.map(setWords) })) };
    }
    case "translated":
      return { ...event, before: view(event.before), after: view(event.after) };
    case "routed":
      return { ...event, decision: decisionJSON(event.decision) };
    case "virtual-server": {
      const { key, chosen, ...rest } = event;
      const server = { ...rest, virtualServer: virtualServerText(key) };
      return chosen === undefined ? server : { ...server, chosen: chosenJSON(chosen) };
    }
    case "ipvs-connection": {
      const { client, virtual, real } = event;
      return { ...event, client: endpoint(client), virtual: endpoint(virtual), real: endpoint(real) };
    }
    default:
      return event;
  }
}

function stuckJSON<T extends Extract<Outcome, { kind: "stuck" }>>(outcome: T): object {
  const { virtualServer } = outcome;
  return virtualServer === undefined ? outcome : { ...outcome, virtualServer: virtualServerText(virtualServer) };
}

/** What became of a packet on one host, with it in words (`outcome` of the schema). */
export function outcomeJSON(outcome: Outcome): object {
  const text = outcomeText(outcome);
  if (outcome.kind === "stuck") return { ...stuckJSON(outcome), text };
  return outcome.kind === "transmitted"
    ? { ...outcome, nextHop: addressText(outcome.nextHop), text }
    : { ...outcome, text };
}

function resultJSON({ outcome, packet, mark, sourcePortOf }: Result): object {
  return {
    outcome: outcomeJSON(outcome),
    packet: packetJSON(packet),
    mark,
    ...(sourcePortOf === undefined ? {} : { sourcePortOf }),
  };
}

function endJSON(way: Pick<Way, "end" | "packet">, names: Names): object {
  const { end } = way;
  const plain: End | object = end.kind === "nobody" ? { ...end, address: addressText(end.address) } : end;
  if (end.kind === "stuck") return { ...stuckJSON(end), text: endText(way, names) };
  return { ...plain, text: endText(way, names) };
}

const chance = (probability: Dyadic): object => ({
  exact: formatDyadic(probability),
  value: dyadicToNumber(probability),
});

interface Telling {
  readonly trace: JourneyTrace;
  readonly branch: JourneyBranch;
  readonly names: Names;
}

function legJSON({ trace, branch, names }: Telling, leg: Leg): object {
  const { number, node, entrance, packet, result } = leg;
  const host = trace.network.node(node)?.host;
  return {
    number,
    node,
    entrance: entrance.kind === "received" ? entrance : { kind: entrance.kind, mark: entrance.options.mark ?? 0 },
    packet: packetJSON(packet),
    ...resultJSON(result),
    events: branch.events(leg).map((event) => eventJSON(host, node, names, event)),
  };
}

function wayJSON(telling: Telling, way: Way): object {
  const { legs, packet, sourcePortOf, answers } = way;
  return {
    legs: legs.map((leg) => legJSON(telling, leg)),
    end: endJSON(way, telling.names),
    packet: packetJSON(packet),
    ...(sourcePortOf === undefined ? {} : { sourcePortOf }),
    answers: answers.map((answer) => ({ from: answer.from, leg: answer.leg, ...wayJSON(telling, answer) })),
  };
}

function branchJSON(telling: Telling): object {
  const { branch, names, trace } = telling;
  const { there, reply } = branch.journey;
  return {
    chance: chance(branch.probability),
    assumptions: branch.assumptions,
    there: wayJSON(telling, there),
    ...(reply === undefined
      ? {}
      : { reply: { arrival: reply.arrival, packet: packetJSON(reply.packet), way: wayJSON(telling, reply.way) } }),
    why: names.endWhy(there, trace.packet),
  };
}

/** What is said besides the trace itself: a class, advice, counts, as they are asked for. */
export type MoreJSON = Readonly<Record<string, unknown>>;

/** A trace for programs: the pieces of one JSON text, a way at a time. */
export function* traceJSON(trace: JourneyTrace, names: Names, more: MoreJSON = {}): Generator<string> {
  const { packet, sender, branches, complete, verdict } = trace;
  const head = {
    version: TRACE_VERSION,
    works: verdictWord(trace),
    packet: packetJSON(packet),
    ...(sender === undefined ? {} : { sender }),
    complete,
    verdict: verdict.map(({ probability, branch, unknown }) => ({
      chance: chance(probability),
      branch,
      ...(unknown === undefined ? {} : { unknown }),
    })),
    ...more,
  };
  yield `${JSON.stringify(head, null, 2).slice(0, -2)},\n  "branches": [`;
  for (const [i, branch] of branches.entries()) {
    const text = JSON.stringify(branchJSON({ trace, branch, names }), null, 2).replaceAll("\n", "\n    ");
    yield `${i === 0 ? "" : ","}\n    ${text}`;
  }
  yield "\n  ]\n}\n";
}
