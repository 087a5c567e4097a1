import { formatIP } from "../net/ip.ts";
import type { IPVSConnection, RealServer, VirtualServer } from "../rules/ipvs/model.ts";
import { formatEnd } from "../rules/ipvs/spelling.ts";
import { isInvalidTemplate, isTemplateLine } from "./connection-words.ts";
import type { Finding } from "./finding.ts";
import type { ConnectionsDump, OtherDumps } from "./read-servers.ts";

/** The virtual servers of all texts, by what connections show of them. */
interface Known {
  readonly byAddress: ReadonlyMap<string, readonly VirtualServer[]>;
  readonly byMark: readonly VirtualServer[];
}

function knownOf(dumps: readonly OtherDumps[]): Known {
  const byAddress = new Map<string, VirtualServer[]>();
  const byMark: VirtualServer[] = [];
  for (const { servers } of dumps)
    for (const { table } of servers)
      for (const server of table.virtualServers) {
        if (server.key.kind === "fwmark") {
          byMark.push(server);
          continue;
        }
        const name = `${server.key.protocol} ${formatIP(server.key.address)}`;
        const group = byAddress.get(name);
        if (group === undefined) byAddress.set(name, [server]);
        else group.push(server);
      }
  return { byAddress, byMark };
}

/** Whose a connection may be: of the virtual server with its address and port, else of one for other ports, or by mark. */
function candidates({ byAddress, byMark }: Known, { protocol, virtual }: IPVSConnection): readonly VirtualServer[] {
  const own = byAddress.get(`${protocol} ${formatIP(virtual.address)}`) ?? [];
  const exact = own.filter(({ key }) => key.kind === "address" && key.port === virtual.port);
  return exact.length > 0 ? [...exact, ...byMark] : [...own, ...byMark];
}

function isRealServer({ address, port }: RealServer, { destination, virtual }: IPVSConnection): boolean {
  if (formatIP(address) !== formatIP(destination.address)) return false;
  // without a port of its own, or for another port than the virtual server's, it gets the packet's
  return port === destination.port || port === 0 || destination.port === 0 || destination.port === virtual.port;
}

/**
 * Connections and templates of `ipvsadm -Lnc` to real servers that no text of virtual servers has: one finding a text and
 * real server, at its first connection. Such a real server was deleted, or the texts are of different times.
 */
export function checkConnections(
  { connections }: ConnectionsDump,
  dumps: readonly OtherDumps[],
  report: (finding: Finding) => void,
): void {
  if (dumps.every(({ servers }) => servers.length === 0)) return;
  const known = knownOf(dumps);
  const said = new Map<string, { count: number; readonly finding: Finding }>();
  for (const { connection, place } of connections) {
    if (isInvalidTemplate(connection)) continue;
    if (
      candidates(known, connection).some(({ realServers }) =>
        realServers.some((each) => isRealServer(each, connection)),
      )
    )
      continue;
    const { virtual, destination } = connection;
    const real = formatEnd(destination.address, destination.port);
    const name = `${formatEnd(virtual.address, virtual.port)} ${real}`;
    const before = said.get(name);
    if (before !== undefined) {
      before.count++;
      continue;
    }
    const what = isTemplateLine(connection) ? "a client is kept with" : "a connection goes to";
    const effect = "its packets are dropped, or its connection ends with the next one (expire_nodest_conn)";
    const message = `${what} ${real}, which is no real server of ${formatEnd(virtual.address, virtual.port)}: ${effect}, unless the texts are of different times`;
    const finding: Finding = { severity: "warning", code: "connection-without-real-server", message, place };
    said.set(name, { count: 1, finding });
  }
  for (const { count, finding } of said.values())
    report(count === 1 ? finding : { ...finding, message: `${finding.message}; so it is with ${count - 1} more` });
}
