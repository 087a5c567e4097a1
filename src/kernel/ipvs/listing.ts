import type { IPAddress } from "../../net/ip.ts";
import { connectionStates, type IPVSConnection, type VirtualServerKey } from "../../rules/ipvs/model.ts";
import type { Host } from "../host.ts";
import type { Address } from "../packet.ts";
import type { HostState } from "../state.ts";
import { isTemplateValid } from "./connections.ts";
import type { Connection } from "./model.ts";
import type { Service } from "./service.ts";
import { serviceId } from "./service-index.ts";
import { configureIPVS, serviceNow } from "./services.ts";
import { ipvsSwitches } from "./switches.ts";
import { runIPVSTimers } from "./timers.ts";

/** Connections and templates as `ipvsadm -Lnc` has them, the oldest first; the kernel's own order is that of its hash. */
export function listConnections(state: HostState): readonly Connection[] {
  runIPVSTimers(state);
  return state.ipvs.connections.all().sort((a, b) => a.id - b.id);
}

/** A template that a new connection would go by, with its virtual server. */
export interface LivingTemplate extends Connection {
  readonly key: VirtualServerKey;
}

/** The templates that new connections would go by, the oldest first: virtual servers that keep no clients any more ask none. */
export function listTemplates(host: Host, state: HostState): readonly LivingTemplate[] {
  const switches = ipvsSwitches(host);
  return listConnections(state).flatMap((template) => {
    const server = host.services.byId.get(template.service)?.description;
    if (!template.isTemplate || server?.persistence === undefined || !isTemplateValid(template, switches)) return [];
    return [{ ...template, key: server.key }];
  });
}

/** Whole seconds that a connection lives on. */
export function secondsLeft(state: HostState, { expires }: Connection): number {
  return Math.max(0, Math.floor((expires - state.now) / 1000));
}

const ipOf = (address: Address): IPAddress =>
  typeof address === "number" ? { family: "IPv4", value: address } : { family: "IPv6", words: address };

/**
 * The same as the lines of `ipvsadm -Lnc` (`formatIPVSConnections` prints them), from which `enterConnections` makes them again but for
 * their order, the parts of seconds, and what `ipvsadm` does not show.
 */
export function connectionLines(state: HostState): readonly IPVSConnection[] {
  return listConnections(state).map((each) => ({
    protocol: each.protocol,
    expires: secondsLeft(state, each),
    state: connectionStates.find((name) => name === each.state) ?? { unknown: each.state },
    source: { address: ipOf(each.client), port: each.clientPort },
    virtual: { address: ipOf(each.virtual), port: each.virtualPort },
    destination: { address: ipOf(each.real), port: each.realPort },
  }));
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
