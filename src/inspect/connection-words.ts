import type { IPVSConnection } from "../rules/ipvs/model.ts";

/** Does the text show a template: a client without a port, in one of the states that only templates have there (ipvs-mode §9.5)? */
export function isTemplateLine({ source, state }: IPVSConnection): boolean {
  return source.port === 0 && (state === "NONE" || state === "ASSURED");
}

/** A template that became invalid is listed with impossible ports. */
export function isInvalidTemplate(connection: IPVSConnection): boolean {
  return isTemplateLine(connection) && connection.virtual.port === 65535 && connection.destination.port === 65535;
}

const TCP = 6;
const SCTP = 132;

/** What the states of TCP connections mean (ipvs-mode §9.3); those without words of their own are passing ones. */
const tcpWords: ReadonlyMap<string, string> = new Map([
  ["NONE", "nothing was seen of it"],
  ["ESTABLISHED", "open"],
  ["SYN_RECV", "the client's SYN was sent on, its ACK has not come"],
  ["SYN_SENT", "opened from the real server's side"],
  ["FIN_WAIT", "the real server has closed its side"],
  ["CLOSE_WAIT", "the client has closed its side"],
  ["TIME_WAIT", "closed on both sides"],
  ["CLOSE", "reset"],
  ["LAST_ACK", "about to be closed"],
]);

const sctpWords: ReadonlyMap<string, string> = new Map([
  ["ESTABLISHED", "open"],
  ["S-SENT", "the real server shuts it down"],
  ["S-RECEIVED", "the client shuts it down"],
  ["S-ACK-SENT", "about to be closed"],
  ["REJECTED", "refused"],
  ["CLOSED", "closed"],
]);

/** The TCP states that count in ActiveConn (`tcp_state_active_table`); of SCTP it is ESTABLISHED alone. */
const ACTIVE: ReadonlySet<string> = new Set(["ESTABLISHED", "SYN_SENT", "SYN_RECV", "SYNACK"]);

const stateName = ({ state }: IPVSConnection): string => (typeof state === "string" ? state : state.unknown);

/** Does a connection count in ActiveConn? */
export function countsAsActive(connection: IPVSConnection): boolean {
  const name = stateName(connection);
  if (connection.protocol === TCP) return ACTIVE.has(name);
  return connection.protocol === SCTP && name === "ESTABLISHED";
}

function stateWords(connection: IPVSConnection): string {
  const { protocol, state } = connection;
  const name = stateName(connection);
  if (typeof state !== "string") return `${name}, which is no state that is known`;
  if (protocol !== TCP && protocol !== SCTP) return name;
  const words = (protocol === TCP ? tcpWords : sctpWords).get(name);
  return `${name}: ${words ?? "in its handshake"}`;
}

/** Minutes and seconds as the listing has them. */
function timeWords({ expires }: IPVSConnection): string {
  return expires < 60 ? `${expires} s` : `${Math.floor(expires / 60)} min ${expires % 60} s`;
}

/** What a line of `ipvsadm -Lnc` says, in words. */
export function connectionWords(connection: IPVSConnection): string {
  const left = timeWords(connection);
  if (isInvalidTemplate(connection))
    return `no longer valid: its real server is gone or has weight 0; it ends in ${left}`;
  if (isTemplateLine(connection)) {
    const works = connection.state === "ASSURED" ? "" : ", none of whose connections has come about yet";
    return `the client stays with this real server${works}; ends in ${left} without a new connection`;
  }
  const counts = countsAsActive(connection) ? "active" : "inactive";
  return `${stateWords(connection)}; ${counts}; ends in ${left} without a packet`;
}
