import type { NextHop, Route, RouteType } from "../kernel/host.ts";
import type { Address } from "../kernel/packet.ts";
import { networkOf } from "../kernel/routing/address-routes.ts";
import type { IPFamily } from "../net/family.ts";
import type { Report, Source } from "../text/diagnostic.ts";
import { type FamilyAddress, type Fields, objectsOf, parseAddress, quoted, scopeNamed } from "./fields.ts";
import type { JSONValue } from "./json.ts";

/** By their numbers (RTN_*), which ip -N prints. */
const TYPES: readonly (RouteType | undefined)[] = [
  undefined,
  "unicast",
  "local",
  "broadcast",
  "anycast",
  "multicast",
  "blackhole",
  "unreachable",
  "prohibit",
  "throw",
];

/** Types that the kernel itself puts into the table `local`. */
const OF_LOCAL: ReadonlySet<RouteType> = new Set(["local", "broadcast", "anycast", "multicast"]);

const TABLES: Readonly<Record<string, number>> = { local: 255, main: 254, default: 253 };

/** What a route can have that changes its effect and is not modelled. */
const NOT_MODELLED = ["from", "encap", "congestion", "ttl-propagate"] as const;

/** A table by number or name; other names than the kernel's three stand in a file of the node that is not here. */
export function tableNumber(fields: Fields, name: string): number | undefined {
  const text = fields.text(name);
  if (text === undefined) return undefined;
  const number = Object.hasOwn(TABLES, text) ? TABLES[text] : /^[0-9]{1,10}$/.test(text) ? Number(text) : undefined;
  if (number !== undefined && number <= 0xffffffff) return number;
  return fields.fail(
    name,
    `Invalid value: table ${quoted(text)} has a name of the node's own; dump with ip -N, which prints numbers`,
  );
}

interface Destination extends FamilyAddress {
  readonly prefixLength: number;
}

const UNSPECIFIED: Readonly<Record<IPFamily, Address>> = { IPv4: 0, IPv6: [0, 0, 0, 0] };

/** `default` does not name its family: IPv6 routes have a router preference, and gateways tell. */
function familyOfDefault(fields: Fields): IPFamily {
  if (fields.has("pref")) return "IPv6";
  const gateway = fields.has("gateway") ? parseAddress(fields.text("gateway") ?? "") : undefined;
  const source = fields.has("prefsrc") ? parseAddress(fields.text("prefsrc") ?? "") : undefined;
  return gateway?.family ?? source?.family ?? "IPv4";
}

function destination(fields: Fields): Destination | undefined {
  const text = fields.text("dst");
  if (text === undefined) return fields.faulty ? undefined : fields.fail("dst", "Required value: of each route");
  if (text === "default" || text === "all") {
    const family = familyOfDefault(fields);
    return { family, address: UNSPECIFIED[family], prefixLength: 0 };
  }
  const [host = "", length, ...rest] = text.split("/");
  const found = parseAddress(host);
  const longest = found?.family === "IPv4" ? 32 : 128;
  const prefixLength = length === undefined ? longest : /^[0-9]{1,3}$/.test(length) ? Number(length) : -1;
  if (found === undefined || rest.length > 0 || prefixLength < 0 || prefixLength > longest)
    return fields.fail("dst", `Invalid value: ${quoted(text)} is not ADDRESS/LENGTH or default`);
  return { ...found, address: networkOf(found.address, prefixLength), prefixLength };
}

const FAMILIES: Readonly<Record<string, IPFamily>> = { inet: "IPv4", inet6: "IPv6" };

/** `gateway`, or `via` with a family for a gateway of the other one. */
function gatewayOf(fields: Fields): FamilyAddress | undefined {
  const via = fields.object("via");
  if (via === undefined) return fields.address("gateway");
  const family = FAMILIES[via.text("family") ?? ""];
  const host = via.address("host");
  if (via.faulty || family === undefined || host === undefined || host.family !== family)
    return fields.fail("via", "Invalid value: expected a family and a host");
  return host;
}

function nextHop(fields: Fields, flags: readonly string[], weight: number): NextHop | undefined {
  const device = fields.text("dev");
  const gateway = gatewayOf(fields);
  if (device === undefined) return undefined;
  return { device, ...(gateway === undefined ? {} : { gateway }), weight, usable: !flags.includes("dead") };
}

function nextHops(fields: Fields): NextHop[] {
  if (!fields.has("nexthops")) return [nextHop(fields, fields.texts("flags"), 1) ?? []].flat();
  return fields.objects("nexthops").flatMap((each) => {
    const hop = nextHop(each, each.texts("flags"), each.integer("weight", 65536) ?? 1);
    if (each.faulty) fields.faulty = true;
    return hop ?? [];
  });
}

function routeType(fields: Fields): RouteType | undefined {
  const text = fields.text("type") ?? "unicast";
  return (
    (/^[0-9]$/.test(text) ? TYPES[Number(text)] : TYPES.find((type) => type === text)) ??
    fields.fail("type", `Invalid value: ${quoted(text)} is no type of route that is known here`)
  );
}

/** Which fields are there that are not modelled. */
function notModelled(fields: Fields): string | undefined {
  const found = NOT_MODELLED.filter((name) => fields.has(name));
  return found.length === 0 ? undefined : found.map((name) => `${name} ${fields.text(name) ?? ""}`.trim()).join(", ");
}

function readRoute(fields: Fields): Route | undefined {
  const type = routeType(fields);
  const target = destination(fields);
  const table = tableNumber(fields, "table");
  const hops = nextHops(fields);
  const scope = scopeNamed(fields.text("scope") ?? "global");
  const source = fields.address("prefsrc");
  const tos = fields.integer("tos", 255) ?? 0;
  const metric = fields.integer("metric", 0xffffffff) ?? 0;
  const mtu = fields.objects("metrics")[0]?.integer("mtu", 0xffffffff);
  const pref = fields.text("pref");
  const rest = notModelled(fields);
  if (scope === undefined) fields.fail("scope", "Invalid value: expected global, site, link, host or nowhere");
  if (type === undefined || target === undefined || scope === undefined || fields.faulty) return undefined;
  const leads = type === "unicast" || OF_LOCAL.has(type);
  if (leads && hops.length === 0) return fields.fail("dst", "Required value: the route has no device (dev)");
  if (rest !== undefined) fields.say("warning", "not-modelled", `whether this route counts is not modelled: ${rest}`);
  return {
    family: target.family,
    table: table ?? (OF_LOCAL.has(type) ? 255 : 254),
    type,
    destination: target.address,
    prefixLength: target.prefixLength,
    tos,
    metric,
    ...(source === undefined ? {} : { preferredSource: source.address }),
    scope,
    ...(mtu === undefined ? {} : { mtu }),
    ...(pref === "low" || pref === "high" ? { preference: pref } : {}),
    nextHops: leads ? hops : [],
    ...(rest === undefined ? {} : { notModelled: rest }),
  };
}

/**
 * The routes of `ip -j route` and `ip -j -6 route`, of one table or of all (dump-formats §5.3). A table asked for by name
 * prints no `table`: local, broadcast, anycast and multicast routes without one are those of `local`, all others of
 * `main`. Each fault is reported; a route with one is left out.
 */
export function readIPRoute(source: Source, value: JSONValue, report: Report): Route[] {
  return objectsOf(source, report, value, "").flatMap((fields) => readRoute(fields) ?? []);
}
