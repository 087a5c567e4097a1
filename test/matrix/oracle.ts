import type { ClusterNetwork } from "../../src/assembly/cluster-network.ts";
import { makeHost } from "../../src/kernel/make-host.ts";
import { makePacket, type Packet, sameAddress } from "../../src/kernel/packet.ts";
import { addressText } from "../../src/kernel/packet-text.ts";
import type { Frontend } from "../../src/matrix/frontends.ts";
import type { Source } from "../../src/matrix/sources.ts";
import { dyadicToNumber } from "../../src/net/dyadic.ts";
import { formatIP } from "../../src/net/ip.ts";
import { addressOf } from "../../src/network/addresses.ts";
import { type JourneyBranch, journeysOf, type Sender, senderOf } from "../../src/network/journey.ts";
import type { Network, NetworkNode } from "../../src/network/network.ts";
import { NetworkState } from "../../src/network/network-state.ts";

const SEVERITY = "?XR-HO!S.";
const PROTOCOLS: Readonly<Record<string, number>> = { TCP: 6, UDP: 17, SCTP: 132 };

/** Addresses of a Service's endpoints, straight from its slices. */
function addressesOf({ cluster }: ClusterNetwork, service: string): Set<string> {
  const slices = cluster.endpointSlices.filter(
    ({ value: { metadata } }) => `${metadata.namespace}/${metadata.labels?.["kubernetes.io/service-name"]}` === service,
  );
  return new Set(slices.flatMap(({ value }) => (value.endpoints ?? []).flatMap(({ addresses = [] }) => addresses)));
}

const knownHolders = new WeakMap<ClusterNetwork, ReadonlySet<string>>();

/** Addresses that a node or a Pod has for its own; Services' addresses, which ipvs mode gives to all nodes, are nobody's. */
function holders(place: ClusterNetwork): ReadonlySet<string> {
  const known = knownHolders.get(place);
  if (known !== undefined) return known;
  const nodes = place.network.nodes.flatMap((name) => place.network.node(name) ?? []);
  const own = nodes.flatMap(({ host }) => host.interfaces.filter(({ up }) => up).flatMap(({ addresses }) => addresses));
  const pods = nodes.flatMap((node) => node.pods.flatMap(({ addresses }) => addresses.map(formatIP)));
  const made = new Set([...own.map(({ address }) => addressText(address)), ...pods]);
  knownHolders.set(place, made);
  return made;
}

const portUnreachable = ({ family }: Packet): string => (family === "IPv4" ? "3/3" : "1/4");

/** A letter for one way, from what the network says of it. */
function letter(
  place: ClusterNetwork,
  frontend: Frontend,
  sent: Packet,
  sender: Sender,
  branch: JourneyBranch,
): string {
  const { there, reply } = branch.journey;
  const seen = addressText(there.packet.src);
  if (there.end.kind === "unknown") return "?";
  if (there.end.kind === "rejected") return "R";
  if (there.end.kind === "nobody") return holders(place).has(addressText(there.end.address)) ? "X" : "-";
  // whoever is told "port unreachable" was rejected, whoever told it
  const told = there.answers.some(
    ({ packet: { icmpType, icmpCode } }) => `${icmpType}/${icmpCode}` === portUnreachable(sent),
  );
  if (there.end.kind === "stuck" && told) return "R";
  if (there.end.kind === "dropped" || there.end.kind === "no-route" || there.end.kind === "stuck") return "X";
  if (!addressesOf(place, frontend.service).has(addressText(there.packet.dst)))
    return there.end.kind === "outside" ? "O" : "H";
  if (reply?.arrival === "unknown") return "?";
  if (reply?.arrival !== "as-called") return "!";
  if (sender.kind !== "node") return seen === addressText(sent.src) ? "." : "S";
  const own = place.network.node(sender.node)?.host.interfaces.flatMap(({ addresses }) => addresses) ?? [];
  return own.some(({ address }) => addressText(address) === seen) ? "." : "S";
}

function summary(ways: readonly (readonly [letter: string, chance: number])[]): string {
  const kinds = [...new Set(ways.map(([kind]) => kind))].sort((a, b) => SEVERITY.indexOf(a) - SEVERITY.indexOf(b));
  const [worst = ""] = kinds;
  if (kinds.length < 2) return worst;
  const share = ways.reduce((sum, [kind, chance]) => sum + (kind === worst ? chance : 0), 0);
  return `${worst}${Math.min(99, Math.max(1, Math.round(share * 100)))}%`;
}

function turnedNode(node: NetworkNode, by: number): NetworkNode {
  const { ipvs } = node.host;
  if (ipvs === undefined) return node;
  const virtualServers = ipvs.virtualServers.map((server) => {
    const { realServers: list } = server;
    // the share of a scheduler that hashes clients is what a round would give
    return {
      ...server,
      scheduler: "rr" as const,
      realServers: list.map((_, i) => list[(i + by) % list.length] as (typeof list)[number]),
    };
  });
  return { ...node, host: makeHost({ ...node.host, ipvs: { ...ipvs, virtualServers } }, node.host.sets) };
}

const turnedBefore = new WeakMap<Network, Map<number, Network>>();

function turnedNetwork(network: Network, by: number): Network {
  const known = turnedBefore.get(network) ?? new Map<number, Network>();
  turnedBefore.set(network, known);
  const nodes = new Map<string, NetworkNode | undefined>();
  const node = (name: string): NetworkNode | undefined => {
    const made = network.node(name);
    if (!nodes.has(name)) nodes.set(name, made === undefined ? undefined : turnedNode(made, by));
    return nodes.get(name);
  };
  const found = known.get(by) ?? { ...network, node };
  known.set(by, found);
  return found;
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

/** The network with a frontend's rounds at each place once, real servers turned by hand; in iptables mode as it is. */
function turnedNetworks(network: Network, { address, number }: Frontend): readonly Network[] {
  const lists = network.nodes.flatMap((name) => network.node(name)?.host.ipvs?.virtualServers ?? []);
  const lengths = lists.flatMap(({ key, realServers }) =>
    key.kind === "address" && key.port === number && sameAddress(addressOf(key.address), address)
      ? [Math.max(1, realServers.length)]
      : [],
  );
  const turns = lengths.reduce((all, length) => (all * length) / gcd(all, length), 1);
  return Array.from({ length: turns }, (_, by) => turnedNetwork(network, by));
}

function ask(place: ClusterNetwork, frontend: Frontend, source: Packet["src"], sender: Sender) {
  const { family, address, number, protocol } = frontend;
  const sent = makePacket({
    family,
    src: source,
    dst: address,
    protocol: PROTOCOLS[protocol] ?? 0,
    sport: 51000,
    dport: number,
  });
  const rounds = turnedNetworks(place.network, frontend);
  return rounds.flatMap((network) =>
    journeysOf({ network, state: new NetworkState() }, sent, sender).branches.map((branch) => ({
      end: branch.journey.there.end,
      way: [letter(place, frontend, sent, sender, branch), dyadicToNumber(branch.probability) / rounds.length] as const,
    })),
  );
}

/** The text of a cell, way by way, with nothing remembered between cells. */
export function expectedCell(place: ClusterNetwork, frontend: Frontend, source: Source): string {
  if (source.kind === "itself") {
    for (const endpoint of frontend.usable) {
      const texts = [...addressesOf(place, frontend.service)].filter((text) => text === endpoint.ip);
      const owner = place.network.nodes.flatMap((name) => place.network.node(name)?.pods ?? []);
      const pod = owner.find(({ key }) => texts.includes(key));
      const [ip] = pod?.addresses ?? [];
      if (ip === undefined) continue;
      const address = ip.family === "IPv4" ? ip.value : ip.words;
      const sender = senderOf(place.network, address);
      if (sender?.kind !== "pod") continue;
      const own = ask(place, frontend, address, sender).filter(
        ({ end }) => !(end.kind === "host" || end.kind === "outside" || (end.kind === "pod" && end.pod !== sender.pod)),
      );
      if (own.length > 0) return summary(own.map(({ way }) => way));
    }
    return "";
  }
  const address = source.addresses[frontend.family];
  if (address === undefined || source.node === undefined) return "";
  let sender: Sender | undefined;
  if (source.kind === "pod") sender = senderOf(place.network, address);
  else if (source.kind === "node") sender = { kind: "node", node: source.node, options: { anySource: true } };
  else if (frontend.kind === "ExternalIP" || frontend.kind === "LoadBalancer")
    sender = { kind: "outside", node: source.node };
  else if (frontend.kind === "ClusterIP" || frontend.node === source.node) sender = { kind: "outside" };
  return sender === undefined ? "" : summary(ask(place, frontend, address, sender).map(({ way }) => way));
}
