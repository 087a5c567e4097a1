import type { IPVSEvent } from "../assembly/ipvs-events.ts";
import type { Connection } from "../kernel/ipvs/model.ts";
import { protocols } from "../kernel/packet.ts";
import { endpointText, protocolText } from "../kernel/packet-text.ts";
import type { VirtualServerKey } from "../rules/ipvs/model.ts";
import { formatEnd, formatKey, protocols as serverProtocols } from "../rules/ipvs/spelling.ts";
import { timeText } from "./clock.ts";
import { labelled } from "./story.ts";
import type { HappenedIPVS } from "./sync.ts";

/** What happened to ip_vs, for people and for programs. */
export interface IPVSTold {
  readonly lines: readonly string[];
  readonly data: readonly Readonly<Record<string, unknown>>[];
}

/** Several nodes in a few words; `all` are those that there are. */
export const nodesText = (nodes: readonly string[], all: readonly string[]): string =>
  nodes.length === all.length && all.length > 1 ? "every node" : nodes.join(", ");

/** `TCP 10.96.0.10:80` */
export function serverText(key: VirtualServerKey): string {
  if (key.kind === "fwmark") return formatKey(key);
  const name = serverProtocols.find(({ number }) => number === key.protocol)?.name ?? `${key.protocol}`;
  return `${name} ${formatEnd(key.address, key.port)}`;
}

/** `tcp 10.1.1.9:40000 -> 10.96.0.80:80 => 10.1.2.80:8080` */
function connectionText(connection: Connection): string {
  const { protocol, family, client, clientPort, virtual, virtualPort, real, realPort } = connection;
  const called = `${endpointText(client, clientPort)} -> ${endpointText(virtual, virtualPort)}`;
  return `${protocolText(protocol, family)} ${called} => ${endpointText(real, realPort)}`;
}

const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? "" : "s"}`;

/** Why a real server was deleted, in the words of the moment. */
function deletedText(event: IPVSEvent & { readonly connections: number }, { at, cause }: HappenedIPVS): string {
  if (cause === "minute") return `: its last connection ended, removed at ${timeText(at)}`;
  const { key, connections } = event;
  const isTCP = key.kind === "address" && key.protocol === protocols.tcp;
  if (isTCP) return " has no connection and is removed at once";
  return ` is removed at once${connections === 0 ? "" : `, with ${plural(connections, "connection")}`}`;
}

/** One event without its node: who, and what. */
function eventText(event: IPVSEvent, happened: HappenedIPVS): { readonly label: string; readonly text: string } {
  const server = serverText(event.key);
  const service = happened.names.get(formatKey(event.key));
  const of = service === undefined ? "" : ` of ${service}`;
  // a pass of its own accord has no step that tells its time
  const when = happened.cause === "period" ? ` at ${timeText(happened.at)}` : "";
  if ("realServers" in event) {
    const reals = plural(event.realServers, "real server");
    const what = {
      "server-added": `is new, with ${reals}`,
      "server-changed": "gets other settings",
      "server-deleted": `is deleted with its ${reals}`,
    }[event.kind];
    return { label: "virtual", text: `${server}${of} ${what}${when}` };
  }
  const { connections } = event;
  const what = {
    added: " is new",
    deleted: deletedText(event, happened),
    terminating: ` terminates: weight 0, ${plural(connections, "connection")} left`,
    returned: ` is wanted again: weight 1${connections === 0 ? "" : `, and its ${plural(connections, "connection")} live${connections === 1 ? "s" : ""} on`}`,
    reset: " is set to weight 1",
  }[event.kind];
  return { label: "real", text: `${formatEnd(event.real.address, event.real.port)}${of} (${server})${what}${when}` };
}

function eventData(event: IPVSEvent, { at, node, cause, names }: HappenedIPVS): Readonly<Record<string, unknown>> {
  const service = names.get(formatKey(event.key));
  return {
    milliseconds: at,
    node,
    cause,
    event: event.kind,
    virtualServer: serverText(event.key),
    ...(service === undefined ? {} : { service }),
    ...("real" in event
      ? { realServer: formatEnd(event.real.address, event.real.port), connections: event.connections }
      : { realServers: event.realServers }),
  };
}

/** Tells what happened to ip_vs on all nodes, in the order of time; the same on several nodes is one line. */
export function ipvsStory(happened: readonly HappenedIPVS[], all: readonly string[]): IPVSTold {
  const lines = new Map<string, { readonly label: string; readonly text: string; readonly nodes: string[] }>();
  const data: Readonly<Record<string, unknown>>[] = [];
  for (const each of happened) {
    for (const event of each.events) {
      const { label, text } = eventText(event, each);
      const key = `${each.at} ${label} ${text}`;
      const line = lines.get(key) ?? { label, text, nodes: [] };
      lines.set(key, line);
      line.nodes.push(each.node);
      data.push(eventData(event, each));
    }
    for (const connection of each.ended) {
      const text = connectionText(connection);
      const why = "its real server is gone";
      lines.set(`${each.node} ${text}`, { label: "ended", text: `${text} (${why})`, nodes: [each.node] });
      data.push({ milliseconds: each.at, node: each.node, cause: each.cause, event: "ended", connection: text });
    }
  }
  return {
    lines: [...lines.values()].map(({ label, text, nodes }) => labelled(label, `${text}, on ${nodesText(nodes, all)}`)),
    data,
  };
}
