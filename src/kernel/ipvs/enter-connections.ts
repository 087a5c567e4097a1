import type { IPVSConnection } from "../../rules/ipvs/model.ts";
import type { Host } from "../host.ts";
import { sameAddress } from "../packet.ts";
import type { HostState } from "../state.ts";
import { controlledBy, findTemplate, newConnection } from "./connections.ts";
import { recount } from "./destinations.ts";
import { isTemplate, type OpenOwner, type Owner, Owners, packetAddress } from "./listed-owner.ts";
import { maskedClient } from "./masked-client.ts";
import type { Connection } from "./model.ts";
import { isActive, knowsState, secondsIn } from "./states.ts";
import { ipvsSwitches } from "./switches.ts";

/** What a line of `ipvsadm -Lnc` leaves open: whose it is, or that its state is none that connections of its protocol have. */
export type OpenQuestion = OpenOwner | "no-such-state";

function stateOf({ state }: IPVSConnection): string {
  return typeof state === "string" ? state : state.unknown;
}

function enter(host: Host, state: HostState, line: IPVSConnection, owner: Owner): Connection {
  const { protocol, source, virtual, destination: real, expires } = line;
  const template = isTemplate(line);
  const name = stateOf(line);
  const connection = newConnection(
    state,
    {
      family: virtual.address.family,
      protocol,
      client: packetAddress(source.address),
      clientPort: source.port,
      virtual: packetAddress(virtual.address),
      virtualPort: virtual.port,
      realPort: real.port,
      isTemplate: template,
      onePacket: false,
      service: owner.service,
      destination: owner.destination,
      keepsConntrack: ipvsSwitches(host).conntrack,
    },
    name,
    expires * 1000,
  );
  const seconds = template
    ? (owner.description?.persistence?.timeout ?? expires)
    : secondsIn(protocol, name, host.ipvs?.timeouts);
  state.set(connection, "timeout", seconds * 1000);
  if (!template && isActive(protocol, name)) recount(state, connection, "active");
  return connection;
}

/**
 * The template that a connection was made by: that of its client and virtual server with the same real server, else one that has
 * become invalid. Whether there was one when it was made the listing does not tell.
 */
function templateOf(state: HostState, connection: Connection, { description }: Owner): Connection | undefined {
  const { family, client, virtual, virtualPort, destination } = connection;
  const key = description?.key;
  const length = description?.persistence?.maskLength ?? (family === "IPv4" ? 32 : 128);
  const masked = maskedClient(client, length);
  const byMark = key?.kind === "fwmark" ? key : undefined;
  const protocol = byMark === undefined ? connection.protocol : 0;
  const to = byMark === undefined ? virtual : family === "IPv4" ? byMark.mark : ([byMark.mark, 0, 0, 0] as const);
  for (const port of byMark === undefined ? [virtualPort, 0] : [0]) {
    const found = findTemplate(state.ipvs, family, protocol, masked, to, port);
    if (found?.destination === destination) return found;
  }
  return state.ipvs.connections
    .ofClient(family, protocol, masked, 0)
    .find((each) => each.isTemplate && each.destination === destination && sameAddress(each.virtual, to));
}

/**
 * Makes the lines of `ipvsadm -Lnc` connections and templates of a host that has seen no packet; the host's description has no
 * counts then, as they follow from the connections. A listing does not show everything. Whether the conntrack entry is kept
 * follows `net.ipv4.vs.conntrack`, the forwarding method is the real server's, a connection belongs to the template that its client has for
 * the same real server, and a template lives on as long as its virtual server says. Answers what each line leaves open, where
 * it does, by its index.
 */
export function enterConnections(
  host: Host,
  state: HostState,
  lines: readonly IPVSConnection[],
): ReadonlyMap<number, OpenQuestion> {
  const owners = new Owners(host, state);
  const open = new Map<number, OpenQuestion>();
  const entered: (readonly [Connection, Owner])[] = [];
  for (const [i, line] of lines.entries()) {
    const owner = owners.of(line);
    entered.push([enter(host, state, line, owner), owner]);
    if (!isTemplate(line) && !knowsState(line.protocol, stateOf(line))) open.set(i, "no-such-state");
    else if (owner.open !== undefined) open.set(i, owner.open);
  }
  for (const [connection, owner] of entered) {
    const template = connection.isTemplate ? undefined : templateOf(state, connection, owner);
    if (template !== undefined) controlledBy(state, connection, template);
  }
  return open;
}
