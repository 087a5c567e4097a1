import { type Address, type Packet, protocols } from "../kernel/packet.ts";
import { isLoopback } from "../net/ip.ts";
import type { ProxyState } from "../proxy/state.ts";
import { addressOf } from "./addresses.ts";

/** A port of a Service with which a load balancer works. */
export interface BalancedPort {
  /** `namespace/name` */
  readonly service: string;
  readonly port: number;
  /** TCP, UDP or SCTP. */
  readonly protocol: string;
}

/** A node as the load balancer knows it. */
export interface BalancerTarget {
  readonly node: string;
  /** The node's own address of the family, where it has one. */
  readonly address?: Address;
  /** 0 where none is allocated. */
  readonly nodePort: number;
  /** What the Service's health check port answers (iptables-mode §5.3, kube-proxy itself being well); absent without such a port. */
  readonly health?: 200 | 503;
}

/** The nodes behind a Service's port, in the order of the proxy states, each of another node and all of one family. */
export function balancerTargets(states: readonly ProxyState[], balanced: BalancedPort): readonly BalancerTarget[] {
  return states.flatMap(({ ports, health, nodeIPs, family, nodeName }) => {
    const found = ports.find(
      ({ port }) =>
        `${port.namespace}/${port.name}` === balanced.service &&
        port.port === balanced.port &&
        port.protocol === balanced.protocol,
    );
    if (found === undefined) return [];
    const ip = nodeIPs.byFamily[family];
    const checked = health.get(balanced.service);
    return [
      {
        node: nodeName,
        nodePort: found.port.nodePort,
        ...(isLoopback(ip) ? {} : { address: addressOf(ip) }),
        ...(checked === undefined ? {} : { health: checked.localEndpoints > 0 ? (200 as const) : (503 as const) }),
      },
    ];
  });
}

/** Those that a balancer sends to: with `health`, nodes that answer 503 take no part; all do where there is no health check port. */
export function takingPart(targets: readonly BalancerTarget[], check: "health" | "none"): readonly BalancerTarget[] {
  return check === "none" ? targets : targets.filter(({ health }) => health !== 503);
}

/**
 * The target of the next connection, round robin: the one at position `connection` (0, 1, …) among those that take part. `undefined`
 * when there is none: what a load balancer does then differs from maker to maker.
 */
export function nextTarget(
  targets: readonly BalancerTarget[],
  check: "health" | "none",
  connection: number,
): BalancerTarget | undefined {
  const taking = takingPart(targets, check);
  return taking[connection % taking.length];
}

/**
 * The first packet of the balancer's own connection to a target, for one that ends the client's (HAProxy, ipMode Proxy): from
 * the balancer's address, to the node port. `undefined` for what is not TCP, and where the target has no node port or address.
 * A balancer that hands packets on as they are (ipMode VIP) changes nothing: they enter the target's node.
 */
export function proxiedPacket(
  packet: Packet,
  balancer: Address,
  { address, nodePort }: BalancerTarget,
): Packet | undefined {
  if (packet.protocol !== protocols.tcp || address === undefined || nodePort === 0) return undefined;
  return { ...packet, src: balancer, dst: address, dport: nodePort };
}
