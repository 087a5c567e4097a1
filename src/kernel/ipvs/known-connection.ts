import type { Stop } from "../outcome.ts";
import { protocols, tcpFlag } from "../packet.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";
import { unmodelledMethod } from "./choose.ts";
import { expireNow } from "./connections.ts";
import { usesOldEntry } from "./conntrack.ts";
import type { Connection } from "./model.ts";
import { findService } from "./service-index.ts";
import { chunkType, knowsState } from "./states.ts";
import { ipvsSwitches } from "./switches.ts";

const dropped = (why: "real-server-gone" | "reopened"): Stop => ({
  kind: "dropped",
  cause: { kind: "virtual-server", why },
});

/** Does the packet want a new connection (`is_new_conn`)? */
function isNew({ protocol, flags, chunks }: Skb): boolean {
  if (protocol === protocols.tcp) return (flags & tcpFlag.SYN) !== 0;
  return protocol === protocols.sctp && chunks[0] === chunkType.init;
}

/** `is_new_conn_expected` */
function isOver({ control, protocol, state }: Connection): boolean {
  if (control !== undefined) return false;
  if (protocol === protocols.tcp) return state === "TIME_WAIT" || state === "CLOSE";
  return protocol === protocols.sctp && state === "CLOSED";
}

/** What a packet's connection means for it: it goes on with it, it needs a new one, or it is dropped (ipvs-mode §8.3). */
export function checkExisting(walk: Walk, skb: Skb, connection: Connection): Connection | Stop | undefined {
  const { expireNodestConn, connReuseMode } = ipvsSwitches(walk.host);
  const { weight, available } = connection.destination;
  if (skb.fragmentOffset === 0 && isNew(skb)) {
    const unwanted = expireNodestConn && weight === 0;
    if (unwanted || (connReuseMode !== 0 && isOver(connection))) return giveUp(walk, skb, connection, "reopened");
  }
  if (available) return connection;
  return expireNodestConn ? giveUp(walk, skb, connection, "real-server-gone") : dropped("real-server-gone");
}

/** The connection ends; a packet that still belongs to its conntrack entry is dropped, and sent once more by the client. */
function giveUp(walk: Walk, skb: Skb, connection: Connection, why: "reopened" | "real-server-gone"): Stop | undefined {
  const isOld = usesOldEntry(connection, skb);
  if (!isOld && connection.keepsConntrack) walk.state.set(connection, "keepsConntrack", false);
  if (connection.controls === 0 || why === "real-server-gone") expireNow(walk.state, connection);
  return isOld ? dropped(why) : undefined;
}

/** What is not known of the packets of a connection that was listed: a state nobody has, a method that is not modelled. */
export function whatIsOpen({ protocol, state, destination: { method } }: Connection): Stop | undefined {
  if (!knowsState(protocol, state))
    return { kind: "unknown", what: { what: `what ip_vs does with a connection in state ${state}` } };
  return method === "masquerade" ? undefined : { kind: "unknown", what: { what: unmodelledMethod(method) } };
}

/**
 * Conntrack knows the flow that a packet belongs to, and a virtual server is at its end: then ip_vs most likely knows it too, but its
 * connections were not listed.
 */
export function isUntold({ host }: Walk, { entry }: Skb): boolean {
  if (host.ipvsPast?.connections !== "not-listed" || entry?.confirmed !== true) return false;
  return findService(host.services, { ...entry.original, family: entry.original.family, mark: 0 }) !== undefined;
}

/** The end of such a packet. */
export const untold: Stop = {
  kind: "unknown",
  what: { what: "which connection ip_vs has for the one that conntrack knows (ipvsadm -Lnc tells)" },
};
