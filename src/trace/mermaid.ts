import type { Packet } from "../kernel/packet.ts";
import { hasArrived } from "../network/end.ts";
import type { JourneyBranch } from "../network/journey.ts";
import type { Leg, Way } from "../network/way.ts";
import { clientText, endText, targetText, toldTexts } from "./end-text.ts";
import type { JourneyTrace } from "./journey-trace.ts";
import type { Names } from "./names.ts";

/** What Mermaid takes for itself in a message. */
const clean = (text: string): string => text.replaceAll(/[;#]/g, " ");

/** Participants in the order in which they are met, with short ids. */
class Participants {
  readonly #ids = new Map<string, string>();

  id(name: string): string {
    const known = this.#ids.get(name);
    if (known !== undefined) return known;
    const id = `p${this.#ids.size + 1}`;
    this.#ids.set(name, id);
    return id;
  }

  get lines(): readonly string[] {
    return [...this.#ids].map(([name, id]) => `  participant ${id} as ${clean(name)}`);
  }
}

function ends(packet: Packet, way: Pick<Way, "sourcePortOf">): string {
  return `${clientText({ packet, ...way })} to ${targetText(packet)}`;
}

/** What a node does to the packet on a leg, in words. */
function changes(branch: JourneyBranch, leg: Leg): readonly string[] {
  return branch.events(leg).flatMap((event) => {
    if (event.kind !== "translated") return [];
    const packet = { ...leg.packet, ...event.after };
    return event.part === "destination"
      ? [`destination becomes ${targetText(packet)}`]
      : [
          `source becomes ${clientText({ packet, ...(event.chosenFrom === undefined ? {} : { sourcePortOf: event.chosenFrom }) })}`,
        ];
  });
}

const receiverName = ({ end, packet }: Way, names: Names): string => {
  switch (end.kind) {
    case "pod":
      return names.holder(packet.dst) ?? `Pod ${targetText(packet)}`;
    case "host":
      return `process on ${end.node}`;
    default:
      return names.holder(packet.dst) ?? "outside";
  }
};

/** The arrows from node to node of one way, and who has the packet then. */
function hops(
  all: Participants,
  branch: JourneyBranch,
  { legs }: Way,
  from: string,
  arrow: string,
): { readonly lines: readonly string[]; readonly at: string } {
  let at = from;
  let drawn: Pick<Way, "sourcePortOf"> = {};
  const lines = legs.flatMap((leg) => {
    const node = `node ${leg.node}`;
    const hop = `  ${all.id(at)}${arrow}${all.id(node)}: ${clean(ends(leg.packet, drawn))}`;
    at = node;
    const { sourcePortOf, packet } = leg.result;
    if (sourcePortOf !== undefined) drawn = { sourcePortOf };
    else if (packet.sport !== leg.packet.sport) drawn = {};
    return [hop, ...changes(branch, leg).map((text) => `  Note over ${all.id(node)}: ${clean(text)}`)];
  });
  return { lines, at };
}

function last(all: Participants, way: Way, at: string, to: string, arrow: string): string {
  const { packet, sourcePortOf } = way;
  return `  ${all.id(at)}${arrow}${all.id(to)}: ${clean(ends(packet, sourcePortOf === undefined ? {} : { sourcePortOf }))}`;
}

function thereLines(
  all: Participants,
  { packet, sender }: JourneyTrace,
  branch: JourneyBranch,
  client: string,
  names: Names,
): string[] {
  const { there } = branch.journey;
  const { lines, at } = hops(all, branch, there, client, "->>");
  if (hasArrived(there.end)) return [...lines, last(all, there, at, receiverName(there, names), "->>")];
  const told = toldTexts(there, packet, sender).map((text) => `  Note over ${all.id(client)}: gets ${clean(text)}`);
  return [...lines, `  Note over ${all.id(at)}: ${clean(endText(there, names))}`, ...told];
}

function replyLines(
  all: Participants,
  trace: JourneyTrace,
  branch: JourneyBranch,
  client: string,
  names: Names,
): string[] {
  const { there, reply } = branch.journey;
  if (reply === undefined) return [];
  const { way, arrival } = reply;
  const { lines, at } = hops(all, branch, way, receiverName(there, names), "-->>");
  if (arrival === "lost" || arrival === "unknown")
    return [...lines, `  Note over ${all.id(at)}: ${clean(`the reply is ${endText(way, names)}`)}`];
  const stranger = `  Note over ${all.id(client)}: nobody's answer, as it called ${clean(targetText(trace.packet))}`;
  return [...lines, last(all, way, at, client, "-->>"), ...(arrival === "as-called" ? [] : [stranger])];
}

/** One way of a trace and its reply as a Mermaid sequence diagram. */
export function traceMermaid(trace: JourneyTrace, names: Names, chosen: number): string {
  const branch = trace.branches[chosen];
  if (branch === undefined) return "sequenceDiagram\n";
  const { sender, packet } = trace;
  const holder = names.holder(packet.src) ?? `client ${clientText({ packet })}`;
  const client = sender?.kind === "node" ? `process on ${sender.node}` : holder;
  const all = new Participants();
  const lines = [...thereLines(all, trace, branch, client, names), ...replyLines(all, trace, branch, client, names)];
  return `${["sequenceDiagram", ...all.lines, ...lines].join("\n")}\n`;
}
