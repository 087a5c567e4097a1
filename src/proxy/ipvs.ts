import type { ResolvedConfig } from "../cluster/kubeproxy-config.ts";
import type { IPFamily } from "../net/family.ts";
import { formatIP, type IPAddress, isLoopback, parseIP } from "../net/ip.ts";
import { type Prefix, parsePrefix, prefixContains, prefixFamily } from "../net/prefix.ts";
import type { NodeInterface } from "./node.ts";
import { type NodePortAddresses, withoutLoopback } from "./nodeports.ts";
import type { ProxyTraits } from "./traits.ts";

/** The interface that kube-proxy binds the addresses of virtual servers to. */
export const ipvsInterface = "kube-ipvs0";

/** What kube-proxy decides for ipvs mode only (ipvs-mode §1.1, §2.3). */
export interface IPVSDecisions {
  /** The scheduler of every virtual server, `rr` where none is set. */
  readonly scheduler: string;
  /** Virtual servers in these networks are never deleted as stale; those of the family. */
  readonly excludeCIDRs: readonly string[];
  readonly strictARP: boolean;
  /** Whole seconds, 0 leaves the kernel's own; `undefined` when no call is made as none is set. */
  readonly timeouts: { readonly tcp: number; readonly tcpFin: number; readonly udp: number } | undefined;
  /** Addresses of the node that are not bound again, in the order of the interfaces. */
  readonly nodeAddresses: readonly string[];
  /** Addresses that node ports get virtual servers on, in the order of the interfaces. */
  readonly nodePortAddresses: readonly string[];
  /** The networks that those are in, when not all addresses are meant. */
  readonly nodePortNetworks: readonly Prefix[];
}

const SECOND = 1e9;
const LINK_LOCAL: Prefix = { address: { family: "IPv6", words: [0xfe800000, 0, 0, 0] }, length: 10 };

function timeouts({ ipvs }: ResolvedConfig): IPVSDecisions["timeouts"] {
  const { tcpTimeout, tcpFinTimeout, udpTimeout } = ipvs;
  if (tcpTimeout <= 0 && tcpFinTimeout <= 0 && udpTimeout <= 0) return undefined;
  const seconds = (nanoseconds: number): number => Math.floor(nanoseconds / SECOND);
  return { tcp: seconds(tcpTimeout), tcpFin: seconds(tcpFinTimeout), udp: seconds(udpTimeout) };
}

function addressesOf(interfaces: readonly NodeInterface[], family: IPFamily): readonly IPAddress[] {
  return interfaces
    .flatMap(({ addresses }) => addresses.flatMap((text) => parseIP(text.split("/")[0] ?? "") ?? []))
    .filter((address) => address.family === family);
}

/**
 * The node's own addresses of a family: those of its interfaces but `kube-ipvs0`, without IPv6 link-local ones. Old
 * releases look into the local routing table, which has the same addresses and loopback, too (ipvs-history §5).
 */
function nodeAddresses(interfaces: readonly NodeInterface[], family: IPFamily, traits: ProxyTraits): readonly string[] {
  const others = interfaces.filter(({ name }) => name !== ipvsInterface);
  const usable = addressesOf(others, family).filter(
    (address) => !prefixContains(LINK_LOCAL, address) && (traits.ipvsLoopbackNodePorts || !isLoopback(address)),
  );
  return [...new Set(usable.map(formatIP))];
}

function ofFamily(cidrs: readonly string[], family: IPFamily): readonly string[] {
  return cidrs.filter((cidr) => {
    const prefix = parsePrefix(cidr.trim());
    return prefix !== undefined && prefixFamily(prefix) === family;
  });
}

/** Decides what only ipvs mode reads. `nodePorts` are the addresses that the configuration names, loopback included. */
export function ipvsDecisions(
  config: ResolvedConfig,
  family: IPFamily,
  interfaces: readonly NodeInterface[],
  nodePorts: NodePortAddresses,
  traits: ProxyTraits,
): IPVSDecisions {
  const own = nodeAddresses(interfaces, family, traits);
  const named = traits.ipvsLoopbackNodePorts ? nodePorts.addresses : withoutLoopback(nodePorts.addresses);
  return {
    scheduler: config.ipvs.scheduler === "" ? "rr" : config.ipvs.scheduler,
    excludeCIDRs: ofFamily(config.ipvs.excludeCIDRs, family),
    strictARP: config.ipvs.strictARP,
    timeouts: timeouts(config),
    nodeAddresses: own,
    nodePortAddresses: named === "all" ? own : named,
    nodePortNetworks: nodePorts.prefixes,
  };
}
