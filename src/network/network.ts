import type { Cluster } from "../cluster/cluster.ts";
import type { Host, HostDescription } from "../kernel/host.ts";
import type { IPVSSwitches } from "../kernel/ipvs/switches.ts";
import { makeHost } from "../kernel/make-host.ts";
import { type Address, sameAddress } from "../kernel/packet.ts";
import { makeSets } from "../kernel/sets.ts";
import type { HostFile } from "../manifest/hostfile.ts";
import type { IPFamily } from "../net/family.ts";
import { formatIP, type IPAddress, isLoopback, parseIP } from "../net/ip.ts";
import type { IPSet } from "../rules/ipset/model.ts";
import type { Backend, Ruleset } from "../rules/iptables/ruleset.ts";
import type { IPVSTable } from "../rules/ipvs/model.ts";
import type { Report } from "../text/diagnostic.ts";
import { addressOf, textOf } from "./addresses.ts";
import { OVERLAY } from "./devices.ts";
import { inside, nodeAddresses, type PodNetwork, podNetworks } from "./node-addresses.ts";
import { type AttachedPod, type NodeHost, nodeHost } from "./node-host.ts";
import type { NodeHostOptions } from "./node-sysctls.ts";
import { podNodes } from "./pod-addresses.ts";
import { interfacesBesidePods, podOfAddress } from "./pod-index.ts";

/** What a mode makes on a node besides rules. */
export interface NodeExtras {
  /** Addresses bound to kube-ipvs0. */
  readonly bound: readonly IPAddress[];
  readonly ipvs: IPVSTable;
  readonly sets: readonly IPSet[];
  readonly switches: IPVSSwitches;
}

export interface NetworkOptions extends Omit<NodeHostOptions, "hostFile" | "boundAddresses"> {
  /** What is there besides rules, on a node by its name; asked for with them. */
  readonly extras?: (node: string) => NodeExtras | undefined;
  /** The rules on a node, by its name; asked for once, when a packet first comes there. */
  readonly rules: (node: string) => Readonly<Record<IPFamily, Ruleset>>;
  readonly backend?: Backend;
  /** Facts of a node that objects do not carry, by its name. */
  readonly hostFile?: (node: string) => HostFile | undefined;
  /**
   * Do routers outside lead to the Pod networks, to the node of each? Objects do not tell; where it matters and this is
   * absent, the way of a packet is unknown.
   */
  readonly outsideRoutesPods?: boolean;
}

/** One node, ready to walk packets through. */
export interface NetworkNode {
  readonly name: string;
  readonly host: Host;
  readonly pods: readonly AttachedPod[];
  readonly uplinks: NodeHost["uplinks"];
  /** The device to other nodes' Pods, where it is known what lies behind it. */
  readonly overlay?: string;
}

/** Whose an address is. */
export type Owner =
  /** A node's own. */
  | { readonly kind: "node"; readonly node: string }
  /** Listed in a Node's status, but on none of its interfaces: translated on the way there, or not; objects do not tell. */
  | { readonly kind: "node-external"; readonly node: string }
  | { readonly kind: "pod"; readonly node: string }
  /** Not of a known Pod, but of a node's podCIDR. */
  | { readonly kind: "pod-network"; readonly node: string }
  /** A ClusterIP: no host has it, rules on nodes translate it. */
  | { readonly kind: "cluster-ip" }
  /** An external IP or load-balancer address of a Service: packets to it from outside reach some node. */
  | { readonly kind: "external" }
  /** Loopback or unspecified: means something on one host only. */
  | { readonly kind: "no-host" }
  /** Anything else: taken to be somebody's outside the cluster, who answers. */
  | { readonly kind: "outside" };

/** All nodes of a cluster as hosts. Hosts are made when a packet first comes there; what that assumes is reported then. */
export interface Network {
  /** In the cluster's order. */
  readonly nodes: readonly string[];
  readonly outsideRoutesPods: boolean | undefined;
  /** Whoever is outside replies to the node, and by the interface, that the packet came from: all that dumps of a node allow to assume. */
  readonly outsideReturns: boolean;
  /** `undefined` when there is no such Node, which is reported. */
  readonly node: (name: string) => NetworkNode | undefined;
  readonly ownerOf: (address: Address) => Owner;
  /** Addresses and networks that objects name: `ownerOf` treats all addresses between their ends alike. */
  readonly named: () => readonly NamedPrefix[];
  /** The node whose overlay device a packet to this next hop arrives at. */
  readonly overlayNode: (nextHop: Address) => string | undefined;
}

/** An address that objects name, or a network. */
export interface NamedPrefix {
  readonly address: Address;
  readonly prefixLength: number;
}

/** Addresses with a meaning of their own, whatever the objects. */
export const SPECIAL: readonly NamedPrefix[] = [
  { address: 0, prefixLength: 32 },
  { address: 0x7f000000, prefixLength: 8 },
  { address: [0, 0, 0, 0], prefixLength: 128 },
  { address: [0, 0, 0, 1], prefixLength: 128 },
];

function namedBy(texts: Iterable<string>): NamedPrefix[] {
  return [...texts].flatMap((text) => {
    const ip = parseIP(text);
    return ip === undefined ? [] : { address: addressOf(ip), prefixLength: ip.family === "IPv4" ? 32 : 128 };
  });
}

interface NodeNetwork extends PodNetwork {
  readonly node: string;
}

/** Addresses that Services have, as texts. */
function serviceAddresses(cluster: Cluster): { readonly clusterIPs: Set<string>; readonly external: Set<string> } {
  const clusterIPs = new Set<string>();
  const external = new Set<string>();
  const add = (to: Set<string>, text: string | undefined): void => {
    const ip = parseIP(text ?? "");
    if (ip !== undefined) to.add(formatIP(ip));
  };
  for (const { value } of cluster.services) {
    const { clusterIP, clusterIPs: all = [], externalIPs = [] } = value.spec ?? {};
    for (const text of [clusterIP, ...all]) add(clusterIPs, text);
    for (const text of externalIPs) add(external, text);
    for (const { ip } of value.status?.loadBalancer?.ingress ?? []) add(external, ip);
  }
  return { clusterIPs, external };
}

/** Whose the addresses of nodes are, as texts: those on interfaces before those that are only listed. */
function nodeOwners(cluster: Cluster, { hostFile }: NetworkOptions): ReadonlyMap<string, Owner> {
  const owners: Map<string, Owner> = new Map();
  const add = (kind: "node" | "node-external", node: string, texts: readonly string[]): void => {
    for (const text of texts) {
      const ip = parseIP(text);
      if (ip !== undefined && !isLoopback(ip) && !owners.has(formatIP(ip))) owners.set(formatIP(ip), { kind, node });
    }
  };
  for (const { value } of cluster.nodes) {
    const name = value.metadata.name ?? "";
    const given = hostFile?.(name)?.interfaces?.flatMap(({ addresses = [] }) => addresses);
    add("node", name, given?.map((text) => text.split("/")[0] ?? "") ?? nodeAddresses(value).map(formatIP));
  }
  for (const { value } of cluster.nodes) {
    const listed = (value.status?.addresses ?? []).map(({ address = "" }) => address);
    add("node-external", value.metadata.name ?? "", listed);
  }
  return owners;
}

function isOfNoHost(ip: IPAddress): boolean {
  const text = formatIP(ip);
  return isLoopback(ip) || text === "0.0.0.0" || text === "::";
}

function withExtras(description: HostDescription, { ipvs, sets, switches }: NodeExtras): Host {
  const sysctls = { ...description.sysctls, ipvs: switches };
  return makeHost({ ...description, sysctls, ipvs }, makeSets(sets));
}

/** The nodes with their hosts, each made when it is first asked for. */
function lazyNodes(cluster: Cluster, options: NetworkOptions, report: Report): Network["node"] {
  const { rules, backend, hostFile: fileOf, extras, outsideRoutesPods: _, ...rest } = options;
  const made = new Map<string, NetworkNode | undefined>();
  const make = (name: string): NetworkNode | undefined => {
    const hostFile = fileOf?.(name);
    const extra = extras?.(name);
    const asked = {
      ...rest,
      ...(hostFile === undefined ? {} : { hostFile }),
      ...(extra === undefined ? {} : { boundAddresses: extra.bound }),
    };
    const found = nodeHost(cluster, name, asked, report);
    if (found === undefined) return undefined;
    const { pods, uplinks, ...description } = found;
    const whole = { ...description, rules: rules(name), ...(backend === undefined ? {} : { backend }) };
    const host = extra === undefined ? makeHost(whole) : withExtras(whole, extra);
    return { name, host, pods, uplinks, ...(options.podNetwork === "direct" ? {} : { overlay: OVERLAY }) };
  };
  return (name) => {
    if (!made.has(name)) made.set(name, make(name));
    return made.get(name);
  };
}

/**
 * The network of a cluster: nodes joined by their uplinks and an overlay, Pods behind veths, and everybody else outside.
 * What no object tells is assumed as `nodeHost` says. The packets that carry the overlay's own are not walked.
 */
export function makeNetwork(cluster: Cluster, options: NetworkOptions, report: Report): Network {
  const own = nodeOwners(cluster, options);
  const pods = podNodes(cluster, options.pods ?? []);
  const { clusterIPs, external } = serviceAddresses(cluster);
  const networks: readonly NodeNetwork[] = cluster.nodes.flatMap(({ value }) =>
    podNetworks(value).map((network) => ({ ...network, node: value.metadata.name ?? "" })),
  );
  const hasOverlay = options.podNetwork !== "direct";
  const ownerOf = (address: Address): Owner => {
    const text = textOf(address);
    const ofNode = own.get(text);
    if (ofNode !== undefined) return ofNode;
    const overlay = hasOverlay ? networks.find(({ network }) => sameAddress(network, address)) : undefined;
    if (overlay !== undefined) return { kind: "node", node: overlay.node };
    const podNode = pods.get(text);
    if (podNode !== undefined) return { kind: "pod", node: podNode };
    if (external.has(text)) return { kind: "external" };
    if (clusterIPs.has(text)) return { kind: "cluster-ip" };
    const ip = parseIP(text) as IPAddress;
    if (isOfNoHost(ip)) return { kind: "no-host" };
    const around = networks.find((each) => inside(each, ip));
    if (around === undefined) return { kind: "outside" };
    const asked = (options.askedFor ?? []).some((one) => sameAddress(addressOf(one), address));
    return { kind: asked ? "pod" : "pod-network", node: around.node };
  };
  const named = (): readonly NamedPrefix[] => [
    ...SPECIAL,
    ...namedBy([...own.keys(), ...pods.keys(), ...clusterIPs, ...external]),
    ...namedBy((options.askedFor ?? []).map(formatIP)),
    ...networks.flatMap(({ network, length }) => [
      { address: network, prefixLength: length },
      { address: network, prefixLength: typeof network === "number" ? 32 : 128 },
    ]),
  ];
  return {
    named,
    nodes: cluster.nodes.map(({ value }) => value.metadata.name ?? ""),
    outsideRoutesPods: options.outsideRoutesPods,
    outsideReturns: false,
    node: lazyNodes(cluster, options, report),
    ownerOf,
    overlayNode: (nextHop) =>
      networks.find(({ network }) => sameAddress(network, nextHop))?.node ?? pods.get(textOf(nextHop)),
  };
}

/** The Pod on a node that has an address. */
export function podWith(node: NetworkNode, address: Address): AttachedPod | undefined {
  return podOfAddress(node.pods, address);
}

/** The interface of a node that packets for one of its addresses come in by from the wire: the one that has it, else the uplink. */
export function wireInterface({ host, pods, uplinks, overlay }: NetworkNode, address: Address): string | undefined {
  const holder = interfacesBesidePods(host, pods).find(
    // one that is not up, as kube-ipvs0, gets nothing from a wire
    ({ name, up, loopback, addresses }) =>
      up && !loopback && name !== overlay && addresses.some((own) => sameAddress(own.address, address)),
  );
  return holder?.name ?? uplinks[typeof address === "number" ? "IPv4" : "IPv6"];
}
