import type { Host } from "../host.ts";
import type { HostState } from "../state.ts";
import { allConnections } from "./connections.ts";
import type { Connection, Service } from "./model.ts";
import { serviceId } from "./service-index.ts";
import { configureIPVS, serviceNow } from "./services.ts";
import { runIPVSTimers } from "./timers.ts";

/** Connections and templates as `ipvsadm -Lnc` has them, the oldest first; the kernel's own order is that of its hash. */
export function listConnections(state: HostState): readonly Connection[] {
  runIPVSTimers(state);
  return allConnections(state.ipvs).sort((a, b) => a.id - b.id);
}

/** Whole seconds that a connection lives on. */
export function secondsLeft(state: HostState, { expires }: Connection): number {
  return Math.max(0, Math.floor((expires - state.now) / 1000));
}

/** Virtual servers with their counts as `ipvsadm -Ln` has them, in the order of the host's description; real servers in the kernel's order. */
export function listServices(host: Host, state: HostState): readonly Service[] {
  runIPVSTimers(state);
  configureIPVS(host, state);
  const services: Service[] = [];
  for (const { key } of host.ipvs?.virtualServers ?? []) {
    const service = serviceNow(host, state, serviceId(key));
    if (service !== undefined) services.push(service);
  }
  return services;
}
