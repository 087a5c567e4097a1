import type { ResolvedConfig } from "../cluster/kubeproxy-config.ts";
import { defaultSysctls, type Interface, type Sysctls } from "../kernel/host.ts";
import type { HostFile } from "../manifest/hostfile.ts";
import type { Node } from "../manifest/node.ts";
import type { Located } from "../manifest/object.ts";
import type { Pod } from "../manifest/pod.ts";
import type { IPAddress } from "../net/ip.ts";
import { detectNodeIPs, type NodeInterface, nodeView } from "../proxy/node.ts";
import { nodePortAddresses } from "../proxy/nodeports.ts";
import { type Release, type Trait, traitsOf } from "../proxy/release.ts";
import { proxyTraitsOf } from "../proxy/traits.ts";
import { textOf } from "./addresses.ts";

export interface NodeHostOptions {
  readonly config: ResolvedConfig;
  readonly release: Release;
  /** Pods, where they are known; endpoints that name their node stand in for those that are not. */
  readonly pods?: readonly Located<Pod>[];
  /** Addresses that are asked about: those in the node's own Pod networks that nothing has are taken to be Pods on it. */
  readonly askedFor?: readonly IPAddress[];
  /**
   * How packets get to other nodes' Pods: over an overlay device, whose address senders on the node then have (the default), or
   * straight to the other node, from the node's own address.
   */
  readonly podNetwork?: "overlay" | "direct";
  /** Addresses on kube-ipvs0, which ipvs mode binds Services' addresses to; absent where there is no such device. */
  readonly boundAddresses?: readonly IPAddress[];
  /** Facts of the node from a `--host` file: they replace what is assumed. */
  readonly hostFile?: HostFile;
}

/** When kube-proxy sets route_localnet (iptables-history §6, ipvs-history). */
const localnetTraits: Readonly<Record<"always" | "alwaysInIpvs", Trait>> = {
  always: { to: 23, reason: "iptables mode sets route_localnet whatever the configuration says" },
  alwaysInIpvs: { to: 20, reason: "ipvs mode sets route_localnet" },
};

/** Interfaces as kube-proxy's decisions know them. */
export function interfaceFacts(interfaces: readonly Interface[]): readonly NodeInterface[] {
  return interfaces.map(({ name, addresses }) => ({
    name,
    addresses: addresses.map(({ address, prefixLength }) => `${textOf(address)}/${prefixLength}`),
  }));
}

/** Does kube-proxy set route_localnet on this node? */
export function setsLocalnet(node: Node, interfaces: readonly Interface[], options: NodeHostOptions): boolean {
  const { config, release } = options;
  const { always, alwaysInIpvs } = traitsOf(localnetTraits, release);
  if (config.mode === "ipvs") return alwaysInIpvs;
  if (config.mode !== "iptables") return false;
  if (always) return true;
  const traits = proxyTraitsOf(release, config.featureGates);
  const facts = interfaceFacts(interfaces);
  const nodeIPs = detectNodeIPs(nodeView(node), config.bindAddress);
  const { includesLoopback } = nodePortAddresses(config.nodePortAddresses, "IPv4", nodeIPs, facts, traits);
  return includesLoopback && (!traits.localhostNodePorts || config.localhostNodePorts);
}

const SECOND = 1e9;

/** What kube-proxy sets at start (iptables-mode §5.2), on a node that forwards, as every CNI plugin needs it. */
export function nodeSysctls(localnet: boolean, { config, hostFile = {} }: NodeHostOptions): Sysctls {
  const { conntrack } = config;
  const timeouts: readonly (readonly [string, number])[] = [
    ["tcp_timeout_established", conntrack.tcpEstablishedTimeout],
    ["tcp_timeout_close_wait", conntrack.tcpCloseWaitTimeout],
    ["udp_timeout", conntrack.udpTimeout],
    ["udp_timeout_stream", conntrack.udpStreamTimeout],
  ];
  return {
    ...defaultSysctls,
    ipForward: true,
    ipv6Forwarding: true,
    tcpBeLiberal: conntrack.tcpBeLiberal || hostFile.conntrackTCPLiberal === true,
    conntrackTimeouts: new Map(
      timeouts.filter(([, time]) => time > 0).map(([name, time]) => [name, Math.floor(time / SECOND)] as const),
    ),
    ipv4: localnet ? new Map([["all", { routeLocalnet: true }]]) : new Map(),
  };
}
