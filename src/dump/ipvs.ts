import { connectionKey, parseIPVSConnections } from "../rules/ipvs/connections.ts";
import { formatIPVSListing } from "../rules/ipvs/format.ts";
import type { IPVSConnection, IPVSTable, VirtualServer } from "../rules/ipvs/model.ts";
import { parseIPVSCommands } from "../rules/ipvs/parse-commands.ts";
import { parseIPVSListing } from "../rules/ipvs/parse-listing.ts";
import { formatEnd, formatKey } from "../rules/ipvs/spelling.ts";
import type { Place, Report, Source } from "../text/diagnostic.ts";
import type { DumpKind } from "./host-from-dumps.ts";

/** What the texts of ipvsadm hold. */
export interface CollectedIPVS {
  /** Of `ipvsadm -Sn`: all but thresholds. */
  readonly saved: ReadTable[];
  /** Of `ipvsadm -Ln`: counts as well, but no tunnel types. */
  readonly listed: ReadTable[];
  /** Of `ipvsadm -Lnc`, text by text. */
  readonly connections: (readonly ListedConnection[])[];
}

/** A line of `ipvsadm -Lnc` and where it stands. */
export interface ListedConnection {
  readonly connection: IPVSConnection;
  readonly place: Place;
}

interface ReadTable {
  readonly source: Source;
  readonly table: IPVSTable;
}

const COMMAND =
  /^(?:\S*\bipvsadm\s+)?(?:-[AaEeDd]|--(?:add|edit|delete)-(?:service|server))\s*(?:-[tuf]|--(?:tcp|udp|sctp|fwmark)-service[ =])/;
const SERVER = /^(?:TCP|UDP|SCTP)\s+(?:[0-9.]+|\[[0-9a-f:.]+\]):\S+ [a-z]+(?: |$)|^FWM\s+-?\d+ (?:IPv6 )?[a-z]+(?: |$)/;
const TITLE = /^IP Virtual Server version |^Prot LocalAddress:Port |^Timeout \(tcp tcpfin udp\): /;

const CONNECTION =
  /^IPVS connection entries|^pro expire state |^(?:TCP|UDP|SCTP|IP) +\d+:\d\d +[A-Z][A-Z0-9_-]* +\S+:\d+ /;

/** The kinds of dumps that ipvsadm prints. */
export function ipvsKinds({ saved, listed, connections }: CollectedIPVS): readonly DumpKind[] {
  return [
    {
      name: "ipvsadm -Sn",
      recognises: ({ line }) => COMMAND.test(line),
      read: (source, report) => {
        saved.push({ source, table: parseIPVSCommands(source, report) });
      },
    },
    {
      name: "ipvsadm -Lnc",
      recognises: ({ line }) => CONNECTION.test(line),
      read: (source, report) => {
        const listed: ListedConnection[] = [];
        parseIPVSConnections(source, report, (connection, offset) =>
          listed.push({ connection, place: { source, offset } }),
        );
        connections.push(listed);
      },
    },
    {
      name: "ipvsadm -Ln",
      recognises: ({ line }) => TITLE.test(line) || SERVER.test(line),
      read: (source, report) => {
        listed.push({ source, table: parseIPVSListing(source, report).table });
      },
    },
  ];
}

/** What both texts show of a virtual server: the lines of `ipvsadm -Ln`, without counts. */
function shownLines(server: VirtualServer): string {
  const realServers = server.realServers.map(({ connections: _, ...real }) => real);
  return formatIPVSListing({ virtualServers: [{ ...server, realServers }] })
    .split("\n")
    .sort()
    .join("\n");
}

/** A virtual server with the counts of connections that another text tells. */
function withCounts(server: VirtualServer, counted: VirtualServer): VirtualServer {
  const counts = new Map(counted.realServers.map((real) => [formatEnd(real.address, real.port), real.connections]));
  const realServers = server.realServers.map((real) => {
    const connections = counts.get(formatEnd(real.address, real.port));
    return connections === undefined ? real : { ...real, connections };
  });
  return { ...server, realServers };
}

/**
 * One table from all texts: what `ipvsadm -Sn` tells comes first, then what `ipvsadm -Ln` adds, and of each the first text. Where
 * a text says other things of a virtual server, or knows one that an `ipvsadm -Sn` before it does not, as texts of
 * different times do, the first one holds, with a warning. `undefined` when there is none.
 */
export function joinTables({ saved, listed }: CollectedIPVS, report: Report): IPVSTable | undefined {
  const all = [...saved, ...listed];
  if (all.length === 0) return undefined;
  const servers = new Map<string, VirtualServer>();
  let timeouts: IPVSTable["timeouts"];
  for (const [i, { source, table }] of all.entries()) {
    timeouts = table.timeouts ?? timeouts;
    const others: string[] = [];
    for (const server of table.virtualServers) {
      const name = formatKey(server.key);
      const known = servers.get(name);
      const isStranger = known === undefined && i > 0 && saved.length > 0;
      if (isStranger || (known !== undefined && shownLines(known) !== shownLines(server))) others.push(name);
      servers.set(name, known === undefined ? server : withCounts(known, server));
    }
    if (others.length === 0) continue;
    const names = `${others.slice(0, 5).join(", ")}${others.length > 5 ? " and others" : ""}`;
    const message = `another text of this node says otherwise of ${names}: they are not of one time, and the first one holds`;
    report({ severity: "warning", code: "ipvs-dumps-differ", message, place: { source, offset: 0 } });
  }
  return { virtualServers: [...servers.values()], ...(timeouts === undefined ? {} : { timeouts }) };
}

/**
 * The connections of all texts of `ipvsadm -Lnc`, each once; `undefined` without such a text. Of texts that list different
 * ones, as texts of different times do, all count, with a warning.
 */
export function joinConnections(
  { connections }: CollectedIPVS,
  report: Report,
): readonly ListedConnection[] | undefined {
  const [first, ...others] = connections;
  if (first === undefined) return undefined;
  const known = new Map(first.map((each) => [connectionKey(each.connection), each]));
  for (const text of others) {
    const more = text.filter(({ connection }) => !known.has(connectionKey(connection)));
    for (const each of more) known.set(connectionKey(each.connection), each);
    const place = more[0]?.place;
    if (place === undefined) continue;
    const message = "another text of this node lists other connections: they are not of one time, and all are taken";
    report({ severity: "warning", code: "ipvs-dumps-differ", message, place });
  }
  return [...known.values()];
}
