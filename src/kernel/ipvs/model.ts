import type { IPFamily } from "../../net/family.ts";
import type { ForwardingMethod } from "../../rules/ipvs/model.ts";
import type { Address } from "../packet.ts";
import { ConnectionTable } from "./connection-table.ts";
import type { Service } from "./service.ts";
import type { ServiceIndex } from "./service-index.ts";

/**
 * One real server of one virtual server (`struct ip_vs_dest`). It belongs to the host's state: fields are changed only through
 * `HostState.set`.
 */
export interface Destination {
  readonly family: IPFamily;
  readonly address: Address;
  readonly port: number;
  weight: number;
  /** The last weight that was not 0; 0 where there was none. */
  lastWeight: number;
  /** False when it was deleted and only connections know it still (`IP_VS_DEST_F_AVAILABLE`). */
  available: boolean;
  /** Its upper threshold was reached, and it did not get below the lower one since (`IP_VS_DEST_F_OVERLOAD`). */
  overloaded: boolean;
  upper: number;
  lower: number;
  method: ForwardingMethod;
  /** ActiveConn, InActConn and PersistConn of `ipvsadm -L`. */
  active: number;
  inactive: number;
  persistent: number;
}

/** A connection or, with client port 0, a template of persistence (`struct ip_vs_conn`). State like `Destination`. */
export interface Connection {
  readonly id: number;
  readonly family: IPFamily;
  /** 0: the template of a virtual server by firewall mark. */
  readonly protocol: number;
  readonly client: Address;
  readonly clientPort: number;
  readonly virtual: Address;
  /** A template that became invalid has 65535 here and in `realPort`, so that nothing finds it. */
  virtualPort: number;
  readonly real: Address;
  realPort: number;
  readonly isTemplate: boolean;
  /** One-packet scheduling: in no table. */
  readonly onePacket: boolean;
  /** Its virtual server, by `Service.id`. */
  readonly service: string;
  readonly destination: Destination;
  /** The name that `ipvsadm -Lnc` shows; of templates NONE or ASSURED. */
  state: string;
  /** Milliseconds that it lives on with each packet, and the host's time at which it then ends. */
  timeout: number;
  expires: number;
  /** Counted in InActConn. */
  counted: "active" | "inactive" | "persistent";
  /** The template it was made by. */
  control: Connection | undefined;
  /** How many connections it is the template of. */
  controls: number;
  /** Its conntrack entry stays, and ends with it (`IP_VS_CONN_F_NFCT`). */
  keepsConntrack: boolean;
}

/** A deleted real server that connections may still refer to. */
export interface TrashedDestination {
  readonly destination: Destination;
  /** Milliseconds of the host's clock. */
  readonly since: number;
}

/** All that ip_vs of a host remembers; part of `HostState`, and changed only through its methods. */
export interface IPVSTables {
  /** Those that were asked for since the host's description has them, by `Service.id`. */
  readonly services: Map<string, Service>;
  readonly connections: ConnectionTable;
  /** By `Service.id` and address. */
  readonly trash: Map<string, TrashedDestination>;
  /** No connection ends before this time. */
  nextExpiry: number;
  /** When connections of deleted real servers are looked for (`expire_nodest_conn_work`). */
  flushAt: number;
  nextId: number;
  /** The virtual servers that `services` were last made like. */
  configured: ServiceIndex | undefined;
}

/** The tables of a host that has seen no packet. */
export function emptyIPVSTables(): IPVSTables {
  return {
    services: new Map(),
    connections: new ConnectionTable(),
    trash: new Map(),
    nextExpiry: Number.POSITIVE_INFINITY,
    flushAt: Number.POSITIVE_INFINITY,
    nextId: 1,
    configured: undefined,
  };
}
