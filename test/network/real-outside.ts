import { networkOf } from "../../src/kernel/routing/address-routes.ts";
import { formatIP, parseIP } from "../../src/net/ip.ts";
import { addressOf } from "../../src/network/addresses.ts";
import { podNetworks } from "../../src/network/node-addresses.ts";
import { addressText, familyOfText } from "../routing/support.ts";
import {
  addressesOf,
  addressFrom,
  gateways,
  type LinkPlan,
  linkOf,
  mac,
  OUTSIDE,
  type PlannedNode,
  permanent,
  plannedNodes,
  uplinkAddress,
  WHOLE,
} from "./real-names.ts";
import type { Place } from "./support.ts";

/** Outside as one host: gateway of every link, router to what the cluster announces, and whoever else has an address. */
export function outsideLinks(place: Place, nodes: readonly PlannedNode[], strangers: readonly string[]): LinkPlan {
  const devices = [...new Set(nodes.flatMap(({ uplinks }) => uplinks))];
  const ip: string[] = [];
  for (const [i, device] of devices.entries()) {
    const bridge = `br-${device}`;
    ip.push(`link add ${bridge} address ${mac("bridge", 0, i)} type bridge mcast_snooping 0`, `link set ${bridge} up`);
    for (const gateway of gateways(nodes, device)) {
      const address = addressFrom(gateway);
      ip.push(
        `addr add ${gateway}/${linkOf(nodes, device, address)} dev ${bridge}${gateway.includes(":") ? " nodad" : ""}`,
      );
    }
    for (const { node, index, uplinks } of nodes) {
      if (!uplinks.includes(device)) continue;
      const peer = `n${index}-${device}`;
      const at = uplinks.indexOf(device);
      ip.push(
        `link add ${device} address ${mac("uplink", index, at)} netns @${node.name} type veth peer name ${peer}`,
        `link set ${peer} master ${bridge} up`,
      );
      for (const { address, prefixLength } of addressesOf(node.host, device)) {
        ip.push(permanent(addressText(address), mac("uplink", index, at), bridge));
        // a link without a gateway: everybody on it is here all the same
        ip.push(`route replace ${addressText(networkOf(address, prefixLength))}/${prefixLength} dev ${bridge}`);
      }
    }
  }
  ip.push(...secondLinkRules(nodes, devices));
  ip.push(...outsideRoutes(place, nodes));
  // whoever is on a node's link and no node has its address among these
  for (const text of strangers) ip.push(`route replace local ${text}/${WHOLE[familyOfText(text)]} dev lo table main`);
  return { host: OUTSIDE, ip };
}

/**
 * Who is on another link of a node than its uplink gets to all its addresses by that (IPv4): as the emulated network has it, whose
 * nodes are entered by the interface of the way back.
 */
function secondLinkRules(nodes: readonly PlannedNode[], devices: readonly string[]): string[] {
  return nodes.flatMap(({ node, uplinks }) =>
    uplinks.flatMap((device) => {
      if (device === node.uplinks.IPv4) return [];
      const table = 100 + devices.indexOf(device);
      const [own] = addressesOf(node.host, device).filter(({ family }) => family === "IPv4");
      if (own === undefined) return [];
      const network = `${addressText(networkOf(own.address, own.prefixLength))}/${own.prefixLength}`;
      const all = node.host.interfaces
        .filter(({ name }) => uplinks.includes(name))
        .flatMap(({ addresses }) => addresses);
      const routes = all
        .filter(({ family }) => family === "IPv4")
        .map(
          ({ address }) =>
            `route add ${addressText(address)}/32 via ${addressText(own.address)} table ${table} onlink dev br-${device}`,
        );
      return [...routes, `rule add from ${network} lookup ${table}`];
    }),
  );
}

/** Where routers outside lead: Pod networks to their nodes or nowhere, ClusterIPs nowhere, all else is somebody here. */
function outsideRoutes({ cluster, network }: Place, nodes: readonly PlannedNode[]): string[] {
  const lines = ["route add local 0.0.0.0/0 dev lo table main", "route add local ::/0 dev lo table main"];
  for (const { value } of cluster.nodes) {
    for (const { network: address, length, family } of podNetworks(value)) {
      const gateway = nodes.find(({ node }) => node.name === value.metadata.name);
      const via = gateway === undefined ? undefined : uplinkAddress(gateway, family);
      const destination = `${addressText(address)}/${length}`;
      if (network.outsideRoutesPods === true && via !== undefined) lines.push(`route add ${destination} via ${via}`);
      else lines.push(`route add blackhole ${destination}`);
    }
  }
  for (const text of serviceAddresses({ cluster, network }))
    lines.push(`route replace blackhole ${text}/${WHOLE[familyOfText(text)]}`);
  return lines;
}

/** ClusterIPs and external addresses of Services that are no node's own. */
function serviceAddresses({ cluster, network }: Pick<Place, "cluster" | "network">): string[] {
  const texts = cluster.services.flatMap(({ value: { spec, status } }) => [
    ...(spec?.clusterIPs ?? []),
    ...(spec?.externalIPs ?? []),
    ...(status?.loadBalancer?.ingress ?? []).map(({ ip = "" }) => ip),
  ]);
  const found = texts
    .flatMap((text) => parseIP(text) ?? [])
    .filter((ip) => network.ownerOf(addressOf(ip)).kind !== "node");
  return [...new Set(found.map(formatIP))];
}

/** Lines for the routers outside: what is for external addresses of Services, or for one `only`, is handed to a node. */
export function entryLines(place: Place, entry: string, only?: string): string[] {
  const node = plannedNodes(place).find((each) => each.node.name === entry);
  if (node === undefined) throw new Error(`there is no Node ${entry}`);
  const kindOf = (text: string) => place.network.ownerOf(addressFrom(text)).kind;
  const texts = only === undefined ? serviceAddresses(place).filter((text) => kindOf(text) === "external") : [only];
  return texts.flatMap((text) => {
    const family = familyOfText(text);
    const via = uplinkAddress(node, family);
    return via === undefined || kindOf(text) === "node" ? [] : [`route replace ${text}/${WHOLE[family]} via ${via}`];
  });
}

/** Lines that make such a route for one address lead nowhere again. */
export function closeLines(place: Place, text: string): string[] {
  if (place.network.ownerOf(addressFrom(text)).kind === "node") return [];
  return [`route replace blackhole ${text}/${WHOLE[familyOfText(text)]}`];
}
