import type { IPAddress } from "../../net/ip.ts";
import type { IPVSConnection, IPVSTable, RealServer } from "../../rules/ipvs/model.ts";
import { connectionStates } from "../../rules/ipvs/model.ts";
import type { Address } from "../packet.ts";
import type { HostState } from "../state.ts";
import { findDestination } from "./destinations.ts";
import { listConnections, secondsLeft } from "./listing.ts";
import type { Connection } from "./model.ts";
import { serviceId } from "./service-index.ts";
import { runIPVSTimers } from "./timers.ts";

const NONE = { active: 0, inactive: 0 };

/** A table as `ipvsadm -Ln` tells it: what is configured, with how many connections each real server has now. */
export function countedTable(table: IPVSTable, state: HostState): IPVSTable {
  runIPVSTimers(state);
  const { services } = state.ipvs;
  return {
    ...table,
    virtualServers: table.virtualServers.map((server) => {
      const service = services.get(serviceId(server.key));
      const counted = (real: RealServer): RealServer => {
        const destination = service === undefined ? undefined : findDestination(service, real);
        const connections =
          destination === undefined ? NONE : { active: destination.active, inactive: destination.inactive };
        return { ...real, connections };
      };
      return { ...server, realServers: server.realServers.map(counted) };
    }),
  };
}

const ipOf = (address: Address): IPAddress =>
  typeof address === "number" ? { family: "IPv4", value: address } : { family: "IPv6", words: address };

/** Connections and templates as `ipvsadm -Lnc` tells them, the oldest first; the kernel's own order is that of its hash. */
export function countedConnections(state: HostState): readonly IPVSConnection[] {
  return listConnections(state).map((connection: Connection): IPVSConnection => {
    const { protocol, client, clientPort, virtual, virtualPort, real, realPort, state: name } = connection;
    return {
      protocol,
      expires: secondsLeft(state, connection),
      state: connectionStates.find((known) => known === name) ?? { unknown: name },
      source: { address: ipOf(client), port: clientPort },
      virtual: { address: ipOf(virtual), port: virtualPort },
      destination: { address: ipOf(real), port: realPort },
    };
  });
}
