import type { Answer } from "../kernel/chooser/answer.ts";
import type { Effect, Event } from "../kernel/event.ts";
import type { Outcome } from "../kernel/outcome.ts";
import { type Address, type Packet, sameAddress } from "../kernel/packet.ts";
import { addressText } from "../kernel/packet-text.ts";
import type { RouteDecision } from "../kernel/routing/decision.ts";
import type { End } from "../network/end.ts";

/** The four fields that NAT can write, at one point of the way. */
interface View {
  readonly src: Address;
  readonly dst: Address;
  readonly sport: number;
  readonly dport: number;
}

/** A packet's own way, as far as ways are compared: without what it made hosts send, and without the reply. */
export interface WayRecord {
  readonly sent: View;
  /** Where it came by and what it met, in order: texts without the packet's own values. */
  readonly steps: readonly string[];
  /** The packet at each hook and at the end. */
  readonly views: readonly View[];
  readonly end: string;
}

/** One host's part of a way, as it is recorded. */
export interface RecordedLeg {
  readonly node: string;
  readonly entrance: string;
  readonly events: readonly (Event | Asked)[];
}

/** What was asked of the chooser between two events, and what it said. */
export interface Asked {
  readonly kind: "asked";
  readonly answer: Answer;
}

function effectText(effect: Effect): string {
  switch (effect.kind) {
    case "rejected":
      return `rejected ${effect.with}`;
    case "jump":
    case "goto":
      return `${effect.kind} ${effect.chain}`;
    case "applied":
      // the set and its element are named by the rule and the packet
      return `applied ${effect.target} ${effect.target === "SET" ? "" : (effect.change ?? "")}`;
    case "nat":
    case "not-modelled":
      return `${effect.kind} ${effect.target}`;
    default:
      return effect.kind;
  }
}

function routeText(decision: RouteDecision, again: boolean): string {
  const begin = `routed${again ? " again" : ""} ${decision.kind}`;
  if (decision.kind === "martian") return `${begin} ${decision.reason}`;
  const { route } = decision;
  const by =
    route === undefined
      ? "no route"
      : `${route.type} ${route.table} ${addressText(route.destination)}/${route.prefixLength} ${route.metric} ${route.tos}`;
  if (decision.kind === "refused") return `${begin} ${decision.type} ${by}`;
  const gateway =
    decision.kind === "unicast" && route?.nextHops.some((hop) => hop.gateway !== undefined) === true
      ? addressText(decision.nextHop.address)
      : "";
  return `${begin} ${decision.device.name} ${decision.cast} ${by} ${gateway}`;
}

export function stepText(event: Event | Asked): string | undefined {
  switch (event.kind) {
    case "hook":
      return `hook ${event.hook} ${event.inInterface} ${event.outInterface} ${event.view.mark}`;
    case "matched": {
      const { family, table, chain, number } = event.rule;
      return `matched ${family} ${table} ${chain} ${number} ${effectText(event.effect)}`;
    }
    case "conntrack":
      return `conntrack ${event.state}`;
    case "translated":
      return event.chosenFrom === undefined ? undefined : `drawn ${event.chosenFrom.from}-${event.chosenFrom.to}`;
    case "routed":
      return routeText(event.decision, event.again);
    case "asked":
      return `asked ${JSON.stringify(event.answer)}`;
    default:
      return undefined;
  }
}

/** Events of the packet itself: without those of packets that the host sent because of it. */
export function ownEvents<E extends { readonly kind: string }>(events: readonly E[]): E[] {
  let depth = 0;
  return events.filter(({ kind }) => {
    if (kind === "answer") depth++;
    else if (kind === "answered") depth--;
    else return depth === 0;
    return false;
  });
}

/** What ends are compared by: the kind and its cause. Words about an address are taken to be about any. */
export function endText(end: End | Outcome, last: View): string {
  const own = [addressText(last.src), addressText(last.dst)];
  const anonymous = (text: string): string =>
    text
      .split(" ")
      .map((word) => (own.includes(word) ? "its address" : word))
      .join(" ");
  const node = "node" in end ? `${end.node}` : "";
  switch (end.kind) {
    case "pod":
      return `pod ${node} ${end.pod}`;
    case "host":
    case "outside":
      return `${end.kind} ${node}`;
    case "nobody":
      return `nobody ${node} ${anonymous(end.why)}`;
    case "delivered":
      return `delivered ${end.inInterface}`;
    case "transmitted":
      return `transmitted ${end.outInterface}`;
    case "dropped":
      return `dropped ${node} ${JSON.stringify(end.cause)}`;
    case "rejected":
      return `rejected ${node} ${JSON.stringify(end.rule)} ${end.with}`;
    case "no-route":
      return `no-route ${node} ${end.where} ${end.type}`;
    case "stuck":
      return `stuck ${node} ${end.why}`;
    case "unknown":
      return `unknown ${node} ${JSON.stringify(end.what.rule ?? "")} ${anonymous(end.what.what)}`;
  }
}

/** Instead of a port that was drawn. */
const DRAWN = -1;

/**
 * What makes two ways the same: the hosts and their entrances, the rules that matched with their effects, routing decisions,
 * conntrack's state, what chance and assumptions were asked and said, the end with its cause, and what NAT wrote into the packet.
 */
export function waySignature(sent: Packet, legs: readonly RecordedLeg[], end: End | Outcome, last: Packet): WayRecord {
  const steps: string[] = [];
  const views: View[] = [];
  // a port that the kernel drew stands for its range, which is one of the steps
  const drawn: { sport?: number; dport?: number } = {};
  const look = ({ src, dst, sport, dport }: View): void => {
    views.push({
      src,
      dst,
      sport: sport === drawn.sport ? DRAWN : sport,
      dport: dport === drawn.dport ? DRAWN : dport,
    });
  };
  for (const { node, entrance, events } of legs) {
    steps.push(`on ${node} ${entrance}`);
    for (const event of ownEvents(events)) {
      const text = stepText(event);
      if (text !== undefined) steps.push(text);
      if (event.kind === "hook") look(event.view);
      if (event.kind === "translated" && event.chosenFrom !== undefined) {
        const port = event.part === "source" ? "sport" : "dport";
        drawn[port] = event.after[port];
      }
    }
  }
  look(last);
  return { sent, steps, views, end: endText(end, last) };
}

/** Is a field in both ways the same number, or as it was sent? */
function sameField(a: WayRecord, b: WayRecord, at: number, field: keyof View): boolean {
  const [left, right] = [a.views[at], b.views[at]];
  if (left === undefined || right === undefined) return false;
  const same = (x: Address, y: Address): boolean => sameAddress(x, y);
  if (same(left[field], right[field])) return true;
  return same(left[field], a.sent[field]) && same(right[field], b.sent[field]);
}

/** Did two packets go one way? */
export function sameWay(a: WayRecord, b: WayRecord): boolean {
  if (a.end !== b.end || a.steps.length !== b.steps.length || a.views.length !== b.views.length) return false;
  if (!a.steps.every((step, i) => step === b.steps[i])) return false;
  return a.views.every((_, i) =>
    (["src", "dst", "sport", "dport"] as const).every((field) => sameField(a, b, i, field)),
  );
}
