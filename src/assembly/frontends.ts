import type { Cluster } from "../cluster/cluster.ts";
import type { Service } from "../manifest/service.ts";
import { canonicalIP } from "../net/ip.ts";

/** A port of a Service, as it is reached from somewhere. */
export interface Frontend {
  readonly service: Service;
  /** Index into `spec.ports`. */
  readonly portIndex: number;
  readonly by: "ClusterIP" | "external IP" | "load balancer IP" | "node port";
}

/** `namespace/name` */
export function serviceKey({ metadata }: Service): string {
  return `${metadata.namespace ?? ""}/${metadata.name ?? ""}`;
}

/** `shop/api port http`, or its number where it has no name. */
export function portText(service: Service, portIndex: number): string {
  const port = service.spec?.ports?.[portIndex];
  return `${serviceKey(service)} port ${port?.name || port?.port || ""}`;
}

/** Finds what an address and port are for. */
export interface Frontends {
  /** `address` is a canonical text, `protocol` TCP, UDP or SCTP. */
  readonly find: (address: string, port: number, protocol: string) => Frontend | undefined;
  /** The Service that has an address, whatever its ports, and how. */
  readonly owner: (address: string) => { readonly service: Service; readonly by: Frontend["by"] } | undefined;
}

/** The frontends of a cluster: cluster IPs, external IPs, load balancer IPs; node ports on addresses that `isNode` knows. */
export function frontendsOf(cluster: Cluster, isNode: (address: string) => boolean): Frontends {
  const byAddress = new Map<string, Frontend>();
  const owners = new Map<string, { service: Service; by: Frontend["by"] }>();
  const nodePorts = new Map<string, Frontend>();
  for (const { value: service } of cluster.services) {
    const { clusterIP = "", clusterIPs = [], externalIPs = [], ports = [], type } = service.spec ?? {};
    if (type === "ExternalName") continue;
    const ingress = (service.status?.loadBalancer?.ingress ?? []).map(({ ip = "" }) => ip);
    const addresses: readonly (readonly [Frontend["by"], readonly string[]])[] = [
      ["ClusterIP", [clusterIP, ...clusterIPs]],
      ["load balancer IP", ingress],
      ["external IP", externalIPs],
    ];
    for (const [by, texts] of addresses)
      for (const ip of texts.flatMap((text) => canonicalIP(text) ?? [])) {
        if (!owners.has(ip)) owners.set(ip, { service, by });
        for (const [portIndex, { port, protocol = "TCP" }] of ports.entries()) {
          const key = `${ip} ${port ?? 0} ${protocol}`;
          if (!byAddress.has(key)) byAddress.set(key, { service, portIndex, by });
        }
      }
    for (const [portIndex, { nodePort, protocol = "TCP" }] of ports.entries())
      if (nodePort !== undefined && nodePort > 0)
        nodePorts.set(`${nodePort} ${protocol}`, { service, portIndex, by: "node port" });
  }
  return {
    find: (address, port, protocol) =>
      byAddress.get(`${address} ${port} ${protocol}`) ??
      (isNode(address) ? nodePorts.get(`${port} ${protocol}`) : undefined),
    owner: (address) => owners.get(address),
  };
}
