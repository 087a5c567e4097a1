import type { HostFile } from "../manifest/hostfile.ts";
import type { Node } from "../manifest/node.ts";
import { addressIn } from "./addresses.ts";
import type { Maker } from "./chooser.ts";
import type { Way } from "./weights.ts";

/** The node whose kube-proxy is asked; the others only appear as names in slices and as Nodes. */
export const thisNode = "worker-1";
export const otherNodes: readonly string[] = ["worker-2", "worker-3"];
export const thisZone = "zone-a";
export const otherZones: readonly string[] = ["zone-b", "zone-c"];

const own = { IPv4: addressIn("node", "IPv4", 1), IPv6: addressIn("node", "IPv6", 1) } as const;

/** The addresses of this node that Services may name, too. */
export const ownAddresses: readonly string[] = [own.IPv4, own.IPv6];

function addresses(ips: Way<"node.ips">): readonly { readonly type: string; readonly address: string }[] {
  const host = { type: "Hostname", address: thisNode };
  if (ips === "none") return [host];
  if (ips === "external") {
    const outer = { type: "ExternalIP", address: addressIn("external", "IPv4", 1) };
    return [outer, { type: "InternalIP", address: own.IPv6 }, host];
  }
  const families = ips.split(",") as ("IPv4" | "IPv6")[];
  return [...families.map((family) => ({ type: "InternalIP", address: own[family] })), host];
}

const podCIDRs: Readonly<Record<Way<"node.podCIDRs">, readonly string[]>> = {
  absent: [],
  IPv4: ["10.128.1.0/24"],
  IPv6: ["fd00:10:244:1::/64"],
  "IPv4,IPv6": ["10.128.1.0/24", "fd00:10:244:1::/64"],
  "IPv6,IPv4": ["fd00:10:244:1::/64", "10.128.1.0/24"],
};

function otherNode(name: string, i: number): Node {
  const address = addressIn("node", "IPv4", i + 2);
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, labels: { "topology.kubernetes.io/zone": otherZones[i] ?? thisZone } },
    status: { addresses: [{ type: "InternalIP", address }] },
  };
}

/** The Nodes of a cluster, the asked one first. */
export function sampleNodes({ choose }: Maker): readonly Node[] {
  const cidrs = podCIDRs[choose("node.podCIDRs")];
  const zone = choose("node.zone") === "given" ? { "topology.kubernetes.io/zone": thisZone } : {};
  const asked: Node = {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: thisNode, labels: { "kubernetes.io/hostname": thisNode, ...zone } },
    ...(cidrs[0] === undefined ? {} : { spec: { podCIDR: cidrs[0], podCIDRs: cidrs } }),
    status: { addresses: addresses(choose("node.ips")) },
  };
  return [asked, ...otherNodes.map(otherNode)];
}

const loopback = { name: "lo", addresses: ["127.0.0.1/8", "::1/128"] };
const eth0 = { name: "eth0", addresses: [`${own.IPv4}/24`, `${own.IPv6}/64`] };
const eth1 = { name: "eth1", addresses: ["172.16.5.4/12", "fd00:172:16::54/64"] };

/** The interfaces of the node. */
const interfaces: Readonly<Record<Way<"host.interfaces">, HostFile["interfaces"] & object>> = {
  "loopback only": [loopback],
  one: [loopback, eth0],
  several: [loopback, eth0, eth1, { name: "docker0", addresses: ["172.17.0.1/16", "fe80::1/64"] }],
  shared: [loopback, eth0, { name: "dummy0", addresses: [`${own.IPv4}/32`, `${own.IPv6}/128`] }],
};

/** Facts of the node that no object carries. */
export function sampleHost({ choose }: Maker): HostFile {
  return {
    interfaces: interfaces[choose("host.interfaces")],
    nfacct: choose("host.nfacct") === "true",
    conntrackTCPLiberal: choose("host.liberal") === "true",
    randomFully: true,
  };
}
