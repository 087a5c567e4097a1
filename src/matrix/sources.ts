import type { Cluster } from "../cluster/cluster.ts";
import type { Address } from "../kernel/packet.ts";
import type { Located } from "../manifest/object.ts";
import type { Pod } from "../manifest/pod.ts";
import { type IPFamily, ipFamilies } from "../net/family.ts";
import { formatIP, type IPAddress, parseIP } from "../net/ip.ts";
import { addressOf } from "../network/addresses.ts";
import { nodeAddresses, type PodNetwork, podNetworks } from "../network/node-addresses.ts";

/** Who calls: a column of the matrix. */
export interface Source {
  readonly kind: "pod" | "node" | "outside" | "itself";
  /** Where it is, or for `outside` the node that its packets enter by; absent for `itself`. */
  readonly node?: string;
  /** Its address of each family, where it has one. A node's process sends from what routing gives it. */
  readonly addresses: Readonly<Partial<Record<IPFamily, Address>>>;
  /** The Pod is nobody's object: its address is a free one of the node's podCIDR. */
  readonly assumed?: true;
}

/** Addresses of the outside client unless others are asked for: of documentation networks, which nobody has. */
const OUTSIDE = ["203.0.113.77", "2001:db8:ffff::77"];

const compact = (addresses: readonly IPAddress[]): Source["addresses"] =>
  Object.fromEntries(addresses.map((ip) => [ip.family, addressOf(ip)] as const));

/** Every address that an endpoint has, as text. */
function endpointAddresses({ endpointSlices }: Cluster): ReadonlySet<string> {
  const texts = endpointSlices.flatMap(({ value }) =>
    (value.endpoints ?? []).flatMap(({ addresses = [] }) => addresses),
  );
  return new Set(texts.flatMap((text) => (parseIP(text) === undefined ? [] : [formatIP(parseIP(text) as IPAddress)])));
}

function addressesOf({ status }: Pod): readonly IPAddress[] {
  const texts = status?.podIPs?.map(({ ip = "" }) => ip) ?? [status?.podIP ?? ""];
  return texts.flatMap((text) => parseIP(text) ?? []);
}

const isOver = ({ status }: Pod): boolean => status?.phase === "Succeeded" || status?.phase === "Failed";

function ipOf(address: Address): IPAddress {
  return typeof address === "number" ? { family: "IPv4", value: address } : { family: "IPv6", words: address };
}

/** An address near the end of a Pod network that nobody has. */
function freeAddress({ family, network, length }: PodNetwork, taken: ReadonlySet<string>): IPAddress | undefined {
  const bits = Math.min(16, (family === "IPv4" ? 32 : 128) - length);
  for (let step = 2 ** bits - 2; step > 1; step--) {
    const address: Address =
      typeof network === "number"
        ? (network + step) >>> 0
        : [network[0], network[1], network[2], (network[3] + step) >>> 0];
    const ip = ipOf(address);
    if (!taken.has(formatIP(ip))) return ip;
  }
  return undefined;
}

/** A Pod of a node that is nobody's endpoint; where there is none, one is assumed in its podCIDRs. */
function clientPod(cluster: Cluster, pods: readonly Located<Pod>[], node: string): Source {
  const endpoints = endpointAddresses(cluster);
  const own = pods
    .map(({ value }) => value)
    .filter(({ spec }) => spec?.nodeName === node && spec.hostNetwork !== true)
    .filter((pod) => !isOver(pod) && addressesOf(pod).length > 0);
  const found = own.find((pod) => addressesOf(pod).every((ip) => !endpoints.has(formatIP(ip))));
  if (found !== undefined) return { kind: "pod", node, addresses: compact(addressesOf(found)) };
  const taken = new Set([...endpoints, ...pods.flatMap(({ value }) => addressesOf(value).map(formatIP))]);
  const object = cluster.nodes.find(({ value }) => value.metadata.name === node)?.value;
  const networks = object === undefined ? [] : podNetworks(object);
  const free = networks.flatMap((network) => freeAddress(network, taken) ?? []);
  return { kind: "pod", node, addresses: compact(free), assumed: true };
}

/** The columns: a Pod on each node, each node itself, an outside client by each node, and an endpoint that calls its own Service. */
export function matrixSources(
  cluster: Cluster,
  pods: readonly Located<Pod>[],
  options: { readonly nodes?: readonly string[]; readonly clients?: readonly IPAddress[] } = {},
): readonly Source[] {
  const names = cluster.nodes.map(({ value }) => value.metadata.name ?? "");
  const nodes = names.filter((name) => options.nodes === undefined || options.nodes.includes(name));
  const clients = [...OUTSIDE.flatMap((text) => parseIP(text) ?? []), ...(options.clients ?? [])];
  const own = new Map(cluster.nodes.map(({ value }) => [value.metadata.name ?? "", nodeAddresses(value)]));
  return [
    ...nodes.map((node) => clientPod(cluster, pods, node)),
    ...nodes.map((node): Source => ({ kind: "node", node, addresses: compact([...(own.get(node) ?? [])].reverse()) })),
    ...nodes.map((node): Source => ({ kind: "outside", node, addresses: compact(clients) })),
    { kind: "itself", addresses: {} },
  ];
}

/** Addresses of assumed Pods: the network has to be made with them. */
export function assumedAddresses(sources: readonly Source[]): readonly IPAddress[] {
  return sources
    .filter(({ assumed }) => assumed === true)
    .flatMap(({ addresses }) =>
      ipFamilies.flatMap((family) => {
        const address = addresses[family];
        return address === undefined ? [] : [ipOf(address)];
      }),
    );
}
