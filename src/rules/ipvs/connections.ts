import type { Report, Source } from "../../text/diagnostic.ts";
import { readEnd } from "./ends.ts";
import { type ConnectionEnd, type ConnectionState, connectionStates, type IPVSConnection } from "./model.ts";
import { formatEnd, protocols } from "./spelling.ts";
import {
  type Fault,
  faultAt,
  isFault,
  linesOf,
  parseDecimal,
  reportFault,
  shown,
  type Word,
  wordsOf,
} from "./words.ts";

const TITLE =
  "IPVS connection entries\n" + "pro expire state       source             virtual            destination\n";

const protocolNames: ReadonlyMap<string, number> = new Map([
  ["IP", 0],
  ...protocols.map(({ name, number }) => [name, number] as const),
]);

/** Longer than any timer of the kernel runs: 2^32 seconds. */
const MAX_MINUTES = 71582788;

/**
 * Reads what `ipvsadm -Lnc` prints, also with `--persistent-conn` (ipvs-mode §11.4): connections and templates in the order of
 * the text, which is that of the kernel's hash table and so of no meaning. Lines with a fault are reported with their
 * places and left out, so is an entry that is there already. `noted` is told of each and of where it stands.
 */
export function parseIPVSConnections(
  source: Source,
  report: Report,
  noted?: (connection: IPVSConnection, offset: number) => void,
): readonly IPVSConnection[] {
  const connections = new Map<string, { readonly connection: IPVSConnection; readonly offset: number }>();
  for (const line of linesOf(source)) {
    if (/^\s*(?:#|$)|^IPVS connection entries|^pro expire state /.test(line.text)) continue;
    const words = wordsOf(line);
    const read = readConnection(words);
    if (isFault(read)) {
      reportFault(read, source, report);
      continue;
    }
    const key = connectionKey(read);
    const [first] = words as readonly [Word];
    const before = connections.get(key);
    if (before !== undefined && (before.connection.expires === 0 || read.expires === 0)) {
      // in the moment in which a connection is scheduled anew the old one is listed as well, with no time left
      if (read.expires > 0) connections.set(key, { connection: read, offset: first.offset });
      continue;
    }
    if (before !== undefined) {
      reportFault(faultAt("connection-exists", "this connection is listed above already", first), source, report);
      continue;
    }
    if (typeof read.state !== "string") {
      const message = `${shown(read.state.unknown)} is no state of a connection`;
      const { offset } = words[2] ?? first;
      report({ severity: "warning", code: "unknown-state", message, place: { source, offset } });
    }
    connections.set(key, { connection: read, offset: first.offset });
  }
  return [...connections.values()].map(({ connection, offset }) => {
    noted?.(connection, offset);
    return connection;
  });
}

/** A template that became invalid is listed with this port, and there may be several of one client (ipvs-mode §9.5). */
const IMPOSSIBLE_PORT = 65535;

/**
 * What tells connections from each other, as text. A template and a connection of one client may have the same ends, where the
 * client's port is 0.
 */
export function connectionKey(connection: IPVSConnection): string {
  const { protocol, state, source, virtual, destination, persistenceEngine, expires } = connection;
  const ends = `${protocol} ${formatEnd(source.address, source.port)} ${formatEnd(virtual.address, virtual.port)}`;
  if (source.port !== 0) return ends;
  const own = `${ends} ${stateName(state)} ${persistenceEngine?.data ?? ""}`;
  const isInvalid = virtual.port === IMPOSSIBLE_PORT && destination.port === IMPOSSIBLE_PORT;
  return isInvalid ? `${own} ${formatEnd(destination.address, destination.port)} ${expires}` : own;
}

function readConnection(words: readonly Word[]): IPVSConnection | Fault {
  const [first, expire, state, source, virtual, destination, engine, ...data] = words;
  const last = words.at(-1) as Word;
  const protocol = protocolNames.get(first?.text ?? "");
  if (first === undefined || protocol === undefined)
    return faultAt(
      "bad-connection",
      `${shown((first ?? last).text)} is none of ${[...protocolNames.keys()].join(", ")}`,
      first ?? last,
    );
  if (
    expire === undefined ||
    state === undefined ||
    source === undefined ||
    virtual === undefined ||
    destination === undefined
  )
    return faultAt("bad-connection", "a line has protocol, time, state, source, virtual server and destination", first);
  const expires = readTime(expire.text);
  if (expires === undefined) return faultAt("bad-time", `${shown(expire.text)} is not minutes and seconds`, expire);
  const ends: ConnectionEnd[] = [];
  for (const word of [source, virtual, destination]) {
    const end = readConnectionEnd(word);
    if (isFault(end)) return end;
    ends.push(end);
  }
  const [from, to, real] = ends as [ConnectionEnd, ConnectionEnd, ConnectionEnd];
  return {
    protocol,
    expires,
    state: connectionStates.includes(state.text as ConnectionState)
      ? (state.text as ConnectionState)
      : { unknown: state.text },
    source: from,
    virtual: to,
    destination: real,
    ...(engine === undefined
      ? {}
      : { persistenceEngine: { name: engine.text, data: data.map(({ text }) => text).join(" ") } }),
  };
}

function readConnectionEnd(word: Word): ConnectionEnd | Fault {
  const end = readEnd(word);
  if (isFault(end)) return end;
  const { address, port } = end;
  return port === undefined ? faultAt("bad-address", `${shown(word.text)} has no port`, word) : { address, port };
}

function readTime(text: string): number | undefined {
  const colon = text.indexOf(":");
  const minutes = parseDecimal(text.slice(0, Math.max(0, colon)), MAX_MINUTES);
  const seconds = parseDecimal(text.slice(colon + 1), 59);
  return minutes === undefined || seconds === undefined ? undefined : minutes * 60 + seconds;
}

function stateName(state: IPVSConnection["state"]): string {
  return typeof state === "string" ? state : state.unknown;
}

const two = (number: number): string => `${number}`.padStart(2, "0");

function formatConnection({ protocol, expires, state, source, virtual, destination }: IPVSConnection): string {
  const name = [...protocolNames].find(([, number]) => number === protocol)?.[0] ?? "IP";
  const ends = [source, virtual, destination].map(({ address, port }) => formatEnd(address, port));
  const [from = "", to = "", real = ""] = ends;
  const time = `${two(Math.floor(expires / 60))}:${two(expires % 60)}`;
  const columns = [name.padEnd(3), time.padEnd(6), stateName(state).padEnd(11), from.padEnd(18), to.padEnd(18), real];
  return `${columns.join(" ")}\n`;
}

/** What `ipvsadm -Lnc` prints of connections, in the given order; it does not show what persistence engines know. */
export function formatIPVSConnections(connections: readonly IPVSConnection[]): string {
  return TITLE + connections.map(formatConnection).join("");
}
