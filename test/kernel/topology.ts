import { type IPFamily, ipFamilies } from "../../src/net/family.ts";
import { familyOf } from "../../src/net/ip.ts";

/** What lies behind an interface, for the classes of the table of cells. */
export type Role = "uplink" | "pod" | "tunnel" | "host";

export interface TopologyInterface {
  readonly name: string;
  readonly role: Role;
  readonly mtu: number;
  /** `ADDRESS/LENGTH` of both families, in the order in which they are added. */
  readonly addresses: readonly string[];
  /** A few machines whose packets come in here; few, so that their connections meet. */
  readonly peers: readonly string[];
}

export interface TopologyRoute {
  readonly type?: "unicast" | "blackhole" | "unreachable" | "prohibit" | "throw";
  /** `ADDRESS/LENGTH`. */
  readonly destination: string;
  readonly device?: string;
  readonly gateway?: string;
  readonly onlink?: boolean;
  /** 254, the main table, unless given. */
  readonly table?: number;
}

export interface TopologyRule {
  readonly family: IPFamily;
  readonly priority: number;
  readonly mark?: { readonly value: number; readonly mask: number };
  /** `ADDRESS/LENGTH`. */
  readonly source?: string;
  readonly table: number;
}

/** A node as plain data: the namespace is made from it, and an emulated host can be. `lo` is always there. */
export interface Topology {
  readonly interfaces: readonly TopologyInterface[];
  readonly routes: readonly TopologyRoute[];
  readonly rules: readonly TopologyRule[];
  /** By name with dots. */
  readonly sysctls: Readonly<Record<string, number>>;
}

/**
 * The node of the tests. Its networks are those of sampled clusters (192.168.0.0/24, 10.128.0.0/9, fd00:…) and those that
 * foreign rule sets usually name (10.244.0.0/16, 172.17.0.0/16). `veth77` has no address, as Calico's have none, and
 * `flannel.1` one that no route leads to; the addresses of `eth0` include a secondary one.
 */
export const node: Topology = {
  interfaces: [
    {
      name: "eth0",
      role: "uplink",
      mtu: 1500,
      addresses: ["192.168.0.1/24", "192.168.0.9/24", "fd00:192:168::1/64", "fd00:192:168::9/64"],
      peers: ["192.168.0.2", "203.0.113.77", "8.8.4.4", "fd00:192:168::2", "2001:db8:cafe::77", "2001:4860::44"],
    },
    {
      name: "eth1",
      role: "uplink",
      mtu: 1500,
      addresses: ["172.20.0.4/16", "fd00:172:20::4/64"],
      peers: ["172.20.0.5", "198.51.100.200", "fd00:172:20::5", "2001:db8:1b::200"],
    },
    {
      name: "cni0",
      role: "pod",
      mtu: 1500,
      addresses: ["10.244.1.1/24", "fd00:10:244:1::1/64"],
      peers: ["10.244.1.5", "10.244.1.6", "10.128.0.1", "fd00:10:244:1::5", "fd00:10:244:1::6", "fd00:10:244::1"],
    },
    {
      name: "veth77",
      role: "pod",
      mtu: 1500,
      addresses: [],
      peers: ["10.244.1.77", "10.128.0.65", "fd00:10:244:1::77", "fd00:10:244::41"],
    },
    {
      name: "flannel.1",
      role: "tunnel",
      mtu: 1450,
      addresses: ["10.244.1.0/32", "fd00:10:244:ff::1/128"],
      peers: ["10.244.2.8", "10.244.3.9", "10.128.0.130", "fd00:10:244:2::8", "fd00:10:244:3::9", "fd00:10:244::82"],
    },
    {
      name: "docker0",
      role: "pod",
      mtu: 1500,
      addresses: ["172.17.0.1/16", "fd00:172:17::1/64"],
      peers: ["172.17.0.2", "172.17.0.3", "fd00:172:17::2", "fd00:172:17::3"],
    },
    {
      name: "nodelocaldns",
      role: "host",
      mtu: 1500,
      addresses: ["169.254.20.10/32", "fd00:169:254::10/128"],
      peers: [],
    },
  ],
  routes: [
    { destination: "0.0.0.0/0", gateway: "192.168.0.254", device: "eth0" },
    { destination: "10.244.2.0/24", gateway: "10.244.2.0", device: "flannel.1", onlink: true },
    { destination: "10.244.3.0/24", device: "flannel.1" },
    { destination: "10.244.1.77/32", device: "veth77" },
    { destination: "10.128.0.0/26", device: "cni0" },
    { destination: "10.128.0.64/26", device: "veth77" },
    { destination: "10.128.0.0/9", device: "flannel.1" },
    { type: "blackhole", destination: "198.18.0.0/24" },
    { type: "unreachable", destination: "198.18.1.0/24" },
    { type: "prohibit", destination: "198.18.2.0/24" },
    { type: "throw", destination: "198.18.3.0/24" },
    { destination: "0.0.0.0/0", gateway: "172.20.0.1", device: "eth1", table: 200 },
    { destination: "::/0", gateway: "fd00:192:168::fffe", device: "eth0" },
    { destination: "fd00:10:244:2::/64", device: "flannel.1" },
    { destination: "fd00:10:244:3::/64", device: "flannel.1" },
    { destination: "fd00:10:244:1::77/128", device: "veth77" },
    { destination: "fd00:10:244::/122", device: "cni0" },
    { destination: "fd00:10:244::40/122", device: "veth77" },
    { destination: "fd00:10:244::/64", device: "flannel.1" },
    { type: "blackhole", destination: "2001:db8:b0::/64" },
    { type: "unreachable", destination: "2001:db8:b1::/64" },
    { type: "prohibit", destination: "2001:db8:b2::/64" },
    { type: "throw", destination: "2001:db8:b3::/64" },
    { destination: "::/0", gateway: "fd00:172:20::1", device: "eth1", table: 200 },
  ],
  rules: ipFamilies.flatMap((family) => [
    { family, priority: 1000, mark: { value: 0x200, mask: 0x200 }, table: 200 },
    { family, priority: 1001, source: family === "IPv4" ? "172.20.0.4/32" : "fd00:172:20::4/128", table: 200 },
  ]),
  sysctls: {
    "net.ipv4.ip_forward": 1,
    "net.ipv6.conf.all.forwarding": 1,
    "net.ipv4.conf.all.route_localnet": 0,
    "net.ipv4.conf.all.rp_filter": 0,
    "net.netfilter.nf_conntrack_tcp_be_liberal": 0,
    "net.netfilter.nf_conntrack_tcp_loose": 1,
  },
};

/** The family of `ADDRESS/LENGTH` or an address. */
const familyOfText = (text: string): IPFamily => familyOf(text.split("/")[0] ?? "") ?? "IPv4";

function routeCommand({ type, destination, device, gateway, onlink, table }: TopologyRoute): string {
  const words = ["route add", type === undefined || type === "unicast" ? "" : type, destination];
  if (gateway !== undefined) words.push(`via ${gateway}`);
  if (device !== undefined) words.push(`dev ${device}`);
  if (onlink === true) words.push("onlink");
  if (table !== undefined) words.push(`table ${table}`);
  return words.filter((word) => word !== "").join(" ");
}

function ruleCommand({ priority, mark, source, table }: TopologyRule): string {
  const words = [`rule add priority ${priority}`];
  if (source !== undefined) words.push(`from ${source}`);
  if (mark !== undefined) words.push(`fwmark ${mark.value}/${mark.mask}`);
  return [...words, `lookup ${table}`].join(" ");
}

/** The lines that `ip -batch` makes a family of the topology from; links go up with the IPv4 ones. */
export function ipCommands(topology: Topology, family: IPFamily): string[] {
  const links = topology.interfaces.map(({ name, mtu }) => `link set ${name} mtu ${mtu} txqueuelen 10000 up`);
  const addresses = topology.interfaces.flatMap(({ name, addresses }) =>
    addresses
      .filter((address) => familyOfText(address) === family)
      .map((address) => `addr add ${address} dev ${name}${family === "IPv6" ? " nodad" : ""}`),
  );
  const routes = topology.routes.filter(({ destination }) => familyOfText(destination) === family).map(routeCommand);
  const rules = topology.rules.filter((rule) => rule.family === family).map(ruleCommand);
  return [...(family === "IPv4" ? links : []), ...addresses, ...routes, ...rules];
}

/** What of a topology belongs to a family, as texts without prefix length. */
export function ownAddresses(topology: Topology, family: IPFamily): string[] {
  const all = topology.interfaces.flatMap(({ addresses }) => addresses);
  return all.filter((text) => familyOfText(text) === family).map((text) => text.split("/")[0] ?? "");
}

export function peersOf({ peers }: TopologyInterface, family: IPFamily): string[] {
  return peers.filter((text) => familyOfText(text) === family);
}
