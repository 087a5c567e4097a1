import type { Node } from "../manifest/node.ts";
import type { IPFamily } from "../net/family.ts";
import { formatIP, type IPAddress, parseIP } from "../net/ip.ts";

/** An interface of the node with its addresses as `ADDRESS/LENGTH`, in the system's order. */
export interface NodeInterface {
  readonly name: string;
  readonly addresses: readonly string[];
}

/**
 * Facts of a node that API objects do not carry (iptables-mode §1.1): its interfaces, and what kube-proxy found out
 * about the system when it started.
 */
export interface HostFacts {
  readonly interfaces: readonly NodeInterface[];
  /** Could the nfacct counters be created? (since 1.31; false also when the kernel lacks nfacct) */
  readonly nfacct: { readonly ctStateInvalidDropped: boolean; readonly localhostNodePortsAccepted: boolean };
  /** sysctl net/netfilter/nf_conntrack_tcp_be_liberal was non-zero when kube-proxy started. */
  readonly conntrackTCPLiberal: boolean;
  /** iptables knows `MASQUERADE --random-fully` (>= 1.6.2); without effect since 1.37. */
  readonly randomFully: boolean;
}

/** The node that rules are made for. */
export interface NodeView {
  readonly name: string;
  /** The Node's addresses in kube-proxy's order: the first, and the first of the other family (§1.8). */
  readonly ips: readonly IPAddress[];
  /** Label topology.kubernetes.io/zone; empty when absent. */
  readonly zone: string;
  readonly podCIDRs: readonly string[];
}

/** Node IPs by family and the family that comes first. */
export interface NodeIPs {
  readonly primary: IPFamily;
  readonly byFamily: Readonly<Record<IPFamily, IPAddress>>;
}

const loopback: Readonly<Record<IPFamily, IPAddress>> = {
  IPv4: { family: "IPv4", value: 0x7f000001 },
  IPv6: { family: "IPv6", words: [0, 0, 0, 1] },
};

const unspecified: Readonly<Record<IPFamily, IPAddress>> = {
  IPv4: { family: "IPv4", value: 0 },
  IPv6: { family: "IPv6", words: [0, 0, 0, 0] },
};

/** All InternalIP entries, then all ExternalIP entries; the first, and the first later one of the other family. */
function nodeAddresses(node: Node): IPAddress[] {
  const entries = node.status?.addresses ?? [];
  const all = ["InternalIP", "ExternalIP"].flatMap((type) =>
    entries.filter((entry) => entry.type === type).flatMap((entry) => parseIP(entry.address ?? "") ?? []),
  );
  const first = all[0];
  if (first === undefined) return [];
  const second = all.find((address) => address.family !== first.family);
  return second === undefined ? [first] : [first, second];
}

/** What kube-proxy reads from its Node object (iptables-mode §1.7, §1.8). */
export function nodeView(node: Node): NodeView {
  return {
    name: node.metadata.name ?? "",
    ips: nodeAddresses(node),
    zone: node.metadata.labels?.["topology.kubernetes.io/zone"] ?? "",
    podCIDRs: node.spec?.podCIDRs ?? [],
  };
}

/** The bind address when it is a specific address, not 0.0.0.0 or ::. */
function specificAddress(bindAddress: string): IPAddress | undefined {
  const address = parseIP(bindAddress);
  return address === undefined || formatIP(address) === formatIP(unspecified[address.family]) ? undefined : address;
}

/** Node IPs and primary family: loopback unless the Node, and then the bind address, say better (iptables-mode §1.8). */
export function detectNodeIPs(node: NodeView, bindAddress: string): NodeIPs {
  const byFamily = { ...loopback };
  for (const address of node.ips) byFamily[address.family] = address;
  const bound = specificAddress(bindAddress);
  if (bound !== undefined) byFamily[bound.family] = bound;
  return { primary: bound?.family ?? node.ips[0]?.family ?? "IPv4", byFamily };
}

/** The pair that releases before 1.28 tested source ranges with: the bind address, else the unspecified address. */
export function bindAddressPair(bindAddress: string): Readonly<Record<IPFamily, IPAddress>> {
  const pair = { ...unspecified };
  const bound = parseIP(bindAddress);
  if (bound !== undefined) pair[bound.family] = bound;
  return pair;
}

/** The node IPs with the unspecified address for the family that is not primary. */
export function primaryOnly({ primary, byFamily }: NodeIPs): Readonly<Record<IPFamily, IPAddress>> {
  return { ...unspecified, [primary]: byFamily[primary] };
}
