import type { HostState } from "../state.ts";
import { endConnection } from "./connections.ts";
import type { Connection } from "./model.ts";

/** A template that still has connections waits so long, again and again. */
const DEFERRAL = 60_000;

/** `ip_vs_conn_expire`, when the timer of a connection fires. True: it ended. */
function expire(state: HostState, connection: Connection): boolean {
  if (connection.controls > 0) {
    state.set(connection, "timeout", DEFERRAL);
    state.set(connection, "expires", connection.expires + DEFERRAL);
    return false;
  }
  endConnection(state, connection);
  return true;
}

const bySoonest = (a: Connection, b: Connection): number => a.expires - b.expires || a.id - b.id;

/** Connections of deleted real servers end, and templates of theirs that are left alone (`ip_vs_expire_nodest_conn_flush`). */
function flushDeleted(state: HostState): void {
  const all = new Set(state.ipvs.connections.all().sort((a, b) => a.id - b.id));
  const end = (connection: Connection): void => {
    all.delete(connection);
    endConnection(state, connection);
  };
  for (const connection of all) {
    if (connection.destination.available || connection.controls > 0) continue;
    const { control } = connection;
    end(connection);
    if (control !== undefined && control.controls === 0 && all.has(control)) end(control);
  }
}

/**
 * What ip_vs does by itself as time passes: connections end whose time has come, each at its own, and those of deleted real servers
 * where the host wants so. The kernel's timer wheel is late by up to an eighth of the timeout (ipvs-mode §9.1); here they end
 * in time. To be called whenever the clock has moved, before anything is looked at.
 */
export function runIPVSTimers(state: HostState): void {
  const { ipvs, now } = state;
  if (ipvs.flushAt <= now) {
    state.set(ipvs, "flushAt", Number.POSITIVE_INFINITY);
    flushDeleted(state);
  }
  if (ipvs.nextExpiry >= now) return;
  const due = ipvs.connections.all().filter((each) => each.expires < now);
  due.sort(bySoonest);
  for (let next = due.shift(); next !== undefined; next = due.shift()) {
    if (expire(state, next) || next.expires >= now) continue;
    due.push(next);
    due.sort(bySoonest);
  }
  let soonest = Number.POSITIVE_INFINITY;
  for (const { expires } of ipvs.connections.all()) soonest = Math.min(soonest, expires);
  state.set(ipvs, "nextExpiry", soonest);
}
