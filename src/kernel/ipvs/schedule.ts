import type { VirtualServer } from "../../rules/ipvs/model.ts";
import { type Address, protocols, tcpFlag } from "../packet.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";
import { choose, recordChoice } from "./choose.ts";
import {
  controlledBy,
  findRequest,
  findTemplate,
  inverse,
  isTemplateValid,
  newConnection,
  restart,
} from "./connections.ts";
import { maskedClient } from "./masked-client.ts";
import type { Connection, Destination } from "./model.ts";
import type { Service } from "./service.ts";
import { findService } from "./service-index.ts";
import { serviceOf } from "./services.ts";
import { chunkType, firstState } from "./states.ts";
import { ipvsSwitches } from "./switches.ts";

/** What becomes of a packet without a connection. */
export type Scheduled =
  | { readonly kind: "connection"; readonly connection: Connection }
  /** None of ip_vs' affair: it goes on as if there were no virtual server. */
  | { readonly kind: "accepted" }
  /** The virtual server has no real server to give. */
  | { readonly kind: "nobody"; readonly service: Service }
  | { readonly kind: "malformed" }
  /** What is not modelled, in words. */
  | { readonly kind: "unknown"; readonly what: string };

const accepted: Scheduled = { kind: "accepted" };
const FTP_PORT = 21;
const FTP_DATA_PORT = 20;

/** May a packet start a connection (`tcp_conn_schedule`, `sctp_conn_schedule`, ipvs-mode §8.4)? */
function mayStart(walk: Walk, { protocol, flags, chunks }: Skb): boolean | "malformed" {
  const { sloppyTCP, sloppySCTP } = ipvsSwitches(walk.host);
  if (protocol === protocols.tcp) {
    if (flags & tcpFlag.RST) return false;
    return sloppyTCP || (flags & tcpFlag.SYN) !== 0;
  }
  if (protocol === protocols.sctp) {
    const [first] = chunks;
    if (first === undefined) return "malformed";
    return first !== chunkType.abort && (sloppySCTP || first === chunkType.init);
  }
  return true;
}

/** `ip_vs_try_to_schedule` */
export function tryToSchedule(walk: Walk, skb: Skb): Scheduled {
  if (skb.fragmentOffset !== 0) return accepted;
  const may = mayStart(walk, skb);
  if (may === "malformed") return { kind: "malformed" };
  if (!may) return accepted;
  const server = findService(walk.host.services, skb);
  return server === undefined ? accepted : schedule(walk, skb, serviceOf(walk.host, walk.state, server));
}

/** `ip_vs_schedule` */
function schedule(walk: Walk, skb: Skb, service: Service): Scheduled {
  if (skb.sport === FTP_DATA_PORT) return accepted;
  const isOwn = skb.inInterface === undefined || skb.inInterface.loopback;
  if (isOwn && findRequest(walk.state.ipvs, inverse(skb)) !== undefined) return accepted;
  const { persistence } = service.description;
  if (persistence !== undefined) return schedulePersistent(walk, skb, service, persistence);
  const port = portOf(service);
  if (port !== undefined && port !== skb.dport) {
    recordChoice(walk, service, undefined, "other-port");
    return leave(skb, service);
  }
  const choice = choose(walk, skb, service);
  if (typeof choice === "string") return { kind: "unknown", what: choice };
  if (choice === undefined) return leave(skb, service);
  return { kind: "connection", connection: connect(walk, skb, service, choice.destination) };
}

/** The port of a virtual server; one by firewall mark has none. */
function portOf({ key }: Service): number | undefined {
  return key.kind === "fwmark" ? undefined : key.port;
}

/** `ip_vs_leave`: what a service of port 21 found for another port is none of its affair. */
function leave(skb: Skb, service: Service): Scheduled {
  return portOf(service) === FTP_PORT && skb.dport !== FTP_PORT ? accepted : { kind: "nobody", service };
}

/** The connection of a packet to a real server; without a port of its own that one gets the packet's. */
function connect(walk: Walk, skb: Skb, service: Service, destination: Destination): Connection {
  const { host, state } = walk;
  const { protocol } = skb;
  const keepsPort =
    destination.port === 0 || (service.description.persistence !== undefined && portOf(service) !== skb.dport);
  return newConnection(
    state,
    {
      family: skb.family,
      protocol,
      client: skb.src,
      clientPort: skb.sport,
      virtual: skb.dst,
      virtualPort: skb.dport,
      realPort: keepsPort ? skb.dport : destination.port,
      isTemplate: false,
      onePacket: service.description.onePacket && protocol === protocols.udp,
      service: service.id,
      destination,
      keepsConntrack: ipvsSwitches(host).conntrack,
    },
    firstState(protocol),
  );
}

/** Of an invalid template: a port that no packet has. */
const IMPOSSIBLE_PORT = 65535;

/** `ip_vs_check_template`: one whose real server is gone or wanted no more becomes such that nothing finds it. */
function isValid(walk: Walk, template: Connection): boolean {
  if (isTemplateValid(template, ipvsSwitches(walk.host))) return true;
  walk.state.set(template, "virtualPort", IMPOSSIBLE_PORT);
  walk.state.set(template, "realPort", IMPOSSIBLE_PORT);
  return false;
}

/** `ip_vs_sched_persist`: the template says who; without a valid one the scheduler does, and a template is made. */
function schedulePersistent(
  walk: Walk,
  skb: Skb,
  service: Service,
  { timeout, maskLength }: NonNullable<VirtualServer["persistence"]>,
): Scheduled {
  const { state, host } = walk;
  const { key } = service;
  const ownPort = key.kind === "address" && key.port === skb.dport && key.port !== FTP_PORT;
  const byMark: Address | undefined =
    key.kind === "address" ? undefined : key.family === "IPv4" ? key.mark : [key.mark, 0, 0, 0];
  const client = maskedClient(skb.src, maskLength);
  const protocol = byMark === undefined ? skb.protocol : 0;
  const virtual = byMark ?? skb.dst;
  const virtualPort = ownPort ? skb.dport : 0;
  let template = findTemplate(state.ipvs, skb.family, protocol, client, virtual, virtualPort);
  if (template !== undefined && isValid(walk, template)) {
    recordChoice(walk, service, { destination: template.destination, reason: { kind: "template" } });
  } else {
    const choice = choose(walk, skb, service);
    if (typeof choice === "string") return { kind: "unknown", what: choice };
    if (choice === undefined) return leave(skb, service);
    const { destination } = choice;
    const realPort = ownPort ? destination.port : 0;
    const given = { family: skb.family, protocol, client, clientPort: 0, virtual, virtualPort, realPort };
    const keepsConntrack = ipvsSwitches(host).conntrack;
    template = newConnection(
      state,
      { ...given, isTemplate: true, onePacket: false, service: service.id, destination, keepsConntrack },
      "NONE",
    );
    state.set(template, "timeout", timeout * 1000);
  }
  const connection = connect(walk, skb, service, template.destination);
  controlledBy(state, connection, template);
  restart(state, template);
  return { kind: "connection", connection };
}
