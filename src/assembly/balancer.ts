import type { Packet } from "../kernel/packet.ts";
import { addressText, protocolText } from "../kernel/packet-text.ts";
import type { IPFamily } from "../net/family.ts";
import { type BalancerTarget, balancerTargets, takingPart } from "../network/load-balancer.ts";
import type { ClusterNetwork } from "./cluster-network.ts";
import { type Frontend, frontendsOf, serviceKey } from "./frontends.ts";

/** What a load balancer with health checks does with packets to a Service's load balancer IP. */
export interface BalancedEntry {
  /** `namespace/name` */
  readonly service: string;
  /** Every node, in the cluster's order. */
  readonly targets: readonly BalancerTarget[];
  /** Those that it sends to, in turn. */
  readonly taking: readonly BalancerTarget[];
}

/**
 * The load balancer before a packet from outside: `undefined` where its destination is not a Service's load balancer IP, or
 * one whose balancer makes connections of its own (ipMode Proxy): then objects do not tell its address.
 */
export function balancedEntry(
  { cluster, network, proxy }: ClusterNetwork,
  { family, dst, dport, protocol }: Packet,
  check: "health" | "none",
): BalancedEntry | undefined {
  const address = addressText(dst);
  const name = protocolText(protocol, family).toUpperCase();
  const found = frontendsOf(cluster, () => false).find(address, dport, name);
  if (found?.by !== "load balancer IP") return undefined;
  const ingress = found.service.status?.loadBalancer?.ingress ?? [];
  if (ingress.some(({ ip, ipMode }) => ip === address && ipMode === "Proxy")) return undefined;
  return entryOf({ network, proxy }, found, family, check);
}

/** The nodes before a port of a Service, whose node port a balancer of its own connections calls (HAProxy, ipMode Proxy). */
export function proxiedEntry(
  { cluster, network, proxy }: ClusterNetwork,
  { family, dst, dport, protocol }: Packet,
  check: "health" | "none",
): BalancedEntry | undefined {
  const name = protocolText(protocol, family).toUpperCase();
  const found = frontendsOf(cluster, () => false).find(addressText(dst), dport, name);
  return found === undefined ? undefined : entryOf({ network, proxy }, found, family, check);
}

function entryOf(
  { network, proxy }: Pick<ClusterNetwork, "network" | "proxy">,
  { service: object, portIndex }: Frontend,
  family: IPFamily,
  check: "health" | "none",
): BalancedEntry {
  const service = serviceKey(object);
  const { port = 0, protocol = "TCP" } = object.spec?.ports?.[portIndex] ?? {};
  const states = network.nodes.flatMap((node) => proxy(node, family) ?? []);
  const targets = balancerTargets(states, { service, port, protocol });
  return { service, targets, taking: takingPart(targets, check) };
}
