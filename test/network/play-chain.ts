import { scriptedChooser } from "../../src/kernel/chooser/scripted.ts";
import { type Packet, sameAddress } from "../../src/kernel/packet.ts";
import { addressOf } from "../../src/network/addresses.ts";
import type { JourneyOptions, Sender } from "../../src/network/journey.ts";
import { journeysOf, senderOf, travelOnce } from "../../src/network/journey.ts";
import { balancerTargets, nextTarget, proxiedPacket } from "../../src/network/load-balancer.ts";
import { NetworkState } from "../../src/network/network-state.ts";
import type { Backend } from "../../src/rules/iptables/ruleset.ts";
import { address } from "../routing/support.ts";
import { branchOf, branchText } from "./journey-row.ts";
import { type Chain, type JourneyLine, rowsOf, sourcesIn, type TableSettings } from "./journey-table.ts";
import { type Place, type PlaceSettings, placeOf } from "./support.ts";

type Row = Extract<JourneyLine, { kind: "row" }>;

const places = new Map<string, Place>();

/** The cluster of a table's settings, with the Pods that any row of `all` sends from, and states of its own. */
export function placeOfSettings(
  settings: TableSettings,
  all: readonly Chain[],
  backend: Backend,
  { mode = "iptables", turn = 0 }: Pick<PlaceSettings, "mode" | "turn"> = {},
): Place {
  const { folder, edit, outsideRoutesPods } = settings;
  const key = JSON.stringify([folder, edit, outsideRoutesPods, backend, mode, turn]);
  const given = {
    backend,
    mode,
    turn,
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

export interface PlayOptions {
  readonly backend: Backend;
  /** Do the walks use the index of chains? */
  readonly indexed: boolean;
}

/** Plays a chain in the emulator; it ends at the first row whose first branch is none of the emulator's. */
export function playChain(chain: Chain, all: readonly Chain[], options: PlayOptions): PlayedRow[] {
  return playAt(placeOfSettings(chain.settings, all, options.backend), chain, options.indexed);
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

/** After so many places each virtual server that a chain's packets are for has been at all positions of its round. */
export function turnsOf(place: Place, { settings, lines }: Chain): number {
  const { network, extras } = place;
  const called = lines.flatMap((line) => (line.kind === "row" ? [sendingOf(place, settings, line).packet] : []));
  const servers = network.nodes.flatMap((name) => extras?.(name).ipvs.virtualServers ?? []);
  const lengths = servers.flatMap(({ key, realServers }) => {
    if (key.kind !== "address" || realServers.length === 0) return [];
    const own = addressOf(key.address);
    return called.some(({ dst, dport }) => key.port === dport && sameAddress(own, dst)) ? [realServers.length] : [];
  });
  return lengths.reduce((all, length) => (all * length) / gcd(all, length), 1);
}

/**
 * Plays a chain of ipvs mode from every position of the round in turn: `found` of a row is all that became of it behind the first branches
 * of the rows before, in the order of what is expected.
 */
export function playTurns(chain: Chain, all: readonly Chain[], { backend, indexed }: PlayOptions): PlayedRow[] {
  const found = new Map<number, Set<string>>();
  const turns = turnsOf(placeOfSettings(chain.settings, all, backend, { mode: "ipvs" }), chain);
  for (let turn = 0; turn < turns; turn++) {
    const place = placeOfSettings(chain.settings, all, backend, { mode: "ipvs", turn });
    for (const row of playAt(place, chain, indexed)) {
      const known = found.get(row.line) ?? new Set();
      found.set(row.line, known);
      for (const branch of row.found) known.add(branch);
    }
  }
  return rowsOf([chain]).flatMap(({ line, branches: expected }) => {
    const seen = found.get(line);
    if (seen === undefined) return [];
    const others = [...seen].filter((branch) => !expected.includes(branch));
    return [{ line, expected, found: [...expected.filter((branch) => seen.has(branch)), ...others] }];
  });
}

function playAt(place: Place, chain: Chain, indexed: boolean): PlayedRow[] {
  const { settings, lines } = chain;
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
