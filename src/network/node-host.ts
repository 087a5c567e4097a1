import type { Cluster } from "../cluster/cluster.ts";
import type { HostDescription, Interface, Route } from "../kernel/host.ts";
import { type Address, sameAddress } from "../kernel/packet.ts";
import { connectedRoutes, localRoutes, networkOf } from "../kernel/routing/address-routes.ts";
import type { HostFile } from "../manifest/hostfile.ts";
import type { Node } from "../manifest/node.ts";
import { type IPFamily, ipFamilies } from "../net/family.ts";
import { formatIP, type IPAddress } from "../net/ip.ts";
import { portableSHA256 } from "../net/sha256.ts";
import type { NodeInterface } from "../proxy/node.ts";
import { emptyRuleset } from "../rules/iptables/ruleset.ts";
import type { Report } from "../text/diagnostic.ts";
import { addressOf, textOf } from "./addresses.ts";
import { device, OVERLAY, type OwnAddress, ownAddress, UPLINK_MTU, withBound } from "./devices.ts";
import { inside, nodeAddresses, type PodNetwork, podNetworks } from "./node-addresses.ts";
import { interfaceFacts, type NodeHostOptions, nodeSysctls, setsLocalnet } from "./node-sysctls.ts";
import { plainRoute, WHOLE } from "./plain-route.ts";
import { type LocalPod, localPods } from "./pod-addresses.ts";
import { direct, podRoutes } from "./pod-routes.ts";

/** What a VXLAN leaves of it. */
const OVERLAY_MTU = 1450;
/** The network that a Node's address is taken to be in when nothing tells. */
const ASSUMED_LENGTH = { IPv4: 24, IPv6: 64 } as const;

/** The address a number of steps behind the first of a network. */
export function behind(network: Address, steps: number): Address {
  if (typeof network === "number") return (network + steps) >>> 0;
  return [network[0], network[1], network[2], (network[3] + steps) >>> 0];
}

/** Of devices that are assumed it is known; whether an interface of a host file is a bridge, nothing tells. */
const noBridge = (made: Interface): Interface => ({ ...made, bridge: false });

const LOOPBACK = ["127.0.0.1/8", "::1/128"].flatMap((text) => ownAddress(text) ?? []);

/** lo and the uplink: those of the host file, else one with the Node's addresses. */
function baseInterfaces(node: Node, file: HostFile, report: Report): Interface[] {
  const given = file.interfaces?.map(({ name = "", addresses = [] }, i) =>
    device(
      i + 2,
      name,
      name === "lo" ? 65536 : UPLINK_MTU,
      addresses.flatMap((text) => ownAddress(text) ?? []),
    ),
  );
  const lo = given?.find(({ name }) => name === "lo") ?? device(1, "lo", 65536, LOOPBACK);
  if (given !== undefined) return [{ ...lo, index: 1 }, ...given.filter(({ name }) => name !== "lo")];
  const own = nodeAddresses(node).map((ip) => ({
    family: ip.family,
    address: addressOf(ip),
    prefixLength: ASSUMED_LENGTH[ip.family],
  }));
  const uplink = noBridge(device(2, "eth0", UPLINK_MTU, own));
  const texts = own.map(({ address, prefixLength }) => `${textOf(address)}/${prefixLength}`).join(", ");
  const message = `interfaces are not known: lo and eth0 with ${texts === "" ? "no address" : texts} are assumed (--host tells them)`;
  report({ severity: "note", code: "interfaces-assumed", message });
  return [lo, uplink];
}

interface Uplink {
  readonly device: Interface;
  readonly own: OwnAddress;
}

/** The interface that holds the Node's address of a family; else the first one that has any beside lo. */
function uplinkOf(interfaces: readonly Interface[], node: Node, family: IPFamily): Uplink | undefined {
  const ips = nodeAddresses(node).map(addressOf);
  const all = interfaces
    .filter(({ loopback }) => !loopback)
    .flatMap((each) => each.addresses.filter((own) => own.family === family).map((own) => ({ device: each, own })));
  return all.find(({ own }) => ips.some((ip) => sameAddress(ip, own.address))) ?? all[0];
}

const NOWHERE: Readonly<Record<IPFamily, Address>> = { IPv4: 0, IPv6: [0, 0, 0, 0] };

/** A default route over the uplink, by the first address of its network that nobody is known to have. */
function defaultRoute(uplink: Uplink, family: IPFamily, taken: readonly Address[], report: Report): Route {
  const { own, device: out } = uplink;
  const network = networkOf(own.address, own.prefixLength);
  if (own.prefixLength >= WHOLE[family] - 1) return plainRoute(family, NOWHERE[family], 0, out.name);
  let steps = 1;
  while (taken.some((address) => sameAddress(address, behind(network, steps)))) steps++;
  const gateway = behind(network, steps);
  const message = `${family}: a default route via ${textOf(gateway)} on ${out.name} is assumed`;
  report({ severity: "note", code: "gateway-assumed", message });
  return plainRoute(family, NOWHERE[family], 0, out.name, gateway);
}

/** Names of the veths: stable for a Pod, whatever others there are. */
function vethNames(pods: readonly LocalPod[], interfaces: readonly Interface[]): string[] {
  const taken = new Set(interfaces.map(({ name }) => name));
  return pods.map(({ key }) => {
    let name = "";
    for (let tries = 0; name === "" || taken.has(name); tries++)
      name = `veth${portableSHA256(tries === 0 ? key : `${key}#${tries}`).slice(0, 8)}`;
    taken.add(name);
    return name;
  });
}

const destinationKey = ({ destination, prefixLength }: Route): string => `${destination}/${prefixLength}`;

/** A Pod and its end of the host: the name of its veth. */
export interface AttachedPod extends LocalPod {
  readonly interface: string;
}

/** A node's description with what hangs on its interfaces. */
export interface NodeHost extends HostDescription {
  readonly pods: readonly AttachedPod[];
  /** The interface that leads to the other nodes and out, by family; absent where the node has no address of it. */
  readonly uplinks: Readonly<Partial<Record<IPFamily, string>>>;
}

/** A veth a Pod, as the CNI plugin ptp makes them: the gateway's address on each, and a host route. */
function podInterfaces(
  pods: readonly LocalPod[],
  own: readonly PodNetwork[],
  interfaces: readonly Interface[],
): {
  readonly interfaces: readonly Interface[];
  readonly routes: readonly Route[];
  readonly attached: readonly AttachedPod[];
} {
  const gateways = own.map(({ family, network }) => ({
    family,
    address: behind(network, 1),
    prefixLength: WHOLE[family],
  }));
  const names = vethNames(pods, interfaces);
  const next = Math.max(...interfaces.map(({ index }) => index)) + 1;
  const made = pods.map(({ addresses }, i) => {
    const families = new Set(addresses.map(({ family }) => family));
    const ends = gateways.filter(({ family }) => families.has(family));
    return noBridge(device(next + i, names[i] ?? "", OVERLAY_MTU, ends));
  });
  const routes = pods.flatMap(({ addresses }, i) =>
    addresses.map((ip): Route => {
      const made = plainRoute(ip.family, addressOf(ip), WHOLE[ip.family], names[i] ?? "");
      // as the plugin makes it, whose end of the veth has the gateway's address: without one a source is looked for as usual
      return ip.family === "IPv4" && gateways.some(({ family }) => family === "IPv4")
        ? { ...made, scope: "host" }
        : made;
    }),
  );
  const attached = pods.map((pod, i) => ({ ...pod, interface: names[i] ?? "" }));
  return { interfaces: made, routes, attached };
}

/** Addresses in the node's Pod networks that no Pod and no endpoint is known to have. */
function assumedPods(
  addresses: readonly IPAddress[],
  known: readonly LocalPod[],
  own: readonly PodNetwork[],
  report: Report,
): LocalPod[] {
  const taken = new Set(known.flatMap((pod) => pod.addresses.map(formatIP)));
  return addresses.flatMap((ip) => {
    const key = formatIP(ip);
    if (taken.has(key) || !own.some((each) => inside(each, ip))) return [];
    const message = `${key} lies in this node's podCIDR: it is taken to be a Pod here`;
    report({ severity: "note", code: "pod-assumed", message });
    return [{ key, addresses: [ip] }];
  });
}

/** The interfaces of a node as `nodeHost` makes them, in the words that kube-proxy's decisions are made from; none when there is no such Node. */
export function nodeInterfaces(cluster: Cluster, nodeName: string, options: NodeHostOptions): readonly NodeInterface[] {
  const silent: Report = () => {};
  return interfaceFacts(nodeHost(cluster, nodeName, options, silent)?.interfaces ?? []);
}

/**
 * A node as a host, from API objects alone: lo, an uplink with the Node's addresses and a default route, a veth for each
 * local Pod, an overlay to the Pods of other nodes or routes to these, and the sysctls that kube-proxy sets. What no object tells is assumed
 * and said in notes. Interfaces stand in the order lo, uplink (or those of the host file), overlay, veths by Pod.
 * `undefined`, with an error, when there is no such Node.
 */
export function nodeHost(
  cluster: Cluster,
  nodeName: string,
  options: NodeHostOptions,
  report: Report,
): NodeHost | undefined {
  const node = cluster.nodes.find(({ value }) => value.metadata.name === nodeName)?.value;
  if (node === undefined) {
    report({ severity: "error", code: "no-such-node", message: `there is no Node ${JSON.stringify(nodeName)}` });
    return undefined;
  }
  const base = baseInterfaces(node, options.hostFile ?? {}, report);
  const own = podNetworks(node);
  const nextIndex = Math.max(...base.map(({ index }) => index)) + 1;
  const vtep = own.map(({ family, network }) => ({ family, address: network, prefixLength: WHOLE[family] }));
  const overlay = options.podNetwork !== "direct";
  const withOverlay =
    !overlay || base.some(({ name }) => name === OVERLAY)
      ? base
      : [...base, noBridge(device(nextIndex, OVERLAY, OVERLAY_MTU, vtep))];
  const known = localPods(cluster, nodeName, options.pods ?? []);
  const withDummy = withBound(options.boundAddresses, withOverlay);
  const pods = podInterfaces([...known, ...assumedPods(options.askedFor ?? [], known, own, report)], own, withDummy);
  const interfaces = [...withDummy, ...pods.interfaces];
  const taken = [
    ...cluster.nodes.flatMap(({ value }) => nodeAddresses(value).map(addressOf)),
    ...base.flatMap(({ addresses }) => addresses.map(({ address }) => address)),
  ];
  const uplinks: Partial<Record<IPFamily, string>> = {};
  const defaults = ipFamilies.flatMap((family) => {
    const uplink = uplinkOf(base, node, family);
    if (uplink === undefined) return [];
    uplinks[family] = uplink.device.name;
    return [defaultRoute(uplink, family, taken, report)];
  });
  // an address that slices claim for two nodes leads to the Pod here: the kernel takes no second route to it
  const elsewhere = podRoutes(cluster, nodeName, overlay ? () => ({ device: OVERLAY }) : direct(uplinks), report);
  const here = new Set(pods.routes.map(destinationKey));
  const routes = [
    ...ipFamilies.flatMap((family) => [
      ...localRoutes(interfaces, family, true),
      ...connectedRoutes(interfaces, family),
    ]),
    ...pods.routes,
    ...elsewhere.filter((route) => !here.has(destinationKey(route))),
    ...defaults,
  ];
  const sysctls = nodeSysctls(setsLocalnet(node, interfaces, options), options);
  return {
    name: nodeName,
    interfaces,
    routes,
    policyRules: [],
    sysctls,
    rules: { IPv4: emptyRuleset, IPv6: emptyRuleset },
    pods: pods.attached,
    uplinks,
  };
}
