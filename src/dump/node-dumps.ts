import { readListing } from "../kernel/conntrack/listing.ts";
import type { Host, HostDescription, Interface } from "../kernel/host.ts";
import { makeHost } from "../kernel/make-host.ts";
import { connectedRoutes, localRoutes } from "../kernel/routing/address-routes.ts";
import { makeSets } from "../kernel/sets.ts";
import { HostState } from "../kernel/state.ts";
import { ipFamilies } from "../net/family.ts";
import { parseIPv6 } from "../net/ip.ts";
import { originalPlaces, type PastedPart, readPasted } from "../pasted/pasted.ts";
import { parseIPSetListing } from "../rules/ipset/listing.ts";
import type { IPSet } from "../rules/ipset/model.ts";
import { parseIPSets } from "../rules/ipset/parse.ts";
import type { Report, Source } from "../text/diagnostic.ts";
import { type DumpKind, hostFromDumps, openingOf } from "./host-from-dumps.ts";
import { type CollectedIPVS, ipvsKinds } from "./ipvs.ts";
import { joinRuns } from "./join-runs.ts";
import { type RulesDump, readRulesDump } from "./rules.ts";
import { balancedEnds, enterListed, virtualServersOf, withDummy } from "./virtual-servers.ts";

/** A node as its dumps show it: the host, and the connections that it has, those of its virtual servers included. */
export interface NodeDumps {
  readonly host: Host;
  readonly state: HostState;
}

/** What the texts hold besides interfaces, routes and sysctls. */
interface Collected {
  readonly runs: RulesDump[];
  readonly sets: Map<string, IPSet>;
  readonly listings: Source[];
  readonly ipvs: CollectedIPVS;
}

type Parts = ReadonlyMap<Source, PastedPart>;

function kindsInto(collected: Collected, parts: Parts): readonly DumpKind[] {
  return [
    {
      name: "iptables-save",
      recognises: (_opening, source) => parts.get(source)?.kind === "iptables",
      read: (source, report) => {
        const part = parts.get(source);
        if (part !== undefined) collected.runs.push(...readRulesDump(part, report));
      },
    },
    {
      name: "ipset save",
      recognises: ({ line }) => /^(?:create|add) \S+ /.test(line),
      read: (source, report) => {
        for (const [name, set] of parseIPSets(source, report)) collected.sets.set(name, set);
      },
    },
    {
      name: "ipset list",
      recognises: ({ line }) => /^Name: \S+$/.test(line),
      read: (source, report) => {
        for (const [name, { set }] of parseIPSetListing(source, report)) collected.sets.set(name, set);
      },
    },
    ...ipvsKinds(collected.ipvs),
    {
      name: "conntrack -L",
      recognises: ({ line }) =>
        /^(?:ipv[46]\s+\d+\s+)?(?:tcp|udp|icmp|icmpv6|sctp|gre|udplite|dccp|unknown)\s+\d+ /.test(line),
      read: (source) => {
        collected.listings.push(source);
      },
    },
  ];
}

/** Addresses that stand for a node's own where nobody tells them (RFC 5737, RFC 3849). */
const STAND_INS = { IPv4: 0xc0000201, IPv6: parseIPv6("2001:db8::1") ?? [0, 0, 0, 0] } as const;

/** A node of which only rules are known: lo, and one uplink with a default route. */
function assumedHost(name: string, report: Report): HostDescription {
  const message =
    "nothing tells the node's interfaces and addresses: an uplink eth0 with 192.0.2.1 and 2001:db8::1 and a default route stand for them, and forwarding is on; ip -j addr, ip -j route and sysctl -a of the node say it";
  report({ severity: "note", code: "host-assumed", message });
  const own = (index: number, device: string, addresses: Interface["addresses"]): Interface => ({
    index,
    name: device,
    up: true,
    loopback: device === "lo",
    mtu: device === "lo" ? 65536 : 1500,
    addresses,
  });
  const plain = { secondary: false, deprecated: false, noPrefixRoute: false } as const;
  const interfaces = [
    own(1, "lo", [
      { family: "IPv4", address: 0x7f000001, prefixLength: 8, scope: "host", ...plain },
      { family: "IPv6", address: [0, 0, 0, 1], prefixLength: 128, scope: "host", ...plain },
    ]),
    own(2, "eth0", [
      { family: "IPv4", address: STAND_INS.IPv4, prefixLength: 32, scope: "global", ...plain },
      { family: "IPv6", address: STAND_INS.IPv6, prefixLength: 128, scope: "global", ...plain },
    ]),
  ];
  const routes = ipFamilies.flatMap((family) => [
    ...localRoutes(interfaces, family, true),
    ...connectedRoutes(interfaces, family),
    {
      family,
      table: 254,
      type: "unicast" as const,
      destination: family === "IPv4" ? 0 : ([0, 0, 0, 0] as const),
      prefixLength: 0,
      tos: 0,
      metric: family === "IPv4" ? 0 : 1024,
      scope: "global" as const,
      nextHops: [{ device: "eth0", weight: 1, usable: true }],
    },
  ]);
  const quiet = hostFromDumps([], () => undefined, { name });
  return { ...quiet, interfaces, routes };
}

/** Lines of no known tool beside others are no reason to stop. */
function readParts(sources: readonly Source[], report: Report): readonly PastedPart[] {
  return sources.flatMap((source) => {
    const parts = readPasted(source, { forLoading: true }, report);
    if (parts.every(({ kind }) => kind === "unknown")) return parts;
    for (const { kind, text } of parts) {
      if (kind !== "unknown") continue;
      const message = "not recognised as the output of a known tool: left out";
      report({ severity: "warning", code: "unknown-dump", message, place: text.placeOf(0) });
    }
    return parts.filter(({ kind }) => kind !== "unknown");
  });
}

/**
 * A node from what its own tools print, in any order: `iptables-save` (both families, both back ends), `ipset save` or `list`,
 * `ipvsadm -Sn`, `-Ln` and `-Lnc`, `conntrack -L`, `ip -j addr`, `ip -j route`, `ip -j rule`, `sysctl -a`. Each text's kind is told by its content. What is
 * missing is assumed, and said in notes; faults are reported with their places. Texts may be as people paste them, several dumps
 * in one (`readPasted`); rules that are not whole are marked, so that packets which depend on what is missing have an unknown end.
 */
export function readNodeDumps(given: readonly Source[], name: string, reportGiven: Report): NodeDumps {
  const parts = readParts(given, reportGiven);
  const report = originalPlaces(parts, reportGiven);
  const sources = parts.map(({ text }) => text.source);
  const collected: Collected = {
    runs: [],
    sets: new Map(),
    listings: [],
    ipvs: { saved: [], listed: [], connections: [] },
  };
  const kinds = kindsInto(collected, new Map(parts.map((part) => [part.text.source, part])));
  const own = (source: Source): boolean => kinds.some((kind) => kind.recognises(openingOf(source), source));
  const others = sources.filter((source) => !own(source));
  const description =
    others.length > 0
      ? hostFromDumps(sources, report, { name, kinds })
      : describeRulesOnly(sources, kinds, name, report);
  if (collected.runs.length === 0) {
    const message = "no rules were given: packets pass as on a node without any (iptables-save tells)";
    report({ severity: "note", code: "no-rules", message });
  }
  const { rules, backend } = joinRuns(collected.runs, report);
  const told = virtualServersOf(collected.ipvs, description, report);
  const bound = told === undefined || others.length > 0 ? description : withDummy(description, told.counted, report);
  const host = makeHost(
    { ...bound, ...told?.description, rules, ...(backend === undefined ? {} : { backend }) },
    makeSets(collected.sets.values()),
  );
  const state = new HostState();
  if (told?.connections !== undefined) enterListed(told, host, state, collected.listings.length > 0, report);
  const balanced = balancedEnds(host, state);
  for (const listing of collected.listings) readListing(listing, state, host.sysctls, report, balanced);
  return { host, state };
}

function describeRulesOnly(
  sources: readonly Source[],
  kinds: readonly DumpKind[],
  name: string,
  report: Report,
): HostDescription {
  for (const source of sources) {
    const opening = openingOf(source);
    kinds.find((kind) => kind.recognises(opening, source))?.read(source, report);
  }
  return assumedHost(name, report);
}
