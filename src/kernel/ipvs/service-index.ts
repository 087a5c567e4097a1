import type { IPFamily } from "../../net/family.ts";
import type { IPVSTable, RealServer, VirtualServer, VirtualServerKey } from "../../rules/ipvs/model.ts";
import { endHash } from "../hash.ts";
import { HashTable } from "../hash-table.ts";
import { type Address, protocols, sameAddress } from "../packet.ts";

/** A virtual server as it is configured, with its name in the tables here. */
export interface NamedServer {
  readonly id: string;
  readonly description: VirtualServer;
}

/** One by address, with its key as packets have it: a look-up sees nothing else of the others. */
interface AddressedServer extends NamedServer {
  readonly protocol: number;
  readonly address: Address;
  readonly port: number;
}

/** The virtual servers of a host by what packets ask for; made once (`makeHost`). */
export interface ServiceIndex {
  readonly byId: ReadonlyMap<string, NamedServer>;
  readonly byAddress: HashTable<AddressedServer>;
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

/** The virtual server of exactly this address. */
function serverAt(
  { byAddress }: ServiceIndex,
  protocol: number,
  address: Address,
  port: number,
): NamedServer | undefined {
  const hash = endHash(protocol, address, port);
  for (let slot = byAddress.first(hash); slot >= 0; slot = byAddress.next(slot, hash)) {
    const server = byAddress.at(slot);
    if (server.port === port && server.protocol === protocol && sameAddress(server.address, address)) return server;
  }
  return undefined;
}

function indexByAddress(servers: Iterable<NamedServer>): ServiceIndex["byAddress"] {
  const byAddress: ServiceIndex["byAddress"] = new HashTable();
  for (const { id, description } of servers) {
    const { key } = description;
    if (key.kind !== "address") continue;
    const { protocol, port } = key;
    const address = key.address.family === "IPv4" ? key.address.value : key.address.words;
    byAddress.add(endHash(protocol, address, port), { id, description, protocol, address, port });
  }
  return byAddress;
}

/** Of virtual servers with one key the last counts. */
export function indexServices(table: IPVSTable | undefined): ServiceIndex {
  const byId = new Map<string, NamedServer>();
  const families = new Set<IPFamily>();
  let hasMarks = false;
  let hasFTP = false;
  let hasAnyPort = false;
  for (const server of table?.virtualServers ?? []) {
    const { key } = server;
    const id = serviceId(key);
    byId.set(id, { id, description: asTaken(server) });
    families.add(familyOfKey(key));
    if (key.kind === "fwmark") hasMarks = true;
    else if (key.port === 0) hasAnyPort = true;
    else if (key.port === FTP_PORT && key.protocol === protocols.tcp) hasFTP = true;
  }
  return { byId, byAddress: indexByAddress(byId.values()), families, hasMarks, hasFTP, hasAnyPort };
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
export function findService(index: ServiceIndex, query: ServiceQuery): NamedServer | undefined {
  const { family, protocol, dst, dport, mark } = query;
  if (index.hasMarks && mark !== 0) {
    const marked = index.byId.get(markServiceId(family, mark));
    if (marked !== undefined) return marked;
  }
  const exact = serverAt(index, protocol, dst, dport);
  if (exact !== undefined) return exact;
  if (index.hasFTP && protocol === protocols.tcp && (dport === FTP_DATA_PORT || dport >= FIRST_UNPRIVILEGED)) {
    const control = serverAt(index, protocol, dst, FTP_PORT);
    if (control !== undefined) return control;
  }
  return index.hasAnyPort ? serverAt(index, protocol, dst, 0) : undefined;
}
