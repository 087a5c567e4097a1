import type { Interface, InterfaceAddress } from "../kernel/host.ts";
import type { Report, Source } from "../text/diagnostic.ts";
import { type Fields, objectsOf, scopeNamed } from "./fields.ts";
import type { JSONValue } from "./json.ts";

const LONGEST = { IPv4: 32, IPv6: 128 } as const;

function readAddress(fields: Fields): InterfaceAddress | undefined {
  const family = fields.text("family");
  if (family !== "inet" && family !== "inet6") return undefined;
  const local = fields.address("local");
  if (local === undefined)
    return fields.faulty ? undefined : fields.fail("local", "Required value: the address itself");
  const peer = fields.address("address");
  const broadcast = fields.address("broadcast");
  const prefixLength = fields.integer("prefixlen", LONGEST[local.family]) ?? LONGEST[local.family];
  const scope = scopeNamed(fields.text("scope") ?? "global");
  if (scope === undefined) return fields.fail("scope", "Invalid value: expected global, site, link, host or nowhere");
  if ((family === "inet") !== (local.family === "IPv4"))
    return fields.fail("local", `Invalid value: no address of ${family}`);
  if (peer !== undefined && peer.family !== local.family)
    return fields.fail("address", "Invalid value: the peer is of the other family");
  const failed = fields.boolean("dadfailed");
  const unfinished = fields.boolean("tentative") && !fields.boolean("optimistic");
  if (fields.faulty) return undefined;
  return {
    family: local.family,
    address: local.address,
    prefixLength,
    ...(peer === undefined ? {} : { peer: peer.address }),
    ...(broadcast === undefined ? {} : { broadcast: broadcast.address }),
    scope,
    secondary: fields.boolean("secondary") || fields.boolean("temporary"),
    deprecated: fields.boolean("deprecated"),
    ...(failed || unfinished ? { tentative: true } : {}),
    noPrefixRoute: fields.boolean("noprefixroute"),
  };
}

function readInterface(fields: Fields): Interface | undefined {
  const name = fields.text("ifname");
  const index = fields.integer("ifindex", 0x7fffffff);
  const flags = fields.texts("flags");
  const mtu = fields.integer("mtu", 0xffffffff) ?? 1500;
  const addresses = fields.objects("addr_info").flatMap((each) => (each.empty ? [] : (readAddress(each) ?? [])));
  if (name === undefined || index === undefined) {
    if (!fields.faulty) fields.fail(name === undefined ? "ifname" : "ifindex", "Required value: of each interface");
    return undefined;
  }
  if (fields.faulty) return undefined;
  return {
    index,
    name,
    up: flags.includes("UP"),
    loopback: flags.includes("LOOPBACK"),
    ...(flags.includes("NOARP") ? { noARP: true } : {}),
    mtu,
    addresses,
  };
}

/**
 * The interfaces of `ip -j addr` (dump-formats §5.2), in its order. Whether one is up says its flag UP, not its
 * `operstate`. Each fault is reported; an interface or address with one is left out.
 */
export function readIPAddress(source: Source, value: JSONValue, report: Report): Interface[] {
  return objectsOf(source, report, value, "").flatMap((fields) => readInterface(fields) ?? []);
}
