import type { Event, PacketView } from "../kernel/event.ts";
import type { Outcome, Result } from "../kernel/outcome.ts";
import type { Packet } from "../kernel/packet.ts";
import { addressText } from "../kernel/packet-text.ts";
import type { RouteDecision } from "../kernel/routing/decision.ts";
import { type Dyadic, dyadicToNumber, formatDyadic } from "../net/dyadic.ts";
import { outcomeText } from "./outcome-text.ts";
import { ruleText } from "./rule-text.ts";
import type { Trace } from "./trace.ts";

/** Version of the JSON form; it grows when a field changes its meaning or goes. */
const VERSION = 1;

const view = ({ src, dst, ...rest }: PacketView): object => ({ src: addressText(src), dst: addressText(dst), ...rest });

function packetJSON({ src, dst, inner, ...rest }: Packet): object {
  return {
    ...rest,
    src: addressText(src),
    dst: addressText(dst),
    ...(inner === undefined ? {} : { inner: packetJSON(inner) }),
  };
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

function eventJSON(trace: Trace, event: Event): object {
  switch (event.kind) {
    case "hook":
      return { ...event, view: view(event.view) };
    case "matched":
      return { ...event, text: ruleText(trace.host, event.rule) };
    case "translated":
      return { ...event, before: view(event.before), after: view(event.after) };
    case "routed":
      return { ...event, decision: decisionJSON(event.decision) };
    default:
      return event;
  }
}

function outcomeJSON(outcome: Outcome): object {
  const text = outcomeText(outcome);
  return outcome.kind === "transmitted"
    ? { ...outcome, nextHop: addressText(outcome.nextHop), text }
    : { ...outcome, text };
}

function resultJSON({ outcome, packet, mark, answers, sourcePortOf }: Result): object {
  return {
    outcome: outcomeJSON(outcome),
    packet: packetJSON(packet),
    mark,
    ...(sourcePortOf === undefined ? {} : { sourcePortOf }),
    answers: answers.map(resultJSON),
  };
}

const chance = (probability: Dyadic): object => ({
  exact: formatDyadic(probability),
  value: dyadicToNumber(probability),
});

/** A trace for programs: the pieces of one JSON text, a way at a time. */
export function* traceJSON(trace: Trace): Generator<string> {
  const { host, packet, entrance, branches, complete, verdict } = trace;
  const head = {
    version: VERSION,
    host: host.name,
    entrance: entrance.kind === "received" ? entrance : { kind: entrance.kind, mark: entrance.options.mark ?? 0 },
    packet: packetJSON(packet),
    complete,
    verdict: verdict.map(({ probability, branch, unknown }) => ({
      chance: chance(probability),
      branch,
      ...(unknown === undefined ? {} : { unknown }),
    })),
  };
  yield `${JSON.stringify(head, null, 2).slice(0, -2)},\n  "branches": [`;
  for (const [i, { probability, assumptions, result, events }] of branches.entries()) {
    const branch = {
      chance: chance(probability),
      assumptions,
      ...resultJSON(result),
      events: events().map((event) => eventJSON(trace, event)),
    };
    yield `${i === 0 ? "" : ","}\n    ${JSON.stringify(branch, null, 2).replaceAll("\n", "\n    ")}`;
  }
  yield "\n  ]\n}\n";
}
