import type { IPFamily } from "../net/family.ts";
import type { Backend, Ruleset } from "../rules/iptables/ruleset.ts";
import type { IPVSTable } from "../rules/ipvs/model.ts";
import type { TablePairs } from "./iptables/tables.ts";
import type { ServiceIndex } from "./ipvs/service-index.ts";
import type { IPVSSwitches } from "./ipvs/switches.ts";
import type { Address } from "./packet.ts";
import type { Fib } from "./routing/fib.ts";
import type { IPSet } from "./sets.ts";

export type AddressScope = "global" | "site" | "link" | "host" | "nowhere";

/** An address of an interface as `ip addr` shows it. */
export interface InterfaceAddress {
  readonly family: IPFamily;
  readonly address: Address;
  readonly prefixLength: number;
  /** The other end of a point-to-point address; the prefix then belongs to it. */
  readonly peer?: Address;
  readonly broadcast?: Address;
  readonly scope: AddressScope;
  readonly secondary: boolean;
  /** IPv6: the kernel does not use it as a source unless nothing else is left. */
  readonly deprecated: boolean;
  /** IPv6: not yet, or never, found unique on its link: no route to it, and never a source. */
  readonly tentative?: boolean;
  /** The kernel made no route for its prefix. */
  readonly noPrefixRoute: boolean;
}

/** A network interface. Addresses stand in the order in which the kernel holds them. */
export interface Interface {
  readonly index: number;
  readonly name: string;
  readonly up: boolean;
  readonly loopback: boolean;
  /** Without neighbour discovery (flag NOARP: tunnels, TUN devices): it joins no solicited-node groups. */
  readonly noARP?: boolean;
  /** False where it is known to be no bridge; absent where nothing tells. */
  readonly bridge?: false;
  readonly mtu: number;
  readonly addresses: readonly InterfaceAddress[];
}

export type RouteType =
  | "unicast"
  | "local"
  | "broadcast"
  | "multicast"
  | "anycast"
  | "blackhole"
  | "unreachable"
  | "prohibit"
  | "throw";

export interface NextHop {
  /** Interface name. */
  readonly device: string;
  readonly gateway?: { readonly family: IPFamily; readonly address: Address };
  readonly weight: number;
  readonly usable: boolean;
}

/** One route of one table; `local` and `broadcast` routes of addresses are routes like all others. */
export interface Route {
  readonly family: IPFamily;
  /** Table number: 255 local, 254 main, 253 default. */
  readonly table: number;
  readonly type: RouteType;
  readonly destination: Address;
  readonly prefixLength: number;
  readonly tos: number;
  readonly metric: number;
  /** `src` of the route: the address a local sender gets. */
  readonly preferredSource?: Address;
  readonly scope: AddressScope;
  readonly mtu?: number;
  /** IPv6 router preference, where it is not `medium`. */
  readonly preference?: "low" | "high";
  /** Empty for types that lead nowhere. */
  readonly nextHops: readonly NextHop[];
  /** What of the route is not modelled, in its own words (`from fd00::/8`, `encap mpls`); whether such a route counts is uncertain. */
  readonly notModelled?: string;
}

/** One `ip rule`. What is absent is not tested. */
export interface PolicyRule {
  readonly family: IPFamily;
  readonly priority: number;
  readonly negated: boolean;
  readonly source?: { readonly address: Address; readonly prefixLength: number };
  readonly destination?: { readonly address: Address; readonly prefixLength: number };
  readonly mark?: { readonly value: number; readonly mask: number };
  /** `lo` stands for packets that this host sends. */
  readonly inInterface?: string;
  readonly outInterface?: string;
  readonly tos?: number;
  readonly protocol?: number;
  readonly sourcePorts?: { readonly from: number; readonly to: number };
  readonly destinationPorts?: { readonly from: number; readonly to: number };
  readonly suppressPrefixLength?: number;
  readonly action:
    | { readonly kind: "table"; readonly table: number }
    | { readonly kind: "goto"; readonly priority: number }
    | { readonly kind: "blackhole" | "unreachable" | "prohibit" | "nop" };
  /** What of the rule is not modelled, in its own words (`uidrange 0-5`, `l3mdev`); such a rule makes a look-up uncertain. */
  readonly notModelled?: string;
}

/** The switches that change a packet's way, with the kernel's defaults where nothing is said (`defaultSysctls`). */
export interface Sysctls {
  readonly ipForward: boolean;
  /** `net.ipv6.conf.all.forwarding` */
  readonly ipv6Forwarding: boolean;
  /** `net.netfilter.nf_conntrack_tcp_be_liberal`, `_tcp_loose`, `nf_conntrack_checksum` */
  readonly tcpBeLiberal: boolean;
  readonly tcpLoose: boolean;
  readonly conntrackChecksum: boolean;
  /** Timeouts in seconds that differ from the defaults, by sysctl name without `net.netfilter.nf_conntrack_` (`tcp_timeout_established`). */
  readonly conntrackTimeouts: ReadonlyMap<string, number>;
  /**
   * Per-interface switches of IPv4 by interface name, with `all` and `default`: what holds is the rule of each switch
   * (rp_filter: the larger of `all` and the interface; route_localnet: either; …).
   */
  readonly ipv4: ReadonlyMap<string, InterfaceSwitches>;
  /** Switches that are set to something else than the kernel's default but not modelled, by name: named in notes, never used. */
  readonly notModelled: readonly string[];
  /** `net.ipv4.vs.*`; absent: the kernel's defaults (`defaultIPVSSwitches`). */
  readonly ipvs?: IPVSSwitches;
}

/** The switches of a kernel that nobody has told anything. */
export const defaultSysctls: Sysctls = {
  ipForward: false,
  ipv6Forwarding: false,
  tcpBeLiberal: false,
  tcpLoose: true,
  conntrackChecksum: true,
  conntrackTimeouts: new Map(),
  ipv4: new Map(),
  notModelled: [],
};

/** `net.ipv4.conf.NAME.*`; what is absent is inherited as the kernel does. */
export interface InterfaceSwitches {
  readonly rpFilter?: number;
  readonly routeLocalnet?: boolean;
  readonly acceptLocal?: boolean;
  readonly forwarding?: boolean;
  readonly srcValidMark?: boolean;
  readonly sendRedirects?: boolean;
}

/**
 * What is known of an ip_vs that has worked before. The order in which real servers were added, where schedulers stand and what they
 * remember nobody tells: each is taken to be as on a fresh node, and choices say so. How many connections a real server has is
 * not taken to be anything: without `RealServer.connections` and without a list it is unknown.
 */
export interface IPVSPast {
  /** Were its connections listed (`enterConnections`)? If not, it is taken to have none. */
  readonly connections: "listed" | "not-listed";
}

/** A machine as plain data: what `ip addr`, `ip route`, `ip rule` and `sysctl` tell, and its rules. */
export interface HostDescription {
  readonly name: string;
  readonly interfaces: readonly Interface[];
  readonly routes: readonly Route[];
  readonly policyRules: readonly PolicyRule[];
  readonly sysctls: Sysctls;
  readonly rules: Readonly<Record<IPFamily, Ruleset>>;
  /** Which back end of iptables the rules are in, where it is known: a few matches differ. */
  readonly backend?: Backend | undefined;
  /** Its virtual servers; none where it has no ip_vs. */
  readonly ipvs?: IPVSTable | undefined;
  /** What is known of the past of its ip_vs; absent: it has none, the virtual servers have just been made as `ipvs` has them. */
  readonly ipvsPast?: IPVSPast | undefined;
}

/** A host with the look-up structures that are made once from its description (`makeHost`). */
export interface Host extends HostDescription {
  readonly byName: ReadonlyMap<string, Interface>;
  readonly loopback: Interface;
  readonly fib: Fib;
  /** Does a rule of the family make the kernel track connections (`usesConntrack`)? */
  readonly tracks: Readonly<Record<IPFamily, boolean>>;
  /** The tables of `rules` as the hooks run them. */
  readonly tables: Readonly<Record<IPFamily, TablePairs>>;
  /** The sets that `-m set` and SET name. */
  readonly sets: ReadonlyMap<string, IPSet>;
  /** The virtual servers by what packets ask for. */
  readonly services: ServiceIndex;
}
