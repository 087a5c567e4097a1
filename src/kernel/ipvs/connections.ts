import type { IPFamily } from "../../net/family.ts";
import { findEntry, removeEntry } from "../conntrack/table.ts";
import { type Address, sameAddress } from "../packet.ts";
import type { HostState } from "../state.ts";
import { bind, unbind } from "./destinations.ts";
import type { Connection, IPVSTables } from "./model.ts";
import type { IPVSSwitches } from "./switches.ts";

/** One direction of a packet: who it comes from and whom it goes to. */
export interface Flow {
  readonly family: IPFamily;
  readonly protocol: number;
  readonly src: Address;
  readonly dst: Address;
  readonly sport: number;
  readonly dport: number;
}

/** The same with source and destination exchanged: of packets that errors quote. */
export function inverse({ family, protocol, src, dst, sport, dport }: Flow): Flow {
  return { family, protocol, src: dst, dst: src, sport: dport, dport: sport };
}

/** The connection of a packet from client to virtual server (`ip_vs_conn_in_get`). */
export function findRequest(
  tables: IPVSTables,
  { family, protocol, src, dst, sport, dport }: Flow,
): Connection | undefined {
  if (tables.connections.size === 0) return undefined;
  return tables.connections
    .ofClient(family, protocol, src, sport)
    .find((each) => !each.isTemplate && each.virtualPort === dport && sameAddress(each.virtual, dst));
}

/** The connection of a packet from real server to client (`ip_vs_conn_out_get`). */
export function findReply(
  tables: IPVSTables,
  { family, protocol, src, dst, sport, dport }: Flow,
): Connection | undefined {
  if (tables.connections.size === 0) return undefined;
  return tables.connections
    .ofClient(family, protocol, dst, dport)
    .find((each) => !each.isTemplate && each.realPort === sport && sameAddress(each.real, src));
}

/** The template of a client (`ip_vs_ct_in_get`). */
export function findTemplate(
  tables: IPVSTables,
  family: IPFamily,
  protocol: number,
  client: Address,
  virtual: Address,
  virtualPort: number,
): Connection | undefined {
  return tables.connections
    .ofClient(family, protocol, client, 0)
    .find((each) => each.isTemplate && each.virtualPort === virtualPort && sameAddress(each.virtual, virtual));
}

/** Would a new connection still go by a template (`ip_vs_check_template`)? */
export function isTemplateValid({ destination }: Connection, { expireQuiescentTemplate }: IPVSSwitches): boolean {
  return destination.available && !(destination.weight === 0 && expireQuiescentTemplate);
}

/** What a new connection is made of. */
export type NewConnection = Pick<
  Connection,
  | "family"
  | "protocol"
  | "client"
  | "clientPort"
  | "virtual"
  | "virtualPort"
  | "realPort"
  | "isTemplate"
  | "onePacket"
  | "service"
  | "destination"
  | "keepsConntrack"
>;

/** A connection lives so long before its first state. */
const FIRST_TIMEOUT = 3000;

/** `ip_vs_conn_new`: the newest comes first, and counts as inactive. `lives`: milliseconds until it ends. */
export function newConnection(
  state: HostState,
  given: NewConnection,
  firstState: string,
  lives: number = FIRST_TIMEOUT,
): Connection {
  const { ipvs } = state;
  const connection: Connection = {
    id: ipvs.nextId,
    family: given.family,
    protocol: given.protocol,
    client: given.client,
    clientPort: given.clientPort,
    virtual: given.virtual,
    virtualPort: given.virtualPort,
    real: given.destination.address,
    realPort: given.realPort,
    isTemplate: given.isTemplate,
    onePacket: given.onePacket,
    service: given.service,
    destination: given.destination,
    state: firstState,
    timeout: lives,
    expires: state.now + lives,
    counted: given.isTemplate ? "persistent" : "inactive",
    control: undefined,
    controls: 0,
    keepsConntrack: given.keepsConntrack,
  };
  state.set(ipvs, "nextId", ipvs.nextId + 1);
  if (!given.onePacket) {
    state.enter(ipvs.connections, connection);
    hasten(state, connection.expires);
  }
  bind(state, connection);
  return connection;
}

/** The next timer fires at this time, if not earlier. */
function hasten(state: HostState, time: number): void {
  if (time < state.ipvs.nextExpiry) state.set(state.ipvs, "nextExpiry", time);
}

/** A packet restarts the timer (`ip_vs_conn_put`). */
export function restart(state: HostState, connection: Connection): void {
  const expires = state.now + connection.timeout;
  if (connection.expires !== expires) state.set(connection, "expires", expires);
  hasten(state, expires);
}

/** It ends as soon as time passes (`ip_vs_conn_expire_now`). */
export function expireNow(state: HostState, connection: Connection): void {
  if (connection.expires <= state.now) return;
  state.set(connection, "expires", state.now);
  hasten(state, state.now);
}

/** A connection belongs to a template (`ip_vs_control_add`). */
export function controlledBy(state: HostState, connection: Connection, template: Connection): void {
  state.set(connection, "control", template);
  state.set(template, "controls", template.controls + 1);
}

/** Takes a connection out of the table for good (`ip_vs_conn_expire`), and its conntrack entry with it. */
export function endConnection(state: HostState, connection: Connection): void {
  const { ipvs } = state;
  if (!connection.onePacket) {
    state.leave(ipvs.connections, connection);
    if (connection.keepsConntrack) dropConntrack(state, connection);
  }
  const { control } = connection;
  if (control !== undefined) {
    state.set(control, "controls", control.controls - 1);
    state.set(connection, "control", undefined);
  }
  unbind(state, connection);
}

/** `ip_vs_conn_drop_conntrack` */
function dropConntrack(state: HostState, connection: Connection): void {
  const { family, protocol, client, clientPort, virtual, virtualPort } = connection;
  const tuple = { family, protocol, src: client, dst: virtual, sport: clientPort, dport: virtualPort };
  const found = findEntry(state, tuple, 0);
  if (found !== undefined) removeEntry(state, found.entry);
}
