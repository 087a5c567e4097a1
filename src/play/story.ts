import type { RuleRef } from "../kernel/event.ts";
import { hasPorts, type Packet } from "../kernel/packet.ts";
import { addressText, endpointText } from "../kernel/packet-text.ts";
import type { End } from "../network/end.ts";
import type { Way } from "../network/way.ts";
import { causeText, outcomeText } from "../trace/outcome-text.ts";
import { ruleName } from "../trace/rule-text.ts";
import { type Connection, replyArrival, type Spoken } from "./connection.ts";
import type { Outcome, ResultWord } from "./expectation.ts";
import type { Scene } from "./scene.ts";

const LABEL = 10;

/** `LABEL      text`, as every line of a step's report. */
export const labelled = (label: string, text: string): string => `${label.padEnd(LABEL)} ${text}`;

/** One end of a packet: with its port, where the protocol has ports. */
export function sideText({ protocol }: Pick<Packet, "protocol">, address: Packet["src"], port: number): string {
  return hasPorts(protocol) ? endpointText(address, port) : addressText(address);
}

/** Who is at an end: `Pod shop/cart-1 on worker-1`, `worker-1`, `somebody outside`. */
export function placeText(end: End): string {
  switch (end.kind) {
    case "pod":
      return `Pod ${end.pod} on ${end.node}`;
    case "host":
      return `${end.node} itself`;
    case "outside":
      return end.node === undefined ? "somebody outside" : `somebody outside, by ${end.node}`;
    default:
      return end.node ?? "nowhere";
  }
}

/** `by KUBE-SERVICES rule 3 (table nat): why (object, field, place)` */
function ruleText(scene: Scene, node: string, rule: RuleRef): string {
  const why = scene.reason(node, rule);
  if (why === undefined) return ruleName(rule);
  const where = [why.object, why.field, why.place].filter((text) => text !== undefined).join(", ");
  return `${ruleName(rule)}: ${why.reason}${where === "" ? "" : ` (${where})`}`;
}

/** Where a packet ended that did not arrive, and why. */
export function endText(scene: Scene, end: End): string {
  switch (end.kind) {
    case "dropped":
      return end.cause.kind === "rule"
        ? `on ${end.node} by ${ruleText(scene, end.node, end.cause.rule)}`
        : `on ${end.node}: ${causeText(end.cause)}`;
    case "rejected":
      return `on ${end.node} with ${end.with} by ${ruleText(scene, end.node, end.rule)}`;
    case "no-route":
      return `on ${end.node}: ${outcomeText(end)}`;
    case "nobody":
      return `no host has ${addressText(end.address)}: ${end.why}`;
    case "stuck":
      return `on ${end.node}: ${end.why}`;
    case "unknown":
      return `it is not modelled: ${end.what.what}`;
    default:
      return placeText(end);
  }
}

function seenBy({ packet, sourcePortOf }: Way): NonNullable<Outcome["sees"]> {
  const address = addressText(packet.src);
  return { address, port: sideText(packet, packet.src, packet.sport), drawn: sourcePortOf !== undefined };
}

function wordOf(end: End): ResultWord {
  switch (end.kind) {
    case "dropped":
    case "rejected":
    case "no-route":
    case "nobody":
    case "stuck":
    case "unknown":
      return end.kind;
    default:
      return "lost";
  }
}

/** The fate of one packet in a word. */
export function resultOf({ fate, way }: Spoken): ResultWord {
  switch (fate.kind) {
    case "arrived":
      return "delivered";
    case "stranger":
      return fate.told ? "reset" : "lost";
    case "not-as-called":
      return "lost";
    case "lost":
      return way === undefined ? "lost" : wordOf(way.end);
    case "unknown":
    case "not-sent":
      return fate.kind;
  }
}

/** What came of a dialogue, under the names that an `expect` uses. */
export function outcomeOf(spoken: readonly Spoken[]): Outcome {
  const [first] = spoken;
  if (first === undefined) return { result: "not-sent" };
  const reset = spoken.some(({ fate }) => fate.kind === "stranger" && fate.told);
  const result = reset ? "reset" : resultOf(first);
  const reply = replyArrival(spoken);
  const { way } = first;
  if (way === undefined || !["pod", "host", "outside"].includes(way.end.kind)) return { result, reply };
  const { end, packet } = way;
  return {
    result,
    reply,
    endpoint: sideText(packet, packet.dst, packet.dport),
    ...(end.kind === "pod" ? { pod: end.pod } : {}),
    ...("node" in end && end.node !== undefined ? { node: end.node } : {}),
    sees: seenBy(way),
  };
}

function arrivedText(way: Way): string {
  const { packet, end } = way;
  const { address, port, drawn } = seenBy(way);
  const sees = drawn ? `${address} with a port that was drawn` : port;
  // whether a socket is open on a node is not known; a Pod's is taken to be
  const listens = end.kind === "host" ? "; if a process listens there" : "";
  return `${sideText(packet, packet.dst, packet.dport)}, ${placeText(end)}, which sees ${sees}${listens}`;
}

function clientLine(scene: Scene, { line, fate, way }: Spoken): string {
  if (fate.kind === "not-sent") return labelled("not sent", `${line.name}: ${fate.why}`);
  if (fate.kind === "unknown") return labelled("unknown", `${line.name}: it is not modelled: ${fate.what.what}`);
  if (way === undefined) return labelled("lost", line.name);
  switch (fate.kind) {
    case "arrived":
      return labelled("delivered", `${line.name} to ${arrivedText(way)}`);
    case "stranger": {
      const ends = fate.told ? "it refuses, and the client's connection ends" : "its refusal does not come back";
      return labelled(
        fate.told ? "reset" : "lost",
        `${line.name} to ${arrivedText(way)}, who does not know it: ${ends}`,
      );
    }
    default: {
      const told = fate.kind === "lost" && fate.told ? "; the client is told" : "";
      return labelled(wordOf(way.end), `${line.name}: ${endText(scene, way.end)}${told}`);
    }
  }
}

function serverLine(scene: Scene, { line, fate, way, packet }: Spoken, begins: boolean): string {
  switch (fate.kind) {
    case "arrived":
      return begins ? labelled("delivered", `${line.name} to the client`) : labelled("reply", "as called");
    case "not-as-called":
      return labelled(
        "reply",
        `${line.name} comes from ${way === undefined ? "elsewhere" : sideText(way.packet, way.packet.src, way.packet.sport)}: not what was called, so the client does not take it`,
      );
    case "unknown":
      return labelled("reply", `unknown: it is not modelled: ${fate.what.what}`);
    case "not-sent":
      return labelled("no reply", fate.why);
    default:
      return labelled(
        "reply",
        way === undefined || packet === undefined
          ? "lost"
          : `${line.name} is lost, ${wordOf(way.end)}: ${endText(scene, way.end)}`,
      );
  }
}

/** A dialogue in words: its first packet, the first one back, and whatever else did not arrive. */
export function dialogueLines(scene: Scene, spoken: readonly Spoken[]): readonly string[] {
  const firsts = new Set([
    spoken.find(({ line }) => line.by === "client"),
    spoken.find(({ line }) => line.by === "server"),
  ]);
  return spoken
    .filter((each) => firsts.has(each) || each.fate.kind !== "arrived")
    .map((each) => (each.line.by === "client" ? clientLine(scene, each) : serverLine(scene, each, each === spoken[0])));
}

/** What a connection leads to, to compare before and after. */
export function leadsTo({ server }: Connection): string | undefined {
  return server === undefined
    ? undefined
    : `${sideText(server.seen, server.seen.dst, server.seen.dport)}, ${placeText(server.place)}`;
}
