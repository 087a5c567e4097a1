import type { RealServerName } from "../../rules/ipvs/command.ts";
import type { RealServer } from "../../rules/ipvs/model.ts";
import { type Address, sameAddress } from "../packet.ts";
import type { HostState } from "../state.ts";
import type { Connection, Destination } from "./model.ts";
import { schedulerOf } from "./schedulers/registry.ts";
import type { ListChange } from "./schedulers/scheduler.ts";
import type { Service } from "./service.ts";

/** The address of a real server as packets hold it. */
export function realAddress({ address }: RealServerName): Address {
  return address.family === "IPv4" ? address.value : address.words;
}

/** A deleted real server is kept as long as connections refer to it, and at least so long (`IP_VS_DEST_TRASH_PERIOD`). */
const TRASH_PERIOD = 120_000;

const trashKey = (service: string, address: Address, port: number): string =>
  `${service} ${typeof address === "number" ? address : address.join(".")} ${port}`;

/** Tells the scheduler of a change of the list. */
function notify(state: HostState, service: Service, change: ListChange): void {
  const scheduler = schedulerOf(service.description.scheduler);
  if (scheduler?.changed === undefined) return;
  const memory = scheduler.changed(service.memory, service, change);
  if (memory !== service.memory) state.set(service, "memory", memory);
}

/** `__ip_vs_update_dest`: weight and thresholds as configured. */
function update(state: HostState, destination: Destination, { weight, upper, lower, method }: RealServer): void {
  if (destination.weight !== weight) state.set(destination, "weight", weight);
  if (weight !== 0 && destination.lastWeight !== weight) state.set(destination, "lastWeight", weight);
  if (destination.overloaded && (upper === 0 || upper > destination.upper)) state.set(destination, "overloaded", false);
  if (destination.upper !== upper) state.set(destination, "upper", upper);
  if (destination.lower !== lower) state.set(destination, "lower", lower);
  if (destination.method !== method) state.set(destination, "method", method);
}

/** Takes one back that was deleted a short time ago or that connections refer to (`ip_vs_trash_get_dest`). */
function revived(state: HostState, service: Service, given: RealServer): Destination | undefined {
  const key = trashKey(service.id, realAddress(given), given.port);
  const found = state.ipvs.trash.get(key);
  if (found === undefined) return undefined;
  state.remove(state.ipvs.trash, key);
  const { destination, since } = found;
  const isIdle = destination.active + destination.inactive + destination.persistent === 0;
  if (isIdle && state.now - since > TRASH_PERIOD) return undefined;
  state.set(destination, "available", true);
  return destination;
}

/** A real server to which nothing refers yet but the connections that its description counts. */
export function newDestination(given: RealServer): Destination {
  const { active = 0, inactive = 0 } = given.connections ?? {};
  return {
    family: given.address.family,
    address: realAddress(given),
    port: given.port,
    weight: given.weight,
    lastWeight: given.weight,
    available: true,
    overloaded: given.upper !== 0 && active + inactive >= given.upper,
    upper: given.upper,
    lower: given.lower,
    method: given.method,
    active,
    inactive,
    persistent: 0,
  };
}

/** `ip_vs_add_dest`: it goes to the head of the list. */
export function addDestination(state: HostState, service: Service, given: RealServer): void {
  const back = revived(state, service, given);
  if (back !== undefined) update(state, back, given);
  const destination = back ?? newDestination(given);
  state.set(service, "destinations", [destination, ...service.destinations]);
  notify(state, service, { kind: "added", destination });
}

/** `ip_vs_edit_dest` */
export function editDestination(state: HostState, service: Service, destination: Destination, given: RealServer): void {
  update(state, destination, given);
  notify(state, service, { kind: "edited", destination });
}

/** `ip_vs_del_dest` */
export function deleteDestination(state: HostState, service: Service, destination: Destination): void {
  const { destinations } = service;
  const before = destinations[destinations.indexOf(destination) - 1];
  const rest = destinations.filter((each) => each !== destination);
  state.set(service, "destinations", rest);
  notify(state, service, { kind: "removed", destination, before });
  trash(state, service, destination);
}

/** Unlinks a real server: connections keep it, and new ones do not get it (`__ip_vs_del_dest`). */
export function trash(state: HostState, service: Service, destination: Destination): void {
  state.set(destination, "available", false);
  const key = trashKey(service.id, destination.address, destination.port);
  state.put(state.ipvs.trash, key, { destination, since: state.now });
}

/** A deleted real server of which connections tell; what it was besides its address nobody knows. */
export function deletedDestination(
  state: HostState,
  service: string,
  { address, port }: Pick<RealServer, "address" | "port">,
): Destination {
  const given: RealServer = { address, port, method: "masquerade", weight: 0, upper: 0, lower: 0 };
  const key = trashKey(service, realAddress(given), port);
  const known = state.ipvs.trash.get(key);
  if (known !== undefined) return known.destination;
  const destination = { ...newDestination(given), available: false };
  state.put(state.ipvs.trash, key, { destination, since: state.now });
  return destination;
}

/** The real server of a list that has an address and port. */
export function findDestination(service: Service, given: RealServerName): Destination | undefined {
  const address = realAddress(given);
  return service.destinations.find((each) => each.port === given.port && sameAddress(each.address, address));
}

const connectionsOf = ({ active, inactive }: Destination): number => active + inactive;

/** Counts a new connection of a real server (`ip_vs_bind_dest`). */
export function bind(state: HostState, { destination, counted }: Connection): void {
  state.set(destination, counted, destination[counted] + 1);
  if (destination.upper !== 0 && connectionsOf(destination) >= destination.upper && !destination.overloaded)
    state.set(destination, "overloaded", true);
}

/** Moves a connection from one count to the other. */
export function recount(state: HostState, connection: Connection, counted: "active" | "inactive"): void {
  const { destination } = connection;
  if (connection.counted === counted) return;
  state.set(destination, connection.counted, destination[connection.counted] - 1);
  state.set(destination, counted, destination[counted] + 1);
  state.set(connection, "counted", counted);
}

/** Counts a connection that ended (`ip_vs_unbind_dest`). */
export function unbind(state: HostState, { destination, counted }: Connection): void {
  state.set(destination, counted, destination[counted] - 1);
  if (!destination.overloaded) return;
  const { upper, lower } = destination;
  const total = connectionsOf(destination);
  const isBelow = lower !== 0 ? total < lower : upper === 0 || total * 4 < upper * 3;
  if (isBelow) state.set(destination, "overloaded", false);
}
