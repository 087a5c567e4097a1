import type { RealServer, VirtualServer } from "../../rules/ipvs/model.ts";
import type { Host } from "../host.ts";
import { sameAddress } from "../packet.ts";
import type { HostState } from "../state.ts";
import {
  addDestination,
  deleteDestination,
  editDestination,
  findDestination,
  realAddress,
  trash,
} from "./destinations.ts";
import type { Destination } from "./model.ts";
import { schedulerOf } from "./schedulers/registry.ts";
import { Service } from "./service.ts";
import type { NamedServer } from "./service-index.ts";
import { type IPVSSwitches, ipvsSwitches } from "./switches.ts";
import { runIPVSTimers } from "./timers.ts";

/** How long after a deletion connections are looked for that it left behind: one jiffy, here the next millisecond. */
const JIFFY = 1;

/** Connections of deleted real servers end soon, where the host wants so (`ip_vs_enqueue_expire_nodest_conns`). */
export function enqueueFlush(switches: IPVSSwitches, state: HostState): void {
  if (switches.expireNodestConn && state.ipvs.flushAt > state.now + JIFFY)
    state.set(state.ipvs, "flushAt", state.now + JIFFY);
}

/** `ip_vs_bind_scheduler`: it starts with the list as it is. */
export function bindScheduler(state: HostState, service: Service): void {
  state.set(service, "memory", schedulerOf(service.description.scheduler)?.start(service));
}

/** `ip_vs_add_service`, and its real servers one by one in the order in which they were added. */
export function create(state: HostState, id: string, description: VirtualServer): Service {
  const { realServers } = description;
  const scheduler = schedulerOf(description.scheduler);
  const isPlain = state.ipvs.trash.size === 0 && scheduler?.dependsOnHistory !== true;
  const service = new Service(id, description, isPlain ? realServers : []);
  service.memory = scheduler?.start(service);
  if (!isPlain) for (const given of realServers) addDestination(state, service, given);
  state.put(state.ipvs.services, id, service);
  return service;
}

function isListed(destination: Destination, realServers: readonly RealServer[]): boolean {
  return realServers.some(
    (given) => given.port === destination.port && sameAddress(realAddress(given), destination.address),
  );
}

const differs = (destination: Destination, { weight, upper, lower, method }: RealServer): boolean =>
  destination.weight !== weight ||
  destination.upper !== upper ||
  destination.lower !== lower ||
  destination.method !== method;

/** Makes a service what a new description says: `ip_vs_edit_service`, then real servers added, edited and deleted as kube-proxy does. */
function reconfigure(host: Host, state: HostState, service: Service, description: VirtualServer): void {
  const before = service.description;
  state.set(service, "description", description);
  if (before.scheduler !== description.scheduler) bindScheduler(state, service);
  for (const given of description.realServers) {
    const found = findDestination(service, given);
    if (found === undefined) addDestination(state, service, given);
    else if (differs(found, given)) editDestination(state, service, found, given);
  }
  for (const destination of service.destinations) {
    if (isListed(destination, description.realServers)) continue;
    deleteDestination(state, service, destination);
    enqueueFlush(ipvsSwitches(host), state);
  }
}

/** `__ip_vs_del_service` */
export function remove(switches: IPVSSwitches, state: HostState, service: Service): void {
  for (const destination of service.destinations) trash(state, service, destination);
  if (service.destinations.length > 0) enqueueFlush(switches, state);
  state.set(service, "destinations", []);
  state.remove(state.ipvs.services, service.id);
}

/**
 * The virtual server of a name as the host's description has it now (`serviceOf`). `undefined`: there is none, or no longer.
 */
export function serviceNow(host: Host, state: HostState, id: string): Service | undefined {
  const server = host.services.byId.get(id);
  if (server !== undefined) return serviceOf(host, state, server);
  const service = state.ipvs.services.get(id);
  if (service !== undefined) remove(ipvsSwitches(host), state, service);
  return undefined;
}

/** A virtual server of the host's description: one that was not asked for before is made, one that was another last time is made like it. */
export function serviceOf(host: Host, state: HostState, { id, description }: NamedServer): Service {
  const service = state.ipvs.services.get(id);
  if (service === undefined) return create(state, id, description);
  if (service.description !== description) reconfigure(host, state, service, description);
  return service;
}

function reconfigureAll(host: Host, state: HostState): void {
  for (const id of [...state.ipvs.services.keys()]) serviceNow(host, state, id);
  state.set(state.ipvs, "configured", host.services);
}

/**
 * Makes the virtual servers what the host's description says, at the time of the change (`ipvsadm`): who lets time pass between a
 * change of the description and the next packet calls this, so that connections of what was deleted end in time. Nobody else need.
 * A command that sets what is set already (`ipvsadm -e` to the same weight) is no change here; the kernel's wrr and mh begin anew with it.
 */
export function configureIPVS(host: Host, state: HostState): void {
  const { configured } = state.ipvs;
  if (configured !== host.services) reconfigureAll(host, state);
}

/** Before a packet: what the clock brought, and what a new description of the host says. */
export function prepareIPVS(host: Host, state: HostState): void {
  const { ipvs } = state;
  runIPVSTimers(state);
  if (ipvs.configured === host.services || (ipvs.configured === undefined && host.services.byId.size === 0)) return;
  reconfigureAll(host, state);
  // whenever the change was, it was not in this very moment
  settleIPVS(state);
}

/** What a deletion left behind ends, as it does a jiffy later: nothing else happens in this time. */
export function settleIPVS(state: HostState): void {
  if (state.ipvs.flushAt === Number.POSITIVE_INFINITY) return;
  state.set(state.ipvs, "flushAt", state.now);
  runIPVSTimers(state);
}
