import type { Host } from "../../kernel/host.ts";
import { interfaceMatches } from "../../kernel/matches/basic.ts";
import type { RouteDecision } from "../../kernel/routing/decision.ts";
import { wayTo } from "../../kernel/run.ts";
import { HostState } from "../../kernel/state.ts";
import type { IPFamily } from "../../net/family.ts";
import { containsValue } from "../../net/intervals.ts";
import { ascending, upperBound } from "../../net/sorted.ts";
import { hostEdges, specialEdges } from "../edges.ts";
import { addressNumber, addressOfNumber } from "../field.ts";
import type { CommonConstants } from "./constants.ts";
import type { Individual, Individuals } from "./individuals.ts";

/** Where an address is, as far as routes and the rules for all packets can tell: those of one number are treated alike. */
export type SiteOf = (address: bigint) => number;

/** A side with what may be left out of it, and the host that is left then. */
export interface SiteSide {
  readonly host: Host;
  readonly individuals: Individuals;
  readonly rest: Host;
}

function routeText(decision: RouteDecision, own: Individual | undefined, patterns: readonly string[]): string {
  if (decision.kind === "refused") return `refused ${decision.type}`;
  if (decision.kind === "martian") return `martian ${decision.reason}`;
  const { route, device, source, cast, kind } = decision;
  const like = patterns.filter((pattern) => interfaceMatches(device, pattern));
  const name = own?.device === undefined ? device.name : `a device of its own ${like.join()}`;
  const hops = (route?.nextHops ?? []).map(
    (hop) => `${own?.device === undefined ? hop.device : ""}${hop.gateway === undefined ? "" : " via"}`,
  );
  const facts = [
    kind,
    cast,
    name,
    device.mtu,
    hops.join("+"),
    route?.type,
    route?.table,
    route?.metric,
    route?.scope,
    route?.mtu,
  ];
  return [...facts, String(source), kind === "unicast" ? decision.mtu : ""].join(" ");
}

/** Addresses of its own that a host never leaves out, and the networks of its interfaces. */
function ownFacts(rest: Host, family: IPFamily) {
  const own = new Set<bigint>();
  const networks: { readonly address: bigint; readonly length: number }[] = [];
  for (const { addresses } of rest.interfaces)
    for (const each of addresses) {
      if (each.family !== family) continue;
      own.add(addressNumber(each.address));
      networks.push({ address: addressNumber(each.address), length: each.prefixLength });
    }
  return { own, networks };
}

/** Tells sites apart by the routes of all sides, the kinds of addresses that the kernel knows, and the constants of rules for all. */
export function sitesOf(sides: readonly SiteSide[], constants: CommonConstants, family: IPFamily): SiteOf {
  const special = specialEdges(family);
  const facts = sides.map(({ rest }) => ownFacts(rest, family));
  const bits = family === "IPv4" ? 32n : 128n;
  const edges = ascending([
    ...special,
    ...sides.flatMap(({ rest }) => hostEdges(rest, family)),
    ...constants.addresses.flatMap((set) => set.flatMap(({ from, to }) => [from, to + 1n])),
  ]);
  const states = sides.map(() => new HostState());
  const byPiece = new Map<number, string>();
  const known = new Map<bigint, number>();
  const numbers = new Map<string, number>();
  const decide = (i: number, address: bigint): RouteDecision =>
    wayTo((sides[i] as SiteSide).host, states[i] as HostState, family, addressOfNumber(address, family));
  /** What all addresses between two edges have in common. */
  const common = (address: bigint): string => {
    const inConstants = constants.addresses.map((set) => (containsValue(set, address) ? "1" : "0")).join("");
    const inNetworks = facts.map(({ networks }) =>
      networks
        .map(({ address: own, length }) => ((own ^ address) >> (bits - BigInt(length)) === 0n ? "1" : "0"))
        .join(""),
    );
    return `${upperBound(special, address)} ${inConstants} ${inNetworks.join(" ")}`;
  };
  const onSide = (i: number, address: bigint, piece: number): string => {
    const individual = sides[i]?.individuals.byAddress.get(address);
    if (individual?.kind === "bound") return `bound ${individual.route.nextHops[0]?.device} ${individual.route.scope}`;
    if (facts[i]?.own.has(address) === true) return `own ${address}`;
    if (individual !== undefined || family === "IPv6")
      return routeText(decide(i, address), individual, constants.interfaces);
    const key = piece * sides.length + i;
    const before = routeTexts.get(key);
    if (before !== undefined) return before;
    const made = routeText(decide(i, address), undefined, constants.interfaces);
    routeTexts.set(key, made);
    return made;
  };
  const routeTexts = new Map<number, string>();
  return (address) => {
    const before = known.get(address);
    if (before !== undefined) return before;
    const piece = upperBound(edges, address);
    let text = byPiece.get(piece);
    if (text === undefined) {
      text = common(address);
      byPiece.set(piece, text);
    }
    const whole = [text, ...sides.map((_, i) => onSide(i, address, piece))].join(" | ");
    const made = numbers.get(whole) ?? numbers.size;
    numbers.set(whole, made);
    known.set(address, made);
    return made;
  };
}
