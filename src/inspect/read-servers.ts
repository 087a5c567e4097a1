import { type IPAddress, parseIP } from "../net/ip.ts";
import { originalPlaces, type PastedPart, readPasted } from "../pasted/pasted.ts";
import { parseIPVSConnections } from "../rules/ipvs/connections.ts";
import type { IPVSConnection, IPVSTable } from "../rules/ipvs/model.ts";
import { parseIPVSCommands } from "../rules/ipvs/parse-commands.ts";
import { parseIPVSListing } from "../rules/ipvs/parse-listing.ts";
import type { Diagnostic, Place, Source } from "../text/diagnostic.ts";
import type { Finding } from "./finding.ts";

/** The virtual servers of one text of ipvsadm. */
export interface ServersDump {
  readonly file: string;
  readonly table: IPVSTable;
  /** All its lines could be read. */
  readonly isWhole: boolean;
  /** The place of a virtual server by the options that name it, or of a real one by these and its address and port. */
  readonly placeOf: (name: string) => Place;
}

/** The connections of one text of `ipvsadm -Lnc`. */
export interface ConnectionsDump {
  readonly file: string;
  readonly connections: readonly PlacedConnection[];
}

export interface PlacedConnection {
  readonly connection: IPVSConnection;
  readonly place: Place;
}

/** What a text holds besides rules of iptables. */
export interface OtherDumps {
  readonly servers: readonly ServersDump[];
  readonly connections: readonly ConnectionsDump[];
  /** Of the node's interfaces, by their names, where the text is `ip -j addr`. */
  readonly addresses: ReadonlyMap<string, readonly IPAddress[]> | undefined;
  /** It holds nothing else. */
  readonly isAll: boolean;
}

/**
 * Reads the virtual servers of a text (`ipvsadm -Sn`, `-Ln`, `-Lnc`, also as people paste it) and the addresses of `ip -j addr`. What
 * cannot be read of it is reported, unless there are rules of iptables as well, whose reader says it.
 */
export function readOtherDumps(source: Source, report: (finding: Finding) => void): OtherDumps {
  const found: Diagnostic[] = [];
  const parts = readPasted(source, { forLoading: false }, (each) => found.push(each));
  const servers: ServersDump[] = [];
  const connections: ConnectionsDump[] = [];
  let addresses: Map<string, IPAddress[]> | undefined;
  const inOriginal = originalPlaces(parts, (each: Diagnostic) => found.push(each));
  for (const part of parts) {
    if (part.kind === "ipvs-commands" || part.kind === "ipvs-listing") servers.push(readServers(part, inOriginal));
    if (part.kind === "ipvs-connections") connections.push(readConnections(part, inOriginal));
    if (part.kind !== "json") continue;
    for (const [device, own] of readAddresses(part.text.source.text) ?? [])
      addresses = (addresses ?? new Map<string, IPAddress[]>()).set(device, own);
  }
  const hasRules = parts.some(({ kind }) => kind === "iptables");
  const isAll = !hasRules && (servers.length + connections.length > 0 || addresses !== undefined);
  if (isAll) for (const each of found) report({ ...each, place: each.place ?? { source, offset: 0 } });
  return { servers, connections, addresses, isAll };
}

function readConnections({ text }: PastedPart, report: (found: Diagnostic) => void): ConnectionsDump {
  const connections: PlacedConnection[] = [];
  parseIPVSConnections(text.source, report, (connection, offset) =>
    connections.push({ connection, place: text.placeOf(offset) }),
  );
  return { file: text.source.name, connections };
}

function readServers({ kind, text }: PastedPart, report: (found: Diagnostic) => void): ServersDump {
  const offsets = new Map<string, number>();
  const noted = (name: string, offset: number): void => {
    offsets.set(name, offset);
  };
  let isWhole = true;
  const watched = (found: Diagnostic): void => {
    if (found.severity === "error") isWhole = false;
    report(found);
  };
  const table =
    kind === "ipvs-commands"
      ? parseIPVSCommands(text.source, watched, noted)
      : parseIPVSListing(text.source, watched, noted).table;
  return { file: text.source.name, table, isWhole, placeOf: (name) => text.placeOf(offsets.get(name) ?? 0) };
}

/** The addresses of `ip -j addr`; `undefined` for any other JSON. */
function readAddresses(text: string): Map<string, IPAddress[]> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const found = new Map<string, IPAddress[]>();
  for (const device of Array.isArray(value) ? value : []) {
    const { ifname, addr_info: all } = (device ?? {}) as Record<string, unknown>;
    if (typeof ifname !== "string" || !Array.isArray(all)) continue;
    const own = all.flatMap((each) => {
      const { local } = (each ?? {}) as Record<string, unknown>;
      const address = typeof local === "string" ? parseIP(local) : undefined;
      return address === undefined ? [] : [address];
    });
    found.set(ifname, own);
  }
  return found.size === 0 ? undefined : found;
}
