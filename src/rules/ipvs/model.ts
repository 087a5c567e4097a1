import type { IPAddress } from "../../net/ip.ts";

/** Schedulers that the kernel has (`net/netfilter/ipvs/Kconfig`). */
export const schedulers = [
  "rr",
  "wrr",
  "lc",
  "wlc",
  "sh",
  "dh",
  "mh",
  "sed",
  "nq",
  "lblc",
  "lblcr",
  "fo",
  "ovf",
  "twos",
] as const;
export type Scheduler = (typeof schedulers)[number];

/** How packets get to a real server: `-m`, `-g`, `-i`. */
export type ForwardingMethod = "masquerade" | "route" | "tunnel";

/** What packets to a real server are wrapped in (`--tun-type`). */
export type Tunnel =
  | { readonly type: "gre"; readonly checksum: "none" | "full" }
  | { readonly type: "gue"; readonly port: number; readonly checksum: "none" | "full" | "remote" };

/** How many connections a listing shows for a real server. */
export interface ConnectionCounts {
  readonly active: number;
  readonly inactive: number;
}

/** One server behind a virtual server. */
export interface RealServer {
  readonly address: IPAddress;
  readonly port: number;
  readonly method: ForwardingMethod;
  /** 0: it gets no new connections. */
  readonly weight: number;
  /** Thresholds of connections (`-x`, `-y`); 0: none. */
  readonly upper: number;
  readonly lower: number;
  /** Of method `tunnel`; absent: IP in IP. */
  readonly tunnel?: Tunnel;
  /** Where `ipvsadm -Ln` told them. */
  readonly connections?: ConnectionCounts;
}

/** What packets a virtual server takes. */
export type VirtualServerKey =
  | {
      readonly kind: "address";
      /** TCP 6, UDP 17, SCTP 132. */
      readonly protocol: number;
      readonly address: IPAddress;
      readonly port: number;
    }
  | { readonly kind: "fwmark"; readonly family: IPAddress["family"]; readonly mark: number };

/** Clients stay with their real server (`-p`). */
export interface Persistence {
  /** Seconds. */
  readonly timeout: number;
  /** The mask that clients are grouped by (IPv4: a netmask's prefix length, IPv6: a prefix length). */
  readonly maskLength: number;
  /** An IPv4 netmask whose ones are not all in front, which the kernel takes (`-M 24` is 0.0.0.24); `maskLength` counts its ones. */
  readonly mask?: number;
}

/** A virtual server with its real servers, in the order in which they were added. */
export interface VirtualServer {
  readonly key: VirtualServerKey;
  /** A name that the kernel does not have is kept as it was written. */
  readonly scheduler: Scheduler | { readonly unknown: string };
  /** Scheduler flags as written (`-b sh-port,sh-fallback`), in the kernel's order; none is an empty list. */
  readonly schedulerFlags: readonly string[];
  readonly persistence?: Persistence;
  /** Persistence engine (`--pe sip`); the kernel takes it without persistence too, and it does nothing then. */
  readonly persistenceEngine?: string;
  /** One-packet scheduling (`-o`). */
  readonly onePacket: boolean;
  readonly realServers: readonly RealServer[];
}

/** All virtual servers of a network namespace, in the order in which they were added. */
export interface IPVSTable {
  readonly virtualServers: readonly VirtualServer[];
  /** `ipvsadm --set`: seconds; 0 leaves the kernel's own. */
  readonly timeouts?: { readonly tcp: number; readonly tcpFin: number; readonly udp: number };
}

/** States that the kernel names in its list of connections; a template has `NONE` or `ASSURED`. */
export const connectionStates = [
  "NONE",
  "ESTABLISHED",
  "SYN_SENT",
  "SYN_RECV",
  "FIN_WAIT",
  "TIME_WAIT",
  "CLOSE",
  "CLOSE_WAIT",
  "LAST_ACK",
  "LISTEN",
  "SYNACK",
  "UDP",
  "INIT1",
  "INIT",
  "C-SENT",
  "C-REPLIED",
  "C-WAIT",
  "COOKIE",
  "C-ECHOED",
  "S-SENT",
  "S-RECEIVED",
  "S-ACK-SENT",
  "REJECTED",
  "CLOSED",
  "ASSURED",
] as const;
export type ConnectionState = (typeof connectionStates)[number];

/** An address with a port. */
export interface ConnectionEnd {
  readonly address: IPAddress;
  readonly port: number;
}

/** An entry of the connection table, or a template that keeps a client with its real server: its source port is 0. */
export interface IPVSConnection {
  /** TCP 6, UDP 17, SCTP 132; 0 for the template of a fwmark, whose virtual address is the mark. */
  readonly protocol: number;
  /** Seconds left. */
  readonly expires: number;
  /** A name that the kernel does not have is kept as it was written. */
  readonly state: ConnectionState | { readonly unknown: string };
  readonly source: ConnectionEnd;
  readonly virtual: ConnectionEnd;
  readonly destination: ConnectionEnd;
  /** Of templates that a persistence engine made. */
  readonly persistenceEngine?: { readonly name: string; readonly data: string };
}
