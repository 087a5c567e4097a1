import type { IPFamily } from "../../net/family.ts";
import type { IPVSTable, RealServer, VirtualServer, VirtualServerKey } from "../../rules/ipvs/model.ts";
import { type Address, protocols } from "../packet.ts";

/** The virtual servers of a host by what packets ask for; made once (`makeHost`). */
export interface ServiceIndex {
  readonly byId: ReadonlyMap<string, VirtualServer>;
  /** Families that have any: without one the family's hooks are not there (ipvs-mode §8.1). */
  readonly families: ReadonlySet<IPFamily>;
  readonly hasMarks: boolean;
  /** A TCP service of port 21, and any service of port 0: only then the look-up tries these (§8.4). */
  readonly hasFTP: boolean;
  readonly hasAnyPort: boolean;
}

const FTP_PORT = 21;
const FTP_DATA_PORT = 20;
/** `net.ipv4.ip_unprivileged_port_start` */
const FIRST_UNPRIVILEGED = 1024;

const addressKey = (address: Address): string => (typeof address === "number" ? `${address}` : address.join("."));

/** The name of a virtual server by address in the tables here. */
export function addressServiceId(protocol: number, address: Address, port: number): string {
  return `${protocol} ${addressKey(address)} ${port}`;
}

function markServiceId(family: IPFamily, mark: number): string {
  return `mark ${family} ${mark}`;
}

/** The name of a virtual server in the tables here; equal keys have equal names. */
export function serviceId(key: VirtualServerKey): string {
  if (key.kind === "fwmark") return markServiceId(key.family, key.mark);
  const { address, protocol, port } = key;
  return addressServiceId(protocol, address.family === "IPv4" ? address.value : address.words, port);
}

/** The family of packets that a virtual server takes. */
export function familyOfKey(key: VirtualServerKey): IPFamily {
  return key.kind === "fwmark" ? key.family : key.address.family;
}

/** Does the kernel take a real server: one of the other family only by a tunnel (`ip_vs_genl_set_cmd`). */
export function takesRealServer(key: VirtualServerKey, { address, method }: RealServer): boolean {
  return address.family === familyOfKey(key) || method === "tunnel";
}

/** A virtual server with the real servers that the kernel takes. */
function asTaken(server: VirtualServer): VirtualServer {
  const { key, realServers } = server;
  if (realServers.every((each) => takesRealServer(key, each))) return server;
  return { ...server, realServers: realServers.filter((each) => takesRealServer(key, each)) };
}

/** Of virtual servers with one key the last counts. */
export function indexServices(table: IPVSTable | undefined): ServiceIndex {
  const byId = new Map<string, VirtualServer>();
  const families = new Set<IPFamily>();
  let hasMarks = false;
  let hasFTP = false;
  let hasAnyPort = false;
  for (const server of table?.virtualServers ?? []) {
    const { key } = server;
    byId.set(serviceId(key), asTaken(server));
    families.add(familyOfKey(key));
    if (key.kind === "fwmark") hasMarks = true;
    else if (key.port === 0) hasAnyPort = true;
    else if (key.port === FTP_PORT && key.protocol === protocols.tcp) hasFTP = true;
  }
  return { byId, families, hasMarks, hasFTP, hasAnyPort };
}

/** What a look-up asks. */
export interface ServiceQuery {
  readonly family: IPFamily;
  readonly protocol: number;
  readonly dst: Address;
  readonly dport: number;
  readonly mark: number;
}

/** The virtual server that takes a packet (`ip_vs_service_find`, ipvs-mode §8.4): by mark, exactly, as FTP data, by port 0. */
export function findServiceId(index: ServiceIndex, query: ServiceQuery): string | undefined {
  const { family, protocol, dst, dport, mark } = query;
  if (index.hasMarks && mark !== 0) {
    const id = markServiceId(family, mark);
    if (index.byId.has(id)) return id;
  }
  const exact = addressServiceId(protocol, dst, dport);
  if (index.byId.has(exact)) return exact;
  if (index.hasFTP && protocol === protocols.tcp && (dport === FTP_DATA_PORT || dport >= FIRST_UNPRIVILEGED)) {
    const id = addressServiceId(protocol, dst, FTP_PORT);
    if (index.byId.has(id)) return id;
  }
  if (!index.hasAnyPort) return undefined;
  const any = addressServiceId(protocol, dst, 0);
  return index.byId.has(any) ? any : undefined;
}
