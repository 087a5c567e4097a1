import { visible } from "../text/visible.ts";
import { timeText } from "./clock.ts";
import type { Played, PlayedStep } from "./play.ts";

/** Characters that end a statement or begin an entity in Mermaid's sequence diagrams. */
const plain = (text: string): string => visible(text).replaceAll(/[;#]/g, ",").replaceAll(/\s+/g, " ");

/** Short names of those who take part, in the order of their first appearance. */
type Cast = Map<string, string>;

function nameOf(cast: Cast, who: string): string {
  const name = cast.get(who) ?? `p${cast.size + 1}`;
  cast.set(who, name);
  return name;
}

const textOf = (data: PlayedStep["data"], field: string): string | undefined => {
  const value = data[field];
  return typeof value === "string" ? value : undefined;
};

/** Who has the other end: the Pod or node where the packet came to. */
function receiver(data: PlayedStep["data"]): string {
  const endpoint = textOf(data, "endpoint") ?? "nobody";
  const who = textOf(data, "pod") ?? textOf(data, "node");
  return who === undefined || endpoint.startsWith(who) ? endpoint : `${endpoint} (${who})`;
}

/** The ends of a connection as far as they are known. */
interface Ends {
  readonly client: string;
  readonly server?: string;
}

const arrow = (result: string): string => (result === "delivered" || result === "reset" ? "->>" : "-x");

/** The lines of a step on a connection, and what is known of its ends afterwards. */
function exchange(
  { kind, data }: PlayedStep,
  ends: Ends,
  cast: Cast,
): { readonly lines: string[]; readonly ends: Ends } {
  const result = textOf(data, "result") ?? "unknown";
  const reply = textOf(data, "reply") ?? "none";
  const what = plain(`${kind} ${textOf(data, "connection") ?? ""}: ${result}`);
  const client = nameOf(cast, ends.client);
  if (textOf(data, "by") === "server")
    return { lines: [`  ${nameOf(cast, ends.server ?? "nobody")}${arrow(result)}${client}: ${what}`], ends };
  // where it came to; a packet that came nowhere is drawn at its sender
  if (textOf(data, "endpoint") === undefined) return { lines: [`  ${client}-x${client}: ${what}`], ends };
  const server = receiver(data);
  const to = nameOf(cast, server);
  const back = result === "reset" ? "reset" : reply;
  const taken = back === "as-called" || back === "reset" ? "-->>" : "--x";
  const answer = back === "none" ? [] : [`  ${to}${taken}${client}: ${plain(back)}`];
  return { lines: [`  ${client}${arrow(result)}${to}: ${what}`, ...answer], ends: { ...ends, server } };
}

/** A play as a Mermaid sequence diagram: clients and endpoints, what went between them, and in notes what changed meanwhile. */
export function playMermaid({ steps, fault }: Played): string {
  const cast: Cast = new Map();
  const connections = new Map<string, Ends>();
  const body = steps.flatMap((step): readonly string[] => {
    const connection = textOf(step.data, "connection");
    const client = textOf(step.data, "client");
    if (connection !== undefined && client !== undefined) connections.set(connection, { client });
    const own = connection === undefined ? undefined : connections.get(connection);
    if (connection !== undefined && own !== undefined) {
      const { lines, ends } = exchange(step, own, cast);
      connections.set(connection, ends);
      return lines;
    }
    if (step.kind === "show" || (step.kind === "expect" && step.failures.length === 0)) return [];
    const first = nameOf(cast, [...cast.keys()][0] ?? "the cluster");
    const title = `${timeText(step.at)} ${step.kind} ${step.title}`;
    const words = [title, ...(step.notes ?? []), ...step.failures.map((text) => `FAILED ${text}`)];
    return words.map((text) => `  Note over ${first}: ${plain(text)}`);
  });
  const end = fault === undefined ? [] : [`  Note over ${nameOf(cast, "the cluster")}: ${plain(fault.message)}`];
  const participants = [...cast].map(([who, name]) => `  participant ${name} as ${plain(who)}`);
  return `${["sequenceDiagram", ...participants, ...body, ...end].join("\n")}\n`;
}
