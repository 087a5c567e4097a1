import type { Host } from "../../kernel/host.ts";
import { valuesOfKey } from "../../kernel/set-key.ts";
import type { IPFamily } from "../../net/family.ts";
import { type IntervalSet, interval, intervalsOf, prefixInterval } from "../../net/intervals.ts";
import type { IPVSMatch } from "../../rules/iptables/matches/ipvs.ts";
import type { Match, Rule, Target } from "../../rules/iptables/model.ts";
import type { DNATTarget } from "../../rules/iptables/targets/nat.ts";
import type { PortRange } from "../../rules/iptables/values.ts";
import { bitsOf } from "../field.ts";
import { ipNumber, maskedNumbers, portNumbers } from "../numbers.ts";
import type { SideIndex } from "./side-index.ts";

/** Addresses and ports that rules for all packets tell from others. */
export interface CommonConstants {
  readonly addresses: readonly IntervalSet[];
  readonly ports: readonly IntervalSet[];
  /** Names of `recent` lists. */
  readonly names: ReadonlySet<string>;
  /** Names and patterns of interfaces, those of all other rules included. */
  readonly interfaces: readonly string[];
  /** A rule for all packets that looks at them in a way that names no numbers: each destination is like no other. */
  readonly opaque: string | undefined;
  /** Why it cannot be told what packets to one destination may meet: they may be given another one, or are taken whatever it is. */
  readonly untold: string | undefined;
}

/** Matches that name neither addresses nor ports. */
export const withoutNumbers: ReadonlySet<Match["kind"]> = new Set<Match["kind"]>([
  "comment",
  "mark",
  "connmark",
  "addrtype",
  "statistic",
  "state",
  "limit",
  "pkttype",
  "physdev",
  "nfacct",
  "icmp",
  "icmp6",
  "rpfilter",
  "length",
  "tos",
  "dscp",
  "ttl",
  "hl",
  "owner",
  "unknown",
]);

/** Targets that leave the destination as it is. */
export const plainTargets: ReadonlySet<Target["kind"]> = new Set<Target["kind"]>([
  "jump",
  "goto",
  "ACCEPT",
  "DROP",
  "RETURN",
  "REJECT",
  "MARK",
  "CONNMARK",
  "LOG",
  "MASQUERADE",
  "unknown",
]);

/** Does a match of ip_vs's connections ask for no address and no port? */
export function isPlainIPVS({ address, port, controlPort }: IPVSMatch): boolean {
  return address === undefined && port === undefined && controlPort === undefined;
}

interface Gathering {
  readonly addresses: Map<string, IntervalSet>;
  readonly ports: Map<string, IntervalSet>;
  readonly names: Set<string>;
  opaque: string | undefined;
}

const textOf = (set: IntervalSet): string => set.map(({ from, to }) => `${from}-${to}`).join();

function add(to: Map<string, IntervalSet>, set: IntervalSet): void {
  if (set.length > 0) to.set(textOf(set), set);
}

function addRange(into: Gathering, range: { readonly value: PortRange } | undefined): void {
  if (range !== undefined) add(into.ports, portNumbers(range.value));
}

/** The addresses and ports of the elements of a set that are not told apart by destination. */
function addSet(into: Gathering, { host, family, splitSets }: SideIndex, name: string): void {
  const set = host.sets.get(name);
  if (set === undefined) return;
  const elements = splitSets.get(name) ?? set.elements.list;
  for (const member of set.members) addSet(into, { host, family, splitSets } as SideIndex, member);
  if (set.type === "list:set") return;
  const values = elements.map(({ key }) => valuesOfKey(set.dimensions, key));
  for (const [i, dimension] of set.dimensions.entries()) {
    const own = values.map((each) => each[i]);
    if (dimension === "port") {
      add(into.ports, intervalsOf(own.flatMap((one) => (one?.kind === "port" ? interval(BigInt(one.port)) : []))));
    } else if (dimension === "ip" && set.options.netmask === undefined) {
      add(
        into.addresses,
        intervalsOf(own.flatMap((one) => (one?.kind === "ip" ? interval(ipNumber(one.address)) : []))),
      );
    } else {
      // each network stands for itself: elements may overlap, and the longest counts
      for (const one of own) {
        if (one?.kind !== "ip" && one?.kind !== "net") continue;
        const bits = bitsOf("src", family);
        const length = one.kind === "net" ? one.length : (set.options.netmask ?? bits);
        add(into.addresses, [prefixInterval(ipNumber(one.address), length, bits)]);
      }
    }
  }
}

function addMatch(into: Gathering, index: SideIndex, match: Match): void {
  const { family } = index;
  switch (match.kind) {
    case "tcp":
    case "udp":
    case "sctp":
      addRange(into, match.source);
      addRange(into, match.destination);
      return;
    case "multiport":
      for (const range of match.ports) add(into.ports, portNumbers(range));
      return;
    case "iprange":
      for (const range of [match.source, match.destination])
        if (range !== undefined && range.value.from.family === family)
          add(into.addresses, interval(ipNumber(range.value.from), ipNumber(range.value.to)));
      return;
    case "conntrack":
      for (const address of [
        match.originalSource,
        match.originalDestination,
        match.replySource,
        match.replyDestination,
      ]) {
        if (address === undefined) continue;
        const numbers = maskedNumbers(address.value, family);
        if (numbers === undefined) into.opaque = "-m conntrack with a mask of scattered bits";
        else add(into.addresses, numbers);
      }
      addRange(into, match.originalSourcePort);
      addRange(into, match.originalDestinationPort);
      addRange(into, match.replySourcePort);
      addRange(into, match.replyDestinationPort);
      return;
    case "set":
      addSet(into, index, match.set.value);
      return;
    case "ipvs":
      if (!isPlainIPVS(match)) into.opaque = "-m ipvs with an address or a port";
      return;
    case "recent":
      into.names.add(match.name);
      return;
    default:
      if (!withoutNumbers.has(match.kind)) into.opaque = `-m ${match.kind}`;
  }
}

function addRule(
  into: Gathering,
  index: SideIndex,
  { source, destination, matches, target }: Rule,
  family: IPFamily,
): void {
  for (const masked of [source, destination]) {
    if (masked === undefined) continue;
    const numbers = maskedNumbers(masked.value, family);
    if (numbers === undefined) into.opaque = "a mask of scattered bits";
    else add(into.addresses, numbers);
  }
  for (const match of matches) addMatch(into, index, match);
  if (target !== undefined && !plainTargets.has(target.kind)) into.opaque = `-j ${target.kind}`;
}

/** Does a target give packets one destination, and one port at most? */
function isToOne({ range: { addresses, ports, basePort } }: DNATTarget): boolean {
  const [from, to] = addresses === undefined ? [] : [ipNumber(addresses.from), ipNumber(addresses.to)];
  return from !== undefined && from === to && basePort === undefined && ports?.from === ports?.to;
}

/** Targets that give packets destinations or ports that are none of a few, or write into sets what comes. */
const OPEN: ReadonlySet<Target["kind"]> = new Set<Target["kind"]>(["REDIRECT", "NETMAP", "TPROXY", "SET"]);

/** Why packets to one destination may meet anything; absent where what they may meet follows from rules that ask for it. */
function untoldBy({ host, family, commonRules }: SideIndex): string | undefined {
  const { hasMarks, hasAnyPort } = host.services;
  if (hasMarks || hasAnyPort) return "virtual servers of any port or by mark";
  if (commonRules.some(({ target }) => target?.kind === "DNAT")) return "-j DNAT for all destinations";
  for (const { chains } of host.rules[family].tables.values())
    for (const { rules } of chains.values())
      for (const { target } of rules) {
        if (target === undefined) continue;
        if (OPEN.has(target.kind) || (target.kind === "DNAT" && !isToOne(target))) return `-j ${target.kind}`;
      }
  return undefined;
}

/** What the rules for all packets name, of all sides. */
export function commonConstants(indexes: readonly SideIndex[], family: IPFamily): CommonConstants {
  const into: Gathering = { addresses: new Map(), ports: new Map(), names: new Set(), opaque: undefined };
  for (const index of indexes) for (const rule of index.commonRules) addRule(into, index, rule, family);
  const { names, opaque } = into;
  const untold = indexes.map(untoldBy).find((why) => why !== undefined);
  const interfaces = [...new Set(indexes.flatMap(({ host }) => [...interfacesOf(host, family)]))];
  const { addresses, ports } = into;
  return { addresses: [...addresses.values()], ports: [...ports.values()], names, interfaces, opaque, untold };
}

function interfacesOf({ rules }: Host, family: IPFamily): ReadonlySet<string> {
  const found = new Set<string>();
  for (const { chains } of rules[family].tables.values())
    for (const { rules: list } of chains.values())
      for (const { inInterface, outInterface } of list) {
        if (inInterface !== undefined) found.add(inInterface.value);
        if (outInterface !== undefined) found.add(outInterface.value);
      }
  return found;
}
