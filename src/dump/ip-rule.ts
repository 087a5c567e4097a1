import type { PolicyRule } from "../kernel/host.ts";
import { networkOf } from "../kernel/routing/address-routes.ts";
import type { IPFamily } from "../net/family.ts";
import type { Report, Source } from "../text/diagnostic.ts";
import { type Fields, objectsOf, quoted } from "./fields.ts";
import { tableNumber } from "./ip-route.ts";
import type { JSONValue } from "./json.ts";

const PROTOCOLS: Readonly<Record<string, number>> = {
  icmp: 1,
  tcp: 6,
  udp: 17,
  "ipv6-icmp": 58,
  icmpv6: 58,
  sctp: 132,
  gre: 47,
  esp: 50,
  dccp: 33,
  udplite: 136,
};

interface Prefix {
  readonly family: IPFamily;
  readonly prefix: NonNullable<PolicyRule["source"]>;
}

function prefixOf(fields: Fields, name: "src" | "dst"): Prefix | undefined {
  const text = fields.text(name);
  if (text === undefined || text === "all") return undefined;
  const found = fields.address(name);
  if (found === undefined) return undefined;
  const longest = found.family === "IPv4" ? 32 : 128;
  const prefixLength = fields.integer(`${name}len`, longest) ?? longest;
  return { family: found.family, prefix: { address: networkOf(found.address, prefixLength), prefixLength } };
}

function protocolOf(fields: Fields): number | undefined {
  const text = fields.text("ipproto");
  if (text === undefined) return undefined;
  const digits = /^(?:ipproto-)?([0-9]{1,3})$/.exec(text)?.[1];
  const number = Object.hasOwn(PROTOCOLS, text) ? PROTOCOLS[text] : digits === undefined ? undefined : Number(digits);
  return (
    number ??
    fields.fail("ipproto", `Invalid value: ${quoted(text)} is no protocol that is known here; dump with ip -N`)
  );
}

function portsOf(fields: Fields, name: "sport" | "dport"): PolicyRule["sourcePorts"] {
  const single = fields.integer(name, 65535);
  const from = single ?? fields.integer(`${name}_start`, 65535);
  if (from === undefined) return undefined;
  return { from, to: single ?? fields.integer(`${name}_end`, 65535) ?? from };
}

/** With their numbers (FR_ACT_*), which ip -N prints. */
const ACTIONS = [
  ["nop", "3"],
  ["blackhole", "6"],
  ["unreachable", "7"],
  ["prohibit", "8"],
] as const;

function actionOf(fields: Fields): PolicyRule["action"] | undefined {
  const action = fields.text("action");
  const plain = ACTIONS.find(([name, number]) => action === name || action === number);
  if (plain !== undefined) return { kind: plain[0] };
  const target = fields.integer("goto", 0xffffffff);
  if (target !== undefined) return { kind: "goto", priority: target };
  const table = tableNumber(fields, "table");
  if (table !== undefined) return { kind: "table", table };
  if (fields.has("l3mdev")) {
    fields.say("warning", "not-modelled", "VRF devices are not modelled: this rule is passed over", "l3mdev");
    return { kind: "nop" };
  }
  return fields.faulty
    ? undefined
    : fields.fail("priority", "Required value: the rule has no table and no action that is known here");
}

/** Conditions that are not modelled, in the words of `ip rule`. */
function notModelled(fields: Fields): string | undefined {
  const found: string[] = [];
  if (fields.has("uid_start"))
    found.push(`uidrange ${fields.integer("uid_start", 0xffffffff)}-${fields.integer("uid_end", 0xffffffff)}`);
  for (const name of ["tun_id", "suppress_ifgroup", "realms", "sport_mask", "dport_mask", "flowlabel", "dscp"])
    if (fields.has(name)) found.push(name);
  return found.length === 0 ? undefined : found.join(" ");
}

type Conditions = Omit<PolicyRule, "family" | "priority" | "negated" | "action">;

function conditions(fields: Fields, source: Prefix | undefined, target: Prefix | undefined): Conditions {
  const mark = fields.integer("fwmark", 0xffffffff);
  const given: { [K in keyof Conditions]: Conditions[K] | undefined } = {
    source: source?.prefix,
    destination: target?.prefix,
    mark: mark === undefined ? undefined : { value: mark, mask: fields.integer("fwmask", 0xffffffff) ?? 0xffffffff },
    inInterface: fields.text("iif"),
    outInterface: fields.text("oif"),
    tos: fields.integer("tos", 255),
    protocol: protocolOf(fields),
    sourcePorts: portsOf(fields, "sport"),
    destinationPorts: portsOf(fields, "dport"),
    suppressPrefixLength: fields.integer("suppress_prefixlen", 128),
    notModelled: notModelled(fields),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Conditions;
}

interface Read {
  readonly rule: Omit<PolicyRule, "family">;
  readonly family: IPFamily | undefined;
}

function readRule(fields: Fields): Read | undefined {
  const priority = fields.integer("priority", 0xffffffff);
  const source = prefixOf(fields, "src");
  const target = prefixOf(fields, "dst");
  const action = actionOf(fields);
  const rest = conditions(fields, source, target);
  if (priority === undefined || action === undefined || fields.faulty) return undefined;
  if (rest.notModelled !== undefined)
    fields.say("warning", "not-modelled", `whether this rule matches is not modelled: ${rest.notModelled}`);
  const family =
    source?.family ?? target?.family ?? (action.kind === "table" && action.table === 253 ? "IPv4" : undefined);
  return { rule: { priority, negated: fields.has("not"), ...rest, action }, family };
}

const IPV6_NAME = /(?:^|[^a-z0-9])(?:-?6|ipv6|v6|inet6)(?:[^0-9]|$)|rule6|rules6/i;

/**
 * The rules of `ip -j rule` or `ip -j -6 rule` (dump-formats §5.4). The text does not name its family: addresses in it do,
 * or the table `default`, which only IPv4 has; else the source's name, and then what is missing. Each fault is reported; a
 * rule with one is left out.
 */
export function readIPRule(source: Source, value: JSONValue, report: Report): PolicyRule[] {
  const read = objectsOf(source, report, value, "").flatMap((fields) => readRule(fields) ?? []);
  const told = read.find(({ family }) => family !== undefined)?.family;
  const named = IPV6_NAME.test(source.name);
  const family = told ?? "IPv6";
  if (told === undefined && read.length > 0) {
    const why = named ? "as the source's name says" : "because no rule asks the table default";
    const message = `nothing in these rules names their family: read as IPv6, ${why}`;
    report({ severity: "note", code: "family-assumed", message, place: { source, offset: value.at } });
  }
  return read.map(({ rule }) => ({ family, ...rule }));
}
