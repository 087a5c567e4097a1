import { defaultSysctls, type HostDescription, type Interface, type PolicyRule, type Route } from "../kernel/host.ts";
import { connectedRoutes, localRoutes } from "../kernel/routing/address-routes.ts";
import { type IPFamily, ipFamilies } from "../net/family.ts";
import { emptyRuleset } from "../rules/iptables/ruleset.ts";
import type { Report, Source } from "../text/diagnostic.ts";
import { readIPAddress } from "./ip-address.ts";
import { readIPRoute } from "./ip-route.ts";
import { readIPRule } from "./ip-rule.ts";
import { type JSONValue, parseJSON } from "./json.ts";
import { type ReadSysctls, readSysctls } from "./sysctl.ts";

/** What a dump is recognised by. */
export interface Opening {
  /** The first line that is neither empty nor a comment of the shape `# Warning: …`, without blanks around it. */
  readonly line: string;
  /** The names of the first object's members, where the text begins like a JSON list of objects. */
  readonly members: ReadonlySet<string>;
}

/** A kind of dump: how it is known, and what reads it. Kinds of other folders are handed in. */
export interface DumpKind {
  readonly name: string;
  recognises(opening: Opening): boolean;
  read(source: Source, report: Report): void;
}

export interface HostFromDumpsOptions {
  readonly name: string;
  /** Further kinds, asked before the own ones. */
  readonly kinds?: readonly DumpKind[];
}

interface Collected {
  readonly interfaces: Interface[];
  readonly routes: Route[];
  readonly policyRules: PolicyRule[];
  readonly sysctls: ReadSysctls[];
  readonly seen: Set<string>;
}

/** How far a text is searched for what it is recognised by. */
const OPENING = 65536;

/** What can be told from the beginning of a text. */
export function openingOf(source: Source): Opening {
  const start = source.text.slice(0, OPENING).replace(/^\ufeff/, "");
  const lines = start.split("\n").map((line) => line.trim());
  const line = lines.find((each) => each !== "" && !/^# ?Warning:/i.test(each)) ?? "";
  const members = new Set<string>();
  // objects without members, which ip prints for what it left out, say nothing
  const object = /^\s*\[\s*(?:\{\s*\}\s*,\s*)*\{([\s\S]*)/.exec(start)?.[1];
  for (const [, name = ""] of (object ?? "").slice(0, 2000).matchAll(/"([a-z_]{1,30})"\s*:/g)) members.add(name);
  return { line, members };
}

function jsonKind<T>(
  name: string,
  recognises: (members: ReadonlySet<string>) => boolean,
  read: (source: Source, value: JSONValue, report: Report) => readonly T[],
  into: T[],
  seen: Set<string>,
): DumpKind {
  return {
    name,
    recognises: ({ members }) => recognises(members),
    read: (source, report) => {
      const value = parseJSON(source, report);
      if (value === undefined) return;
      seen.add(name);
      for (const each of read(source, value, report)) into.push(each);
    },
  };
}

function ownKinds(collected: Collected): readonly DumpKind[] {
  const { interfaces, routes, policyRules, sysctls, seen } = collected;
  return [
    jsonKind("ip -j addr", (names) => names.has("ifindex") || names.has("ifname"), readIPAddress, interfaces, seen),
    jsonKind("ip -j rule", (names) => names.has("priority"), readIPRule, policyRules, seen),
    jsonKind("ip -j route", (names) => names.has("dst"), readIPRoute, routes, seen),
    {
      name: "sysctl -a",
      recognises: ({ line }) =>
        /^-?\s*(?:net|kernel|vm|fs|abi|debug|dev|user|crypto|sunrpc)[./][^\s=]+\s*=/.test(line) ||
        /^sysctl: /.test(line),
      read: (source, report) => {
        seen.add("sysctl -a");
        sysctls.push(readSysctls(source, report));
      },
    },
  ];
}

/** Formats of `ip` that people have at hand, and the command that prints the one that is read. */
const ALMOST: readonly (readonly [RegExp, string])[] = [
  [/^\d+: [^ ]+: </, "this is the text form of ip addr: dump with ip -j addr"],
  [/^\d+:\s*(?:not )?from /, "this is the text form of ip rule: dump with ip -j rule"],
  [
    /^(?:default|[0-9.]+(?:\/\d+)?|[0-9a-f:]+\/\d+) (?:via|dev) |^(?:local|broadcast|unreachable|blackhole) /,
    "this is the text form of ip route: dump with ip -j route show table all",
  ],
];

function readOne(source: Source, kinds: readonly DumpKind[], report: Report): void {
  const place = { source, offset: 0 };
  const opening = openingOf(source);
  const kind = kinds.find((each) => each.recognises(opening));
  if (kind !== undefined) {
    kind.read(source, report);
    return;
  }
  if (opening.line === "" || /^\[[\s{},]*\]$/.test(source.text.trim())) {
    report({
      severity: "warning",
      code: "empty-dump",
      message: "nothing in it: what it should tell is taken as not given",
      place,
    });
    return;
  }
  const almost = ALMOST.find(([pattern]) => pattern.test(opening.line))?.[1];
  const known = kinds.map(({ name }) => name).join(", ");
  report({ severity: "error", code: "unknown-dump", message: almost ?? `not recognised; known are ${known}`, place });
}

function note(report: Report, code: string, message: string): void {
  report({ severity: "note", code, message });
}

/** The routes of one family: those that were given, and what the kernel itself makes for addresses where a table is not among them. */
function completeRoutes(collected: Collected, family: IPFamily, forwarding: boolean, report: Report): readonly Route[] {
  const { interfaces } = collected;
  const given = collected.routes.filter((route) => route.family === family);
  const addressed = interfaces.some((device) => device.addresses.some((own) => own.family === family));
  const routes = [...given];
  if (addressed && !given.some(({ table }) => table === 255)) {
    const made = localRoutes(interfaces, family, forwarding);
    note(
      report,
      "local-routes-assumed",
      `${family}: no table local was given: the ${made.length} routes that the kernel makes for the addresses are assumed (ip -j route show table all tells)`,
    );
    routes.push(...made);
  }
  const usual = connectedRoutes(interfaces, family);
  if (usual.length > 0 && !given.some(({ table }) => table !== 255)) {
    note(
      report,
      "connected-routes-assumed",
      `${family}: no routes were given: only those to the networks of the addresses are assumed, and no default route`,
    );
    routes.push(...usual);
  }
  return routes;
}

function completeSysctls(collected: Collected, report: Report): HostDescription["sysctls"] {
  const { sysctls: read, seen } = collected;
  const ipv4 = new Map(read.flatMap((each) => [...each.ipv4]));
  const notModelled = [...new Set(read.flatMap((each) => each.notModelled))];
  const said = Object.assign({}, ...read.map(({ switches }) => switches)) as ReadSysctls["switches"];
  const missing = (["ipForward", "ipv6Forwarding"] as const).filter((name) => said[name] === undefined);
  if (missing.length > 0) {
    const names = missing.map((name) =>
      name === "ipForward" ? "net.ipv4.ip_forward" : "net.ipv6.conf.all.forwarding",
    );
    const others = seen.has("sysctl -a") ? "" : ", and the kernel's defaults for all other switches";
    note(
      report,
      "sysctls-assumed",
      `${names.join(" and ")} not given: a router is assumed, 1${others} (sysctl -a tells)`,
    );
  }
  if (notModelled.length > 0)
    report({
      severity: "warning",
      code: "sysctl-not-modelled",
      message: `set, but not modelled: ${notModelled.join(", ")}`,
    });
  return {
    ...defaultSysctls,
    ipForward: true,
    ipv6Forwarding: true,
    ...said,
    conntrackTimeouts: new Map(read.flatMap((each) => [...each.conntrackTimeouts])),
    ipv4,
    notModelled,
  };
}

/** Devices that routes name and no interface has: such routes lead nowhere. */
function reportStrangers(collected: Collected, report: Report): void {
  const known = new Set(collected.interfaces.map(({ name }) => name));
  const strange = new Set(
    collected.routes.flatMap(({ nextHops }) => nextHops.map(({ device }) => device).filter((name) => !known.has(name))),
  );
  if (strange.size === 0 || known.size === 0) return;
  const message = `routes lead to interfaces that ip addr does not show: ${[...strange].slice(0, 10).join(", ")}; they are passed over`;
  report({ severity: "warning", code: "no-such-interface", message });
}

/**
 * A host from dumps of a node: each text's kind is told by its content (`ip -j addr`, `ip -j route`, `ip -j rule`,
 * `sysctl -a`, and the kinds of `options`). What was not given is filled in as the kernel makes it, each with a note that
 * says so. Faults are reported with their place; the rest is read. The rules are empty: other kinds bring them.
 */
export function hostFromDumps(
  sources: readonly Source[],
  report: Report,
  options: HostFromDumpsOptions,
): HostDescription {
  const collected: Collected = { interfaces: [], routes: [], policyRules: [], sysctls: [], seen: new Set() };
  const kinds = [...(options.kinds ?? []), ...ownKinds(collected)];
  for (const source of sources) readOne(source, kinds, report);
  const { interfaces, policyRules } = collected;
  if (interfaces.length === 0)
    report({
      severity: "error",
      code: "no-interfaces",
      message: "no interfaces were given: add the output of ip -j addr",
    });
  reportStrangers(collected, report);
  const sysctls = completeSysctls(collected, report);
  for (const family of ipFamilies) {
    const addressed = interfaces.some((device) => device.addresses.some((own) => own.family === family));
    if (addressed && !policyRules.some((rule) => rule.family === family))
      note(
        report,
        "rules-assumed",
        `${family}: no policy rules were given: those that every namespace begins with are assumed (ip -j rule, ip -j -6 rule tell)`,
      );
  }
  const routes = ipFamilies.flatMap((family) =>
    completeRoutes(collected, family, family === "IPv4" ? sysctls.ipForward : sysctls.ipv6Forwarding, report),
  );
  return {
    name: options.name,
    interfaces,
    routes,
    policyRules,
    sysctls,
    rules: { IPv4: emptyRuleset, IPv6: emptyRuleset },
  };
}
