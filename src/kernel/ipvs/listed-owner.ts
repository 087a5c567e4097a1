import type { IPFamily } from "../../net/family.ts";
import type { IPAddress } from "../../net/ip.ts";
import type { IPVSConnection } from "../../rules/ipvs/model.ts";
import type { Host } from "../host.ts";
import { type Address, sameAddress } from "../packet.ts";
import type { HostState } from "../state.ts";
import { deletedDestination } from "./destinations.ts";
import type { Destination } from "./model.ts";
import type { Service } from "./service.ts";
import { addressServiceId, findService, serviceId } from "./service-index.ts";
import { serviceNow } from "./services.ts";

/** What a listing leaves open about whose one of its lines is. */
export type OpenOwner =
  /** No virtual server has such a real server: it is taken for one that was deleted. */
  | "no-real-server"
  /** More than one real server fits: the first is taken. */
  | "several-real-servers";

/** The virtual server and the real server of a line of `ipvsadm -Lnc`. */
export interface Owner {
  /** `Service.id` */
  readonly service: string;
  readonly description: Service["description"] | undefined;
  readonly destination: Destination;
  readonly open: OpenOwner | undefined;
}

/** A template that became invalid is listed with this port (ipvs-mode §9.5). */
const IMPOSSIBLE_PORT = 65535;
const FTP_PORT = 21;

/** The address as packets hold it. */
export const packetAddress = (address: IPAddress): Address =>
  address.family === "IPv4" ? address.value : address.words;

/** Only templates have the client's port 0 and one of these states (ipvs-mode §9.5). */
export function isTemplate({ source, state }: IPVSConnection): boolean {
  return source.port === 0 && (state === "NONE" || state === "ASSURED");
}

/** Is it a template that became invalid? */
const isDisabled = (line: IPVSConnection): boolean =>
  isTemplate(line) && line.virtual.port === IMPOSSIBLE_PORT && line.destination.port === IMPOSSIBLE_PORT;

/** May a line show a real server so: with its own port, or with the packet's (`connect`)? */
function fits({ port, address }: Destination, { description, key }: Service, line: IPVSConnection): boolean {
  const { destination, virtual } = line;
  if (!sameAddress(address, packetAddress(destination.address))) return false;
  if (port === destination.port || port === 0) return true;
  if (isTemplate(line)) return destination.port === 0 || isDisabled(line);
  const ownPort = key.kind === "address" ? key.port : undefined;
  return description.persistence !== undefined && ownPort !== virtual.port && destination.port === virtual.port;
}

/** Finds whose the lines of `ipvsadm -Lnc` are, which they do not say. */
export class Owners {
  readonly #host: Host;
  readonly #state: HostState;
  /** Ids of virtual servers by mark, and of those by address (without their port). */
  readonly #byMark: Record<IPFamily, string[]> = { IPv4: [], IPv6: [] };
  readonly #byAddress = new Map<string, string[]>();

  constructor(host: Host, state: HostState) {
    this.#host = host;
    this.#state = state;
    for (const { key } of host.ipvs?.virtualServers ?? []) {
      if (key.kind === "fwmark") {
        this.#byMark[key.family].push(serviceId(key));
        continue;
      }
      const name = addressServiceId(key.protocol, packetAddress(key.address), 0);
      const known = this.#byAddress.get(name);
      if (known === undefined) this.#byAddress.set(name, [serviceId(key)]);
      else known.push(serviceId(key));
    }
  }

  /** Which virtual servers a line may be of, the likeliest first. */
  #services(line: IPVSConnection): readonly Service[] {
    const { protocol, virtual } = line;
    const { family } = virtual.address;
    const dst = packetAddress(virtual.address);
    const own = (port: number): string => addressServiceId(protocol, dst, port);
    const ids: (string | undefined)[] = [];
    if (isDisabled(line)) ids.push(...(this.#byAddress.get(own(0)) ?? []));
    if (isTemplate(line)) {
      // a template of a virtual server by mark shows the mark in place of an address, and no protocol
      const mark = typeof dst === "number" ? dst : dst[0];
      if (protocol === 0) ids.push(serviceId({ kind: "fwmark", family, mark }));
      else ids.push(own(virtual.port), ...(virtual.port === 0 ? [own(FTP_PORT)] : []));
    } else {
      ids.push(findService(this.#host.services, { family, protocol, dst, dport: virtual.port, mark: 0 })?.id);
      ids.push(...this.#byMark[family]);
    }
    return ids.flatMap((id) => (id === undefined ? [] : (serviceNow(this.#host, this.#state, id) ?? [])));
  }

  /** Of a real server that is in no table only its connections know; it was deleted. */
  of(line: IPVSConnection): Owner {
    const services = this.#services(line);
    for (const service of services) {
      const all = service.destinations.filter((each) => fits(each, service, line));
      const exact = all.find(({ port }) => port === line.destination.port);
      const destination = exact ?? all[0];
      if (destination === undefined) continue;
      const open = exact === undefined && all.length > 1 ? "several-real-servers" : undefined;
      return { service: service.id, description: service.description, destination, open };
    }
    const { protocol, virtual, destination } = line;
    const id = services[0]?.id ?? addressServiceId(protocol, packetAddress(virtual.address), virtual.port);
    const gone = deletedDestination(this.#state, id, destination);
    return { service: id, description: services[0]?.description, destination: gone, open: "no-real-server" };
  }
}
