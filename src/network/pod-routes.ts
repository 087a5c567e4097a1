import type { Cluster } from "../cluster/cluster.ts";
import type { Route } from "../kernel/host.ts";
import type { Address } from "../kernel/packet.ts";
import type { Node } from "../manifest/node.ts";
import type { IPFamily } from "../net/family.ts";
import { formatIP } from "../net/ip.ts";
import type { Report } from "../text/diagnostic.ts";
import { addressOf } from "./addresses.ts";
import { inside, nodeAddresses, podNetworks } from "./node-addresses.ts";
import { plainRoute, WHOLE } from "./plain-route.ts";
import { podNodes, remoteEndpoints } from "./pod-addresses.ts";

/** A way to the Pods of one node: over the overlay to its device, or by the uplink to the node itself. */
export type WayToPods = (
  node: Node | undefined,
  family: IPFamily,
) => { readonly device: string; readonly gateway?: Address } | undefined;

/** Other nodes' Pods: their networks, and single addresses that no network holds. */
export function podRoutes(cluster: Cluster, nodeName: string, way: WayToPods, report: Report): Route[] {
  const others = cluster.nodes.filter(({ value }) => value.metadata.name !== nodeName).map(({ value }) => value);
  const networks = others.flatMap((node) => podNetworks(node).map((network) => ({ ...network, node })));
  const routes = networks.flatMap(({ node, family, network, length }) => {
    const by = way(node, family);
    return by === undefined ? [] : [plainRoute(family, network, length, by.device, by.gateway ?? network)];
  });
  const nodes = podNodes(cluster, []);
  const strays = remoteEndpoints(cluster, nodeName).filter((ip) => !networks.some((each) => inside(each, ip)));
  if (strays.length > 0) {
    const message = `${strays.length} endpoint addresses on other nodes lie in no Node's podCIDRs: host routes to their nodes are assumed`;
    report({ severity: "note", code: "pod-routes-assumed", message });
  }
  // names may come twice in faulty objects: the first counts
  const byName = new Map([...others].reverse().map((node) => [node.metadata.name, node] as const));
  const single = strays.flatMap((ip) => {
    const node = byName.get(nodes.get(formatIP(ip)));
    const by = way(node, ip.family);
    return by === undefined ? [] : [plainRoute(ip.family, addressOf(ip), WHOLE[ip.family], by.device, by.gateway)];
  });
  return [...routes, ...single];
}

/** A way by the uplink, to the address that the other node has in the family. */
export function direct(uplinks: Readonly<Partial<Record<IPFamily, string>>>): WayToPods {
  return (node, family) => {
    const device = uplinks[family];
    const address = (node === undefined ? [] : nodeAddresses(node)).find((ip) => ip.family === family);
    return device === undefined || address === undefined ? undefined : { device, gateway: addressOf(address) };
  };
}
