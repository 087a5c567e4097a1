import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";
import { recount } from "./destinations.ts";
import type { Connection } from "./model.ts";
import { type ConnectionDirection, isActive, nextState, secondsIn } from "./states.ts";

/** The template of a connection that works is sure (`ip_vs_control_assure_ct`). */
function assure(walk: Walk, { control }: Connection): void {
  if (control !== undefined && control.state !== "ASSURED") walk.state.set(control, "state", "ASSURED");
}

/** What a packet does to its connection's state, its counts, and the time it lives on (`ip_vs_set_state`). */
export function stepState(walk: Walk, connection: Connection, direction: ConnectionDirection, skb: Skb): void {
  const { state } = walk;
  const { protocol } = connection;
  const next = nextState(protocol, connection.state, direction, skb);
  if (next !== connection.state) {
    recount(state, connection, isActive(protocol, next) ? "active" : "inactive");
    state.set(connection, "state", next);
    if (next === "ESTABLISHED") assure(walk, connection);
  }
  if (next === "UDP" && direction === "out") assure(walk, connection);
  const timeout = 1000 * secondsIn(protocol, next, walk.host.ipvs?.timeouts);
  if (connection.timeout !== timeout) state.set(connection, "timeout", timeout);
}
