import type { Cluster } from "../../src/cluster/cluster.ts";
import type { Packet } from "../../src/kernel/packet.ts";
import { formatIP, parseIP } from "../../src/net/ip.ts";
import { nodeAddresses } from "../../src/network/node-addresses.ts";
import { readProtocol } from "../flows/packet-text.ts";
import { addressText } from "../routing/support.ts";

/** A way to call a Service's port: one of `addresses`, this protocol and port. */
export interface Frontend {
  /** `NAMESPACE/NAME:PORT/PROTOCOL KIND` */
  readonly name: string;
  readonly addresses: readonly string[];
  readonly protocol: number;
  readonly port: number;
}

const canonical = (texts: readonly string[]): readonly string[] =>
  texts.flatMap((text) => parseIP(text) ?? []).map(formatIP);

/** All frontends that a cluster's objects name, whatever kube-proxy makes of them; several addresses of one kind are one. */
export function frontendsOf(cluster: Cluster): readonly Frontend[] {
  const nodes = cluster.nodes.flatMap(({ value }) => nodeAddresses(value).map(formatIP));
  return cluster.services.flatMap(({ value: { metadata, spec = {}, status } }) => {
    const { clusterIPs = [], externalIPs = [], ports = [], healthCheckNodePort = 0 } = spec;
    const ingress = (status?.loadBalancer?.ingress ?? []).map(({ ip = "" }) => ip);
    const service = `${metadata.namespace}/${metadata.name}`;
    const own = ports.flatMap(({ port = 0, protocol = "TCP", nodePort = 0 }) => {
      const frontend = (kind: string, addresses: readonly string[], number: number): Frontend => ({
        name: `${service}:${port}/${protocol} ${kind}`,
        addresses: canonical(addresses),
        protocol: readProtocol(protocol.toLowerCase(), "IPv4"),
        port: number,
      });
      return [
        frontend("cluster IP", clusterIPs, port),
        frontend("external IP", externalIPs, port),
        frontend("load-balancer IP", ingress, port),
        frontend("node port", nodePort === 0 ? [] : nodes, nodePort),
      ];
    });
    const health = { name: `${service} health check`, addresses: nodes, protocol: 6, port: healthCheckNodePort };
    return [...own, ...(healthCheckNodePort === 0 ? [] : [health])].filter(({ addresses }) => addresses.length > 0);
  });
}

/** Does a packet call it? */
export function calls(packet: Packet, { addresses, protocol, port }: Frontend): boolean {
  return packet.protocol === protocol && packet.dport === port && addresses.includes(addressText(packet.dst));
}
