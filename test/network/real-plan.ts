import type { Host, Route } from "../../src/kernel/host.ts";
import { connectedRoutes } from "../../src/kernel/routing/address-routes.ts";
import { ipFamilies } from "../../src/net/family.ts";
import { formatIP } from "../../src/net/ip.ts";
import { addressOf } from "../../src/network/addresses.ts";
import { OVERLAY } from "../../src/network/devices.ts";
import type { NetworkNode } from "../../src/network/network.ts";
import { ipvsInterface } from "../../src/proxy/ipvs.ts";
import { addressText, familyOfText } from "../routing/support.ts";
import {
  addressesOf,
  addressFrom,
  gateways,
  type HostPlan,
  type LinkPlan,
  linkOf,
  mac,
  type NetworkPlan,
  OUTSIDE,
  type PlannedNode,
  POD_GATEWAY,
  permanent,
  plannedNodes,
  podHost,
  uplinkAddress,
  WHOLE,
} from "./real-names.ts";
import { outsideLinks } from "./real-outside.ts";
import type { Place } from "./support.ts";

/** The routes that the kernel does not make by itself when an address is added, as lines of `ip -batch`. */
export function routeLines(host: Host): string[] {
  const own = new Set(ipFamilies.flatMap((family) => connectedRoutes(host.interfaces, family)).map(routeKey));
  return host.routes.filter((route) => route.table === 254 && !own.has(routeKey(route))).map(routeLine);
}

const routeKey = ({ family, destination, prefixLength, nextHops }: Route): string =>
  `${family} ${addressText(destination)}/${prefixLength} ${JSON.stringify(nextHops)}`;

function routeLine({ destination, prefixLength, nextHops, scope, family, metric }: Route): string {
  const [hop] = nextHops;
  const via = hop?.gateway === undefined ? "" : ` via ${addressText(hop.gateway.address)}`;
  const onlink = hop?.gateway !== undefined && hop.device === OVERLAY ? " onlink" : "";
  const kind = family === "IPv6" ? ` metric ${metric}` : scope === "host" ? " scope host" : "";
  return `route add ${addressText(destination)}/${prefixLength}${via} dev ${hop?.device}${onlink}${kind}`;
}

/** The settings of the kernel that a node's description tells. */
export function sysctlsOf({ host }: Pick<NetworkNode, "host">): Record<string, number> {
  const { ipForward, ipv6Forwarding, tcpBeLiberal, conntrackTimeouts, ipv4 } = host.sysctls;
  return {
    "net.ipv4.ip_forward": Number(ipForward),
    "net.ipv6.conf.all.forwarding": Number(ipv6Forwarding),
    "net.netfilter.nf_conntrack_tcp_be_liberal": Number(tcpBeLiberal),
    "net.ipv4.conf.all.route_localnet": Number(ipv4.get("all")?.routeLocalnet === true),
    ...Object.fromEntries([...conntrackTimeouts].map(([name, time]) => [`net.netfilter.nf_conntrack_${name}`, time])),
  };
}

/** The overlay: a VXLAN device with the others' hardware addresses, as flannel writes them. */
function overlayLines(self: PlannedNode, nodes: readonly PlannedNode[]): { ip: string[]; bridge: string[] } {
  const { index } = self;
  const local = uplinkAddress(self, "IPv4") ?? uplinkAddress(self, "IPv6") ?? "";
  const family = familyOfText(local);
  const ip = [
    `link add ${OVERLAY} address ${mac("overlay", index)} type vxlan id 1 local ${local} dstport 8472 nolearning`,
  ];
  const bridge: string[] = [];
  for (const other of nodes) {
    const remote = uplinkAddress(other, family);
    if (other === self || remote === undefined) continue;
    const lladdr = mac("overlay", other.index);
    bridge.push(`fdb append ${lladdr} dev ${OVERLAY} dst ${remote}`);
    // its own device, and Pods that a route without a gateway leads to
    const neighbours = [
      ...addressesOf(other.node.host, OVERLAY).map(({ address }) => address),
      ...other.node.pods.flatMap(({ addresses }) => addresses.map(addressOf)),
    ];
    for (const address of neighbours) ip.push(permanent(addressText(address), lladdr, OVERLAY));
  }
  return { ip, bridge };
}

function nodeLinks(self: PlannedNode, nodes: readonly PlannedNode[], strangers: readonly string[]): LinkPlan {
  const { node, index, uplinks } = self;
  const overlay = overlayLines(self, nodes);
  const pods = node.pods.map(
    (pod, i) =>
      `link add ${pod.interface} address ${mac("veth", index, i)} type veth peer name eth0 address ${mac("pod", index, i)} netns @${podHost(pod.key)} `,
  );
  const devices = node.host.interfaces.filter(({ loopback }) => !loopback);
  const addresses = devices.flatMap(({ name, mtu, up, addresses }) => [
    ...addresses.map(
      ({ address, prefixLength, family }) =>
        `addr add ${addressText(address)}/${prefixLength} dev ${name}${family === "IPv6" ? " nodad" : ""}`,
    ),
    `link set ${name} mtu ${mtu}${up ? " up" : ""}`,
  ]);
  const neighbours = node.pods.flatMap((pod, i) =>
    pod.addresses.map((ip) => permanent(formatIP(ip), mac("pod", index, i), pod.interface)),
  );
  const [make = "", ...rest] = overlay.ip;
  const dummies = devices.filter(({ name }) => name === ipvsInterface).map(({ name }) => `link add ${name} type dummy`);
  const ip = [make, ...dummies, ...pods, ...addresses, ...routeLines(node.host), ...rest, ...neighbours];
  for (const [at, device] of uplinks.entries()) ip.push(...linkNeighbours(self, nodes, device, at, strangers));
  return { host: node.name, ip, bridge: overlay.bridge };
}

/** Hardware addresses of everybody on a link, so that nothing is asked and everything goes at once. */
function linkNeighbours(
  self: PlannedNode,
  nodes: readonly PlannedNode[],
  device: string,
  at: number,
  strangers: readonly string[],
): string[] {
  const devices = [...new Set(nodes.flatMap(({ uplinks }) => uplinks))];
  const bridge = mac("bridge", 0, devices.indexOf(device));
  const others = nodes.filter((each) => each !== self && each.uplinks[at] === device);
  return [
    ...gateways(nodes, device).map((gateway) => permanent(gateway, bridge, device)),
    ...others.flatMap(({ node, index }) =>
      addressesOf(node.host, device).map(({ address }) =>
        permanent(addressText(address), mac("uplink", index, at), device),
      ),
    ),
    ...strangers
      .filter((text) => linkOf([self], device, addressFrom(text)) !== undefined)
      .map((text) => permanent(text, bridge, device)),
  ];
}

function podLinks({ node, index }: PlannedNode): LinkPlan[] {
  return node.pods.map((pod, i) => {
    const families = [...new Set(pod.addresses.map(({ family }) => family))];
    const ip = [
      "link set eth0 mtu 1450 up",
      ...pod.addresses.map(
        (ip) => `addr add ${formatIP(ip)}/${WHOLE[ip.family]} dev eth0${ip.family === "IPv6" ? " nodad" : ""}`,
      ),
      ...families.flatMap((family) => [
        permanent(POD_GATEWAY[family], mac("veth", index, i), "eth0"),
        `route add ${family === "IPv4" ? "0.0.0.0/0" : "::/0"} via ${POD_GATEWAY[family]} dev eth0 onlink`,
      ]),
    ];
    return { host: podHost(pod.key), ip };
  });
}

/**
 * The network of a place as namespaces: what `src/network/` assumes about each node, made with `ip`. `addresses`: of all
 * packets that will be sent, so that strangers on the nodes' links are there.
 */
export function planNetwork(place: Place, addresses: readonly string[]): NetworkPlan {
  const nodes = plannedNodes(place);
  const strangers = addresses.filter((text) => {
    const address = addressFrom(text);
    if (place.network.ownerOf(address).kind !== "outside") return false;
    return nodes.some(({ uplinks }) => uplinks.some((device) => linkOf(nodes, device, address) !== undefined));
  });
  // whoever is outside sends from addresses that no interface has
  const forwarding = {
    "net.ipv4.ip_forward": 1,
    "net.ipv6.conf.all.forwarding": 1,
    "net.ipv6.ip_nonlocal_bind": 1,
  };
  const hosts: HostPlan[] = [
    { name: OUTSIDE, taps: "end", sysctls: forwarding },
    ...nodes.map(({ node }): HostPlan => ({ name: node.name, taps: "node", sysctls: sysctlsOf(node) })),
    ...nodes.flatMap(({ node }) =>
      node.pods.map((pod): HostPlan => ({ name: podHost(pod.key), taps: "end", sysctls: {} })),
    ),
  ];
  const links = [
    outsideLinks(place, nodes, strangers),
    ...nodes.map((node) => nodeLinks(node, nodes, strangers)),
    ...nodes.flatMap(podLinks),
  ];
  return { hosts, links };
}
