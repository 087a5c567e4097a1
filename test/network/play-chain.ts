import { scriptedChooser } from "../../src/kernel/chooser/scripted.ts";
import type { Packet } from "../../src/kernel/packet.ts";
import type { JourneyOptions, Sender } from "../../src/network/journey.ts";
import { journeysOf, senderOf, travelOnce } from "../../src/network/journey.ts";
import { balancerTargets, nextTarget, proxiedPacket } from "../../src/network/load-balancer.ts";
import { NetworkState } from "../../src/network/network-state.ts";
import type { Backend } from "../../src/rules/iptables/ruleset.ts";
import { address } from "../routing/support.ts";
import { branchOf, branchText } from "./journey-row.ts";
import { type Chain, type JourneyLine, sourcesIn, type TableSettings } from "./journey-table.ts";
import { type Place, placeOf } from "./support.ts";

type Row = Extract<JourneyLine, { kind: "row" }>;

const places = new Map<string, Place>();

/** The cluster of a table's settings, with the Pods that any row of `all` sends from, and states of its own. */
export function placeOfSettings(settings: TableSettings, all: readonly Chain[], backend: Backend): Place {
  const { folder, edit, outsideRoutesPods } = settings;
  const key = JSON.stringify([folder, edit, outsideRoutesPods, backend]);
  const given = {
    backend,
    ...(edit === undefined ? {} : { edit }),
    ...(outsideRoutesPods === undefined ? {} : { outsideRoutesPods }),
  };
  const place = places.get(key) ?? placeOf(folder, sourcesIn(all, folder), given);
  places.set(key, place);
  return { ...place, state: new NetworkState() };
}

/** A row's packet as it enters the network, and who sends it: a load balancer may open a connection of its own. */
export function sendingOf(
  place: Place,
  { balancer }: TableSettings,
  { sender, packet }: Pick<Row, "sender" | "packet">,
): { readonly packet: Packet; readonly sender: Sender | undefined } {
  const { network } = place;
  if (sender.kind === "by-source") return { packet, sender: senderOf(network, packet.src) };
  if (sender.kind !== "connection") return { packet, sender };
  if (balancer === undefined) throw new Error("there is no balancer");
  const states = network.nodes.map((name) => place.proxy(name, packet.family));
  const target = nextTarget(balancerTargets(states, balancer), balancer.check, sender.number);
  if (target === undefined) throw new Error("the balancer has no target");
  const outside: Sender = { kind: "outside", node: target.node };
  if (balancer.proxy === undefined) return { packet, sender: outside };
  const proxied = proxiedPacket(packet, address(balancer.proxy), target);
  if (proxied === undefined) throw new Error("the balancer cannot proxy this");
  return { packet: proxied, sender: outside };
}

/** A row as the emulator has it. */
export interface PlayedRow {
  readonly line: number;
  readonly expected: readonly string[];
  readonly found: readonly string[];
}

/** Plays a chain in the emulator; it ends at the first row whose first branch is none of the emulator's. */
export function playChain(chain: Chain, all: readonly Chain[], backend: Backend, indexed: boolean): PlayedRow[] {
  const { settings, lines } = chain;
  const place = placeOfSettings(settings, all, backend);
  const { entry } = settings;
  const options: JourneyOptions = { indexed, ...(entry === undefined ? {} : { entryNode: () => entry }) };
  const played: PlayedRow[] = [];
  for (const line of lines) {
    if (line.kind === "wait") {
      for (const name of place.network.nodes) place.state.of(name).advance(1000 * line.seconds);
      continue;
    }
    const { packet, sender } = sendingOf(place, settings, line);
    const { branches, complete } = journeysOf(place, packet, sender, options);
    if (!complete) throw new Error(`${chain.name}: more ways than can be followed`);
    const found = branches.map((branch) => branchText(branchOf(branch)));
    played.push({ line: line.line, expected: line.branches, found });
    const first = branches[found.indexOf(line.branches[0] ?? found[0] ?? "")];
    if (first === undefined) break;
    travelOnce(place, scriptedChooser(first.script), packet, sender, options);
  }
  return played;
}
