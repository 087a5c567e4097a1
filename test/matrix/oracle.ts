import type { ClusterNetwork } from "../../src/assembly/cluster-network.ts";
import { makePacket, type Packet } from "../../src/kernel/packet.ts";
import { addressText } from "../../src/kernel/packet-text.ts";
import type { Frontend } from "../../src/matrix/frontends.ts";
import type { Source } from "../../src/matrix/sources.ts";
import { dyadicToNumber } from "../../src/net/dyadic.ts";
import { type JourneyBranch, journeysOf, type Sender, senderOf } from "../../src/network/journey.ts";
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
  if (there.end.kind === "nobody") return "-";
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
  const { branches } = journeysOf({ network: place.network, state: new NetworkState() }, sent, sender);
  return branches.map((branch) => ({
    end: branch.journey.there.end,
    way: [letter(place, frontend, sent, sender, branch), dyadicToNumber(branch.probability)] as const,
  }));
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
