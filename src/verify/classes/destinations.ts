import type { Host } from "../../kernel/host.ts";
import { addressText } from "../../kernel/packet-text.ts";
import type { RouteDecision } from "../../kernel/routing/decision.ts";
import { selectAddress6 } from "../../kernel/routing/source.ts";
import { wayTo } from "../../kernel/run.ts";
import { HostState } from "../../kernel/state.ts";
import type { IPFamily } from "../../net/family.ts";
import { type Interval, type IntervalSet, intervalsOf } from "../../net/intervals.ts";
import { ascending, upperBound } from "../../net/sorted.ts";
import { addressOf } from "../../network/addresses.ts";
import { hostEdges, likenessEdges, specialEdges } from "../edges.ts";
import { addressNumber, addressOfNumber, bitsOf } from "../field.ts";
import type { Side } from "./space.ts";

/** Destinations that no side's routing tells from one, itself among them; virtual servers' addresses are each alone. */
export type DestinationsLike = (destination: bigint) => IntervalSet;

/** What of a decision may show in a packet's way or in what becomes of it. */
function decisionText(host: Host, decision: RouteDecision, destination: bigint, family: IPFamily): string {
  if (decision.kind === "refused") return `refused ${decision.type}`;
  if (decision.kind === "martian") return `martian ${decision.reason}`;
  const { kind, cast, device, source, route } = decision;
  const hops = (route?.nextHops ?? []).map(
    ({ gateway, ...hop }) => `${JSON.stringify(hop)} ${gateway === undefined ? "" : addressText(gateway.address)}`,
  );
  const facts = [kind, cast, device.name, String(source), hops.join("+")];
  const ofRoute = [route?.type, route?.table, route?.metric, route?.scope, route?.mtu, String(route?.preferredSource)];
  if (kind === "local") return [...facts, ...ofRoute].join(" ");
  const to = addressOfNumber(destination, family);
  const masqueraded = typeof to === "number" ? "" : String(selectAddress6(host, device, to));
  return [...facts, ...ofRoute, decision.mtu, masqueraded].join(" ");
}

/** Tells what one side's routing makes of a destination, and which of its interfaces' networks that is in. */
function reader({ host }: Side, family: IPFamily): (destination: bigint) => string {
  const state = new HostState();
  const bits = BigInt(bitsOf("dst", family));
  const networks = host.interfaces.flatMap(({ addresses }) =>
    addresses.flatMap(({ family: own, address, prefixLength }) =>
      own === family ? [{ network: addressNumber(address), rest: bits - BigInt(prefixLength) }] : [],
    ),
  );
  return (destination) => {
    // rules may look at more than the destination
    if (host.fib[family].customRules) return `${destination}`;
    const decision = wayTo(host, state, family, addressOfNumber(destination, family));
    const near = networks.map(({ network, rest }) => ((network ^ destination) >> rest === 0n ? "1" : "0")).join("");
    return `${decisionText(host, decision, destination, family)} ${near}`;
  };
}

/** The addresses of a side's virtual servers. */
function serverAddresses({ host }: Side, family: IPFamily): readonly bigint[] {
  return (host.ipvs?.virtualServers ?? []).flatMap(({ key }) =>
    key.kind === "address" && key.address.family === family ? [addressNumber(addressOf(key.address))] : [],
  );
}

/**
 * Puts together destinations that routing treats alike on all sides. They are told apart where routes, interfaces' addresses and networks,
 * policy rules, the kernel's special ranges or virtual servers begin and end; in IPv6 also where a host chooses its source by how much of
 * the destination it is like (RFC 6724, rule 8). `leftOut`: edges that are overlooked, for tests.
 */
export function destinationsOf(
  sides: readonly Side[],
  family: IPFamily,
  leftOut: readonly bigint[] = [],
): DestinationsLike {
  const special = specialEdges(family);
  const servers = new Set(sides.flatMap((side) => serverAddresses(side, family)));
  const edges = ascending([
    ...special,
    ...sides.flatMap(({ host }) => [...hostEdges(host, family), ...(family === "IPv6" ? likenessEdges(host) : [])]),
    ...[...servers].flatMap((address) => [address, address + 1n]),
  ]).filter((edge) => !leftOut.includes(edge));
  const read = sides.map((side) => reader(side, family));
  const last = (1n << BigInt(bitsOf("dst", family))) - 1n;
  const pieceFrom = (i: number): Interval => ({ from: edges[i - 1] ?? 0n, to: (edges[i] ?? last + 1n) - 1n });
  const keyOf = (destination: bigint): string =>
    servers.has(destination)
      ? `virtual server ${destination}`
      : [upperBound(special, destination), ...read.map((each) => each(destination))].join(" | ");
  const groups = new Map<string, Interval[]>();
  const keys: string[] = [];
  for (let i = 0; i <= edges.length; i++) {
    const piece = pieceFrom(i);
    if (piece.from > piece.to || piece.from > last) continue;
    const key = keyOf(piece.from);
    keys[i] = key;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [piece]);
    else group.push(piece);
  }
  const sets = new Map([...groups].map(([key, pieces]) => [key, intervalsOf(pieces)] as const));
  return (destination) => sets.get(keys[upperBound(edges, destination)] ?? "") ?? [];
}
