import { answerError } from "../answer.ts";
import { collect, isWhole } from "../defrag.ts";
import { view } from "../nat/rewrite.ts";
import type { Stop } from "../outcome.ts";
import { type Packet, protocols, sameAddress, tcpFlag } from "../packet.ts";
import { routeAgain } from "../routing/output.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";
import { endConnection, findReply, findRequest, inverse, restart } from "./connections.ts";
import { updateEntry } from "./conntrack.ts";
import { realAddress } from "./destinations.ts";
import { checkExisting, isUntold, untold, whatIsOpen } from "./known-connection.ts";
import type { Connection } from "./model.ts";
import { tryToSchedule } from "./schedule.ts";
import { stepState } from "./state-step.ts";
import { chunkType } from "./states.ts";
import { ipvsSwitches } from "./switches.ts";
import { rewriteError, type Stolen, transmitError, transmitToRealServer } from "./transmit.ts";

/** What a hook of ip_vs says: nothing, and the packet goes on to the next thing there. */
type Verdict = Stop | Stolen | undefined;

const dropped = (why: "malformed" | "no-connection"): Stop => ({
  kind: "dropped",
  cause: { kind: "virtual-server", why },
});

/** Are the hooks of a packet's family there (ipvs-mode §8.1)? They stay when the last virtual server goes. */
function isHooked({ host, state }: Walk, { family }: Skb): boolean {
  return host.services.families.has(family) || state.ipvs.connections.size > 0 || state.ipvs.services.size > 0;
}

const balances = (protocol: number): boolean =>
  protocol === protocols.tcp || protocol === protocols.udp || protocol === protocols.sctp;

const isICMP = ({ family, protocol }: Packet): boolean =>
  protocol === (family === "IPv4" ? protocols.icmp : protocols.icmpv6);

/** Errors that ip_vs looks into: unreachable, source quench, time exceeded; of ICMPv6 all. */
function concernsConnections({ family, icmpType }: Packet): boolean {
  return family === "IPv4" ? icmpType === 3 || icmpType === 4 || icmpType === 11 : icmpType < 128;
}

/** The quoted packet that a connection may be found by. */
function quoted(skb: Skb): Packet | undefined {
  const { inner } = skb;
  if (inner === undefined || !concernsConnections(skb)) return undefined;
  return inner.family === skb.family && balances(inner.protocol) && inner.fragmentOffset === 0 ? inner : undefined;
}

function recordConnection(walk: Walk, connection: Connection, what: "new" | "request" | "reply" | "error"): void {
  if (walk.record === undefined) return;
  const { id, protocol, client, clientPort, virtual, virtualPort, real, realPort, state } = connection;
  walk.record({
    kind: "ipvs-connection",
    what,
    id,
    protocol,
    client: { address: client, port: clientPort },
    virtual: { address: virtual, port: virtualPort },
    real: { address: real, port: realPort },
    state,
  });
}

/** `ip_vs_in_hook`: LOCAL_IN 99, LOCAL_OUT -98. */
export function requestHook(walk: Walk, skb: Skb): Verdict {
  if (skb.isIPVS || !isHooked(walk, skb)) return undefined;
  if (skb.route?.kind === "local" && skb.route.cast !== "unicast") return undefined;
  if (isICMP(skb)) return errorToRealServer(walk, skb);
  if (!balances(skb.protocol)) return undefined;
  const known = findRequest(walk.state.ipvs, skb);
  const checked = known && checkExisting(walk, skb, known);
  if (checked !== undefined && "kind" in checked) return checked;
  const connection = checked ?? started(walk, skb);
  if (connection === undefined || "kind" in connection) return connection;
  const open = checked === undefined ? undefined : whatIsOpen(checked);
  if (open !== undefined) return open;
  stepState(walk, connection, "in", skb);
  recordConnection(walk, connection, checked === undefined ? "new" : "request");
  const verdict = transmitToRealServer(walk, skb, connection);
  release(walk, connection);
  return verdict;
}

/** A packet is done with its connection: the timer starts anew, and one of one-packet scheduling ends. */
function release(walk: Walk, connection: Connection): void {
  if (connection.onePacket) endConnection(walk.state, connection);
  else restart(walk.state, connection);
}

/** A connection for a packet that has none; what ends its way, or nothing where it is none of ip_vs' affair. */
function started(walk: Walk, skb: Skb): Connection | Stop | undefined {
  if (isUntold(walk, skb)) return untold;
  const scheduled = tryToSchedule(walk, skb);
  switch (scheduled.kind) {
    case "connection":
      return scheduled.connection;
    case "accepted":
      return undefined;
    case "malformed":
      return dropped("malformed");
    case "unknown":
      return { kind: "unknown", what: { what: scheduled.what } };
    case "nobody": {
      const v4 = skb.family === "IPv4";
      answerError(walk, skb, v4 ? 3 : 1, v4 ? 3 : 4);
      const { key } = scheduled.service;
      return { kind: "stuck", why: "the virtual server has no real server to give", virtualServer: key };
    }
  }
}

/**
 * Does ip_vs find the checksum of an error about a request wrong (`ip_vs_checksum_complete`)? Of ICMPv6 it sums up too little, and finds
 * all of them wrong but those that conntrack or NAT looked at before.
 */
function isRefused(skb: Skb): boolean {
  return skb.badChecksum || (skb.family === "IPv6" && !skb.isChecked);
}

/** `ip_vs_in_icmp`: an error about a reply, from the client's side. */
function errorToRealServer(walk: Walk, skb: Skb): Verdict {
  const inner = quoted(skb);
  if (inner === undefined) return undefined;
  const connection = findRequest(walk.state.ipvs, inverse(inner));
  if (connection === undefined) {
    if (!ipvsSwitches(walk.host).scheduleICMP) return undefined;
    const what = "an ICMP error starts a connection of a virtual server (net.ipv4.vs.schedule_icmp)";
    return walk.chooser.unknown({ what }) ? { kind: "unknown", what: { what } } : undefined;
  }
  // `ip_vs_in_icmp_v6` does not look at the checksum
  if (skb.badChecksum && skb.family === "IPv4") return dropped("malformed");
  recordConnection(walk, connection, "error");
  return transmitError(walk, skb, connection);
}

/** `ip_vs_forward_icmp`: FORWARD 99. */
export function forwardErrorHook(walk: Walk, skb: Skb): Verdict {
  if (!isICMP(skb) || !isHooked(walk, skb)) return undefined;
  return errorToRealServer(walk, skb);
}

/** `ip_vs_out_hook`: LOCAL_IN 98, FORWARD 100, LOCAL_OUT -99. */
export function replyHook(walk: Walk, skb: Skb): Verdict {
  if (skb.isIPVS || !isHooked(walk, skb)) return undefined;
  if (isICMP(skb)) return errorFromRealServer(walk, skb);
  if (!balances(skb.protocol)) return undefined;
  if (skb.family === "IPv4" && !isWhole(skb) && !collect(walk, skb))
    return { kind: "dropped", cause: { kind: "fragment-waits" } };
  const connection = findReply(walk.state.ipvs, skb);
  if (connection === undefined) return withoutConnection(walk, skb);
  const open = whatIsOpen(connection);
  if (open !== undefined) return open;
  recordConnection(walk, connection, "reply");
  const before = walk.record === undefined ? undefined : view(skb);
  skb.src = connection.virtual;
  skb.sport = connection.virtualPort;
  if (before !== undefined) walk.record?.({ kind: "translated", part: "source", before, after: view(skb) });
  const stop = rerouteReply(walk, skb);
  if (stop !== undefined) return stop;
  stepState(walk, connection, "out", skb);
  skb.isIPVS = true;
  updateEntry(walk, skb, connection, "out");
  restart(walk.state, connection);
  return undefined;
}

/** `ip_vs_out_icmp`: an error about a request, from the real server's side. */
function errorFromRealServer(walk: Walk, skb: Skb): Verdict {
  const inner = quoted(skb);
  if (inner === undefined) return undefined;
  const connection = findReply(walk.state.ipvs, inverse(inner));
  if (connection === undefined) return undefined;
  if (isRefused(skb)) return dropped("malformed");
  recordConnection(walk, connection, "error");
  rewriteError(walk, skb, connection, "out");
  const stop = rerouteReply(walk, skb);
  if (stop !== undefined) return stop;
  skb.isIPVS = true;
  updateEntry(walk, skb, connection, "out");
  return undefined;
}

/** `ip_vs_route_me_harder`: a reply to others is routed as one that this host sends. */
function rerouteReply(walk: Walk, skb: Skb): Stop | undefined {
  if (walk.hook === "INPUT" || skb.route?.kind === "local" || !ipvsSwitches(walk.host).snatReroute) return undefined;
  const decision = routeAgain(walk, skb);
  walk.record?.({ kind: "routed", decision, again: true });
  if (decision.kind === "refused") return { kind: "no-route", where: "again", type: decision.type };
  if (decision.kind === "martian") return { kind: "no-route", where: "again", type: decision.reason };
  skb.route = decision;
  return undefined;
}

/** With `nat_icmp_send` a real server is told that nobody knows the connection it speaks of. */
function withoutConnection(walk: Walk, skb: Skb): Verdict {
  if (skb.direction === 1 && isUntold(walk, skb)) return untold;
  if (!ipvsSwitches(walk.host).natICMPSend || !isRealServer(walk, skb)) return undefined;
  const ends =
    (skb.protocol === protocols.tcp && (skb.flags & tcpFlag.RST) !== 0) ||
    (skb.protocol === protocols.sctp && skb.chunks[0] === chunkType.abort);
  if (ends) return undefined;
  const v4 = skb.family === "IPv4";
  answerError(walk, skb, v4 ? 3 : 1, v4 ? 3 : 4);
  return dropped("no-connection");
}

/** `ip_vs_has_real_service` */
function isRealServer({ host }: Walk, { protocol, src, sport }: Skb): boolean {
  return (host.ipvs?.virtualServers ?? []).some(
    ({ key, realServers }) =>
      (key.kind === "fwmark" || key.protocol === protocol) &&
      realServers.some((each) => each.port === sport && sameAddress(realAddress(each), src)),
  );
}
