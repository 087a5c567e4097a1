import type { IPFamily } from "../../src/net/family.ts";
import { schedulers } from "../../src/rules/ipvs/model.ts";

/** Those that leave nothing to chance; `twos` draws, and the guest's kernel has no module for it. */
export const certainSchedulers: readonly string[] = schedulers.filter((name) => name !== "twos");

export const protocolNames = ["tcp", "udp", "sctp"] as const;
export type ProtocolName = (typeof protocolNames)[number];

/** Where a packet is sent to. `sticky`: any virtual server that is persistent; `empty`: any without real servers. */
export const destinationKinds = [
  "cluster-ip",
  "external-ip",
  "load-balancer",
  "node-port",
  "sticky",
  "empty",
  "other-port",
  "health-check",
] as const;
export type DestinationKind = (typeof destinationKinds)[number];

/** Kinds of destinations where no virtual server stands, and so no scheduler. */
export const unserved: ReadonlySet<DestinationKind> = new Set(["other-port", "health-check"]);

/** Where a packet comes from. */
export const sourceKinds = ["outside", "pod", "other-pod", "node", "loopback"] as const;
export type SourceKind = (typeof sourceKinds)[number];

/** An address and port that packets are sent to, with what stands there. */
export interface Frontend {
  readonly kind: DestinationKind;
  readonly protocol: ProtocolName;
  readonly address: string;
  readonly port: number;
  /** `-` where there is no virtual server. */
  readonly scheduler: string;
}

/** A client: the interface it is behind (none: the node itself) and its addresses, of any family. */
export interface ClientPlace {
  readonly kind: SourceKind;
  readonly device: string | undefined;
  readonly addresses: readonly string[];
}

/** Whom packets of a node come from and go to. */
export interface TestNode {
  /** In words, for those who look for a difference. */
  readonly name: string;
  readonly frontends: readonly Frontend[];
  readonly clients: readonly ClientPlace[];
  /** A router on the way, which sends errors. */
  readonly routers: Readonly<Partial<Record<IPFamily, string>>>;
  /** Addresses that a further real server may have. */
  readonly spare: (family: IPFamily) => readonly string[];
}

export const familyOf = (address: string): IPFamily => (address.includes(":") ? "IPv6" : "IPv4");

/** `ADDRESS:PORT` as ipvsadm reads it. */
export const endpoint = (address: string, port: number): string =>
  address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
