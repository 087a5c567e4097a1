import type { IPVSConnection } from "../rules/ipvs/model.ts";
import { formatEnd, protocols } from "../rules/ipvs/spelling.ts";
import { connectionWords, countsAsActive, isTemplateLine } from "./connection-words.ts";
import type { ConnectionsDump } from "./read-servers.ts";

const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? "" : "s"}`;

/** `TCP 10.96.0.1:80`: whom the connections are to. A template of a virtual server by firewall mark shows the mark for an address. */
function targetTitle({ protocol, virtual: { address, port } }: IPVSConnection): string {
  const name = protocols.find(({ number }) => number === protocol)?.name;
  if (name !== undefined) return `${name} ${formatEnd(address, port)}`;
  const mark = address.family === "IPv4" ? address.value : address.words[0];
  return `mark ${mark} (${address.family})`;
}

/** Connections by whom they are to, in the order of the text. */
function byTarget({ connections }: ConnectionsDump): ReadonlyMap<string, readonly IPVSConnection[]> {
  const groups = new Map<string, IPVSConnection[]>();
  for (const { connection } of connections) {
    const title = targetTitle(connection);
    const group = groups.get(title);
    if (group === undefined) groups.set(title, [connection]);
    else group.push(connection);
  }
  return groups;
}

function endsText({ source, destination }: IPVSConnection, template: boolean): string {
  const client = formatEnd(source.address, source.port);
  const from = template ? `client ${client.replace(/:0$/, "")}` : client;
  return `${from} -> ${formatEnd(destination.address, destination.port)}`;
}

/** The connections of a text of `ipvsadm -Lnc` in words, by virtual server, in pieces. */
export function* explainConnectionsText(
  dump: ConnectionsDump,
  { strong }: { readonly strong: (text: string) => string },
): Generator<string> {
  const all = dump.connections.map(({ connection }) => connection);
  const templates = all.filter(isTemplateLine).length;
  const active = all.filter(countsAsActive).length;
  const counts = [
    plural(all.length - templates, "connection"),
    `${active} of them active`,
    plural(templates, "template"),
  ];
  yield `${strong("IPVS connections")} ${dump.file}   ${counts.join(", ")}\n`;
  for (const [title, group] of byTarget(dump)) {
    yield `\n${strong(title)}\n`;
    for (const each of group) yield `  ${endsText(each, isTemplateLine(each)).padEnd(42)} ${connectionWords(each)}\n`;
  }
}

/** The same for programs: one object a text. */
export function explainedConnections({ file, connections }: ConnectionsDump): object {
  return {
    file,
    connections: connections.map(({ connection }) => {
      const { state, expires, source, virtual, destination } = connection;
      return {
        virtualServer: targetTitle(connection),
        source: formatEnd(source.address, source.port),
        virtual: formatEnd(virtual.address, virtual.port),
        destination: formatEnd(destination.address, destination.port),
        state: typeof state === "string" ? state : state.unknown,
        expires,
        template: isTemplateLine(connection),
        active: countsAsActive(connection),
        words: connectionWords(connection),
      };
    }),
  };
}
