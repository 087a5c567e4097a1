import type { BalancedEnd } from "../kernel/conntrack/listing.ts";
import type { Tuple } from "../kernel/entry.ts";
import type { Host, HostDescription, Interface } from "../kernel/host.ts";
import { findReply, findRequest } from "../kernel/ipvs/connections.ts";
import { enterConnections, type OpenQuestion } from "../kernel/ipvs/enter-connections.ts";
import { listServices } from "../kernel/ipvs/listing.ts";
import { findService } from "../kernel/ipvs/service-index.ts";
import { virtualServerText } from "../kernel/ipvs/service-name.ts";
import { endpointText } from "../kernel/packet-text.ts";
import { localRoutes } from "../kernel/routing/address-routes.ts";
import type { HostState } from "../kernel/state.ts";
import { ipFamilies } from "../net/family.ts";
import { formatIP } from "../net/ip.ts";
import type { IPVSTable, RealServer } from "../rules/ipvs/model.ts";
import { formatEnd } from "../rules/ipvs/spelling.ts";
import type { Report } from "../text/diagnostic.ts";
import { kubeProxySwitches } from "./host-from-dumps.ts";
import { type CollectedIPVS, joinConnections, joinTables, type ListedConnection } from "./ipvs.ts";

/** What ipvsadm told of a node. */
export interface ToldIPVS {
  readonly description: Pick<HostDescription, "ipvs" | "ipvsPast" | "sysctls">;
  /** The lines of `ipvsadm -Lnc`; `undefined` where it was not given. */
  readonly connections: readonly ListedConnection[] | undefined;
  /** The counts of `ipvsadm -Ln`, which do not count where connections are listed. */
  readonly counted: IPVSTable;
}

const note = (report: Report, code: string, message: string): void => report({ severity: "note", code, message });

function withoutCounts(table: IPVSTable): IPVSTable {
  const plain = ({ connections: _, ...real }: RealServer): RealServer => real;
  return {
    ...table,
    virtualServers: table.virtualServers.map((server) => ({ ...server, realServers: server.realServers.map(plain) })),
  };
}

/** What ipvsadm told, and what has to be assumed with it. */
export function virtualServersOf(
  collected: CollectedIPVS,
  { sysctls }: HostDescription,
  report: Report,
): ToldIPVS | undefined {
  const counted = joinTables(collected, report);
  const connections = joinConnections(collected, report);
  if (counted === undefined) {
    if (connections !== undefined) {
      const message =
        "the connections of ipvsadm -Lnc are left out: nothing tells the virtual servers they are of (ipvsadm -Sn or -Ln)";
      report({ severity: "warning", code: "ipvs-connections-left-out", message });
    }
    return undefined;
  }
  notePast(connections !== undefined, report);
  const ipvs = connections === undefined ? counted : withoutCounts(counted);
  const ipvsPast = { connections: connections === undefined ? "not-listed" : "listed" } as const;
  if (sysctls.ipvs === undefined) {
    const message = "net.ipv4.vs.* not given: those that kube-proxy sets are assumed (sysctl -a tells)";
    note(report, "ipvs-sysctls-assumed", message);
  }
  const switches = sysctls.ipvs ?? kubeProxySwitches;
  return { description: { ipvs, ipvsPast, sysctls: { ...sysctls, ipvs: switches } }, connections, counted };
}

function notePast(isListed: boolean, report: Report): void {
  note(
    report,
    "schedulers-assumed",
    "in which order real servers were added, where the node's schedulers stand and what they remember no dump tells: each is taken to be as on a fresh node, made in the order of the dump",
  );
  note(
    report,
    "ipvs-connections-assumed",
    isListed
      ? "what ipvsadm -Lnc does not tell of connections is assumed: each is forwarded as its real server is now, belongs to its client's template, and came from no other node"
      : "the virtual servers are taken to have no connections, and their clients no templates (ipvsadm -Lnc tells); how many connections a real server has counts only where ipvsadm -Ln tells it",
  );
}

/** kube-ipvs0 with the addresses of the virtual servers, on a node of which nothing tells the addresses. */
export function withDummy(
  description: HostDescription,
  { virtualServers }: IPVSTable,
  report: Report,
): HostDescription {
  const texts = new Map(
    virtualServers.flatMap(({ key }) =>
      key.kind === "address" ? [[formatIP(key.address), key.address] as const] : [],
    ),
  );
  if (texts.size === 0) return description;
  const message = "the addresses of the virtual servers are taken to be bound to kube-ipvs0 (ip -j addr tells)";
  note(report, "bound-addresses-assumed", message);
  const dummy: Interface = {
    index: description.interfaces.length + 1,
    name: "kube-ipvs0",
    up: false,
    loopback: false,
    noARP: true,
    mtu: 1500,
    addresses: [...texts.values()].map((ip) => ({
      family: ip.family,
      address: ip.family === "IPv4" ? ip.value : ip.words,
      prefixLength: ip.family === "IPv4" ? 32 : 128,
      scope: "global",
      secondary: false,
      deprecated: false,
      noPrefixRoute: false,
    })),
  };
  const routes = ipFamilies.flatMap((family) => localRoutes([dummy], family, true));
  return { ...description, interfaces: [...description.interfaces, dummy], routes: [...description.routes, ...routes] };
}

const QUESTIONS: Readonly<Record<OpenQuestion, readonly [code: string, words: string]>> = {
  "no-real-server": [
    "ipvs-real-server-gone",
    "is no real server of that virtual server: it is taken for one that was deleted (texts of different times look the same)",
  ],
  "several-real-servers": [
    "ipvs-real-server-ambiguous",
    "may be either of several real servers with this address: the first is taken",
  ],
  "no-such-state": [
    "ipvs-state-unknown",
    "has a connection in a state that ip_vs does not have for its protocol: what becomes of its packets is unknown",
  ],
};

/** Puts the listed connections into a node's state, and says what they leave open: once for each question, at the first line. */
export function enterListed(
  { connections = [], counted }: ToldIPVS,
  host: Host,
  state: HostState,
  hasConntrack: boolean,
  report: Report,
): void {
  const lines = connections.map(({ connection }) => connection);
  const open = enterConnections(host, state, lines);
  for (const [question, [code, words]] of Object.entries(QUESTIONS)) {
    const indexes = [...open].flatMap(([i, each]) => (each === question ? [i] : []));
    const first = connections[indexes[0] ?? -1];
    if (first === undefined) continue;
    const { destination } = first.connection;
    const more = indexes.length > 1 ? `; so it is with ${indexes.length - 1} more` : "";
    const message = `${formatEnd(destination.address, destination.port)} ${words}${more}`;
    report({ severity: "warning", code, message, place: first.place });
  }
  if (lines.length > 0 && !hasConntrack) {
    const message =
      "conntrack is taken to know none of ip_vs' connections: their packets are NEW to it (conntrack -L tells)";
    note(report, "conntrack-assumed", message);
  }
  if (lines.length > 0 || connections.length > 0) compareCounts(counted, host, state, report);
}

/** Where `ipvsadm -Ln` counted other numbers than `ipvsadm -Lnc` lists, they are not of one time. */
function compareCounts({ virtualServers }: IPVSTable, host: Host, state: HostState, report: Report): void {
  const told = new Map(
    virtualServers.flatMap(({ key, realServers }) =>
      realServers.map((real) => [`${virtualServerText(key)} ${formatEnd(real.address, real.port)}`, real.connections]),
    ),
  );
  const others: string[] = [];
  for (const { key, destinations } of listServices(host, state)) {
    for (const { address, port, active, inactive } of destinations) {
      const name = `${virtualServerText(key)} ${endpointText(address, port)}`;
      const counts = told.get(name);
      if (counts !== undefined && (counts.active !== active || counts.inactive !== inactive)) others.push(name);
    }
  }
  if (others.length === 0) return;
  const names = `${others.slice(0, 3).join(", ")}${others.length > 3 ? ` and ${others.length - 3} more` : ""}`;
  const message = `ipvsadm -Ln counts other numbers of connections than -Lnc lists for ${names}: they are not of one time, and the listed ones count`;
  report({ severity: "warning", code: "ipvs-counts-differ", message });
}

/**
 * Which flows of `conntrack -L` are ip_vs' own: those of its connections, or, where these were not listed, those to a virtual
 * server. Such entries have the real server in their reply, as those that DNAT made, or the virtual server where a real server sent
 * the first packet.
 */
export function balancedEnds({ services, ipvsPast }: Host, { ipvs }: HostState): BalancedEnd {
  const isServer = ({ family, protocol, dst, dport }: Tuple): boolean =>
    findService(services, { family, protocol, dst, dport, mark: 0 }) !== undefined;
  const isListed = ipvsPast?.connections === "listed";
  return ({ original, reply }) => {
    if (isListed ? findRequest(ipvs, original) !== undefined : isServer(original)) return "destination";
    return (isListed ? findReply(ipvs, original) !== undefined : isServer(reply)) ? "source" : undefined;
  };
}
