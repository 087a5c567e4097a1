import type { IPVSCommand, RealServerName } from "../../rules/ipvs/command.ts";
import type { IPVSTable, RealServer, VirtualServer } from "../../rules/ipvs/model.ts";
import { sameAddress } from "../packet.ts";
import type { HostState } from "../state.ts";
import { addDestination, deleteDestination, editDestination, findDestination, realAddress } from "./destinations.ts";
import type { Destination } from "./model.ts";
import type { Service } from "./service.ts";
import { serviceId, takesRealServer } from "./service-index.ts";
import { bindScheduler, create, enqueueFlush, remove } from "./services.ts";
import type { IPVSSwitches } from "./switches.ts";
import { runIPVSTimers } from "./timers.ts";

/** The ip_vs of a host while requests come: what it is configured as, and what lives. */
interface Target {
  readonly servers: Map<string, VirtualServer>;
  readonly switches: IPVSSwitches;
  readonly state: HostState;
}

function refuse(what: string): never {
  throw new RangeError(`ip_vs refuses a request: ${what}`);
}

/** The living virtual server; one that no packet has asked for yet begins now, as it is configured. */
function living({ servers, state }: Target, id: string): Service {
  const description = servers.get(id) ?? refuse(`there is no virtual server ${id}`);
  return state.ipvs.services.get(id) ?? create(state, id, description);
}

function describe({ servers, state }: Target, service: Service, description: VirtualServer): void {
  servers.set(service.id, description);
  state.set(service, "description", description);
}

const isIt = (real: RealServer, name: RealServerName): boolean =>
  real.port === name.port && sameAddress(realAddress(real), realAddress(name));

function found(service: Service, name: RealServerName): Destination {
  return findDestination(service, name) ?? refuse(`${service.id} has no such real server`);
}

/** Requests about one real server (`ip_vs_add_dest`, `ip_vs_edit_dest`, `ip_vs_del_dest`). */
function changeServer(
  target: Target,
  command: Extract<IPVSCommand, { readonly kind: "add-server" | "edit-server" | "delete-server" }>,
): void {
  const { state, switches } = target;
  const service = living(target, serviceId(command.key));
  const { description } = service;
  const { realServers } = description;
  switch (command.kind) {
    case "add-server":
      // kube-proxy logs the error and goes on
      if (!takesRealServer(command.key, command.real)) return;
      if (findDestination(service, command.real) !== undefined) refuse(`${service.id} has this real server already`);
      describe(target, service, { ...description, realServers: [...realServers, command.real] });
      addDestination(state, service, command.real);
      return;
    case "edit-server": {
      const { real } = command;
      const edited = found(service, real);
      const all = realServers.map((each) => (isIt(each, real) ? real : each));
      describe(target, service, { ...description, realServers: all });
      editDestination(state, service, edited, real);
      return;
    }
    case "delete-server": {
      const deleted = found(service, command.real);
      const rest = realServers.filter((each) => !isIt(each, command.real));
      describe(target, service, { ...description, realServers: rest });
      deleteDestination(state, service, deleted);
      enqueueFlush(switches, state);
    }
  }
}

function run(target: Target, command: IPVSCommand): void {
  const { servers, state, switches } = target;
  switch (command.kind) {
    case "add-service": {
      const id = serviceId(command.server.key);
      if (servers.has(id)) refuse(`there is a virtual server ${id} already`);
      const description = { ...command.server, realServers: [] };
      servers.set(id, description);
      create(state, id, description);
      return;
    }
    case "edit-service": {
      const service = living(target, serviceId(command.server.key));
      const before = service.description;
      describe(target, service, { ...command.server, realServers: before.realServers });
      if (before.scheduler !== command.server.scheduler) bindScheduler(state, service);
      return;
    }
    case "delete-service": {
      const service = living(target, serviceId(command.key));
      remove(switches, state, service);
      servers.delete(service.id);
      return;
    }
    default:
      changeServer(target, command);
  }
}

/**
 * Carries out requests one by one, as netlink brings them to the kernel (`ip_vs_genl_set_cmd`): counts of connections, what
 * schedulers remember and templates live on. `table` is what is configured before; gives what is configured afterwards, to be
 * the host's description from then on. A request that the kernel would refuse throws a `RangeError`.
 */
export function runIPVSCommands(
  state: HostState,
  table: IPVSTable,
  switches: IPVSSwitches,
  commands: readonly IPVSCommand[],
): IPVSTable {
  if (commands.length === 0) return table;
  runIPVSTimers(state);
  const servers = new Map(table.virtualServers.map((server) => [serviceId(server.key), server]));
  for (const command of commands) run({ servers, switches, state }, command);
  return { ...table, virtualServers: [...servers.values()] };
}
