import { basicMatch } from "../kernel/matches/basic.ts";
import { type RecentTable, recentOptions } from "../kernel/matches/recent-table.ts";
import { containsValue, differenceOf, intersectionOf, interval, intervalsOf, overlaps } from "../net/intervals.ts";
import { ascending } from "../net/sorted.ts";
import type { AddrtypeMatch } from "../rules/iptables/matches/addrtype.ts";
import { type HashlimitMatch, hashlimitModes } from "../rules/iptables/matches/hashlimit.ts";
import type { AddressRange } from "../rules/iptables/matches/iprange.ts";
import type { MultiportMatch } from "../rules/iptables/matches/multiport.ts";
import type { RecentMatch } from "../rules/iptables/matches/recent.ts";
import type { KnownMatch } from "../rules/iptables/matches/registry.ts";
import type { RpfilterMatch } from "../rules/iptables/matches/rpfilter.ts";
import type { Match, Rule } from "../rules/iptables/model.ts";
import type { Negatable } from "../rules/iptables/module.ts";
import { type MaskedAddress, maskLength, type PortRange } from "../rules/iptables/values.ts";
import { conntrackConditions } from "./conntrack-conditions.ts";
import { hostEdges, prefixEdges } from "./edges.ts";
import { addressNumber, bitsOf, type Field } from "./field.ts";
import { fieldTest, ipNumber, maskedNumbers, portNumbers } from "./numbers.ts";
import { setConditions } from "./set-conditions.ts";
import { asks, type Condition, constant, constantMatch, inField, matchByEdges, type Sight, tryMatch } from "./sight.ts";

function addressCondition(
  sight: Sight,
  rule: Rule,
  field: "src" | "dst",
  wanted: Negatable<MaskedAddress> | undefined,
): readonly Condition[] {
  if (wanted === undefined) return [];
  if (!sight.sent[field]) {
    const { chain } = rule;
    const alone: Rule =
      field === "src" ? { chain, matches: [], source: wanted } : { chain, matches: [], destination: wanted };
    return [constant(basicMatch(sight.skb, alone))];
  }
  const set = maskedNumbers(wanted.value, sight.skb.family);
  if (set === undefined) return [{ kind: "coupled", fields: [field], why: "a mask of scattered bits" }];
  return [fieldTest(sight, field, set, wanted.negated)];
}

const holdsForAll: readonly Condition[] = [constant(true)];
const holdsForNone: readonly Condition[] = [constant(false)];
const madePlain = new WeakMap<Rule, Rule>();

/** A rule with nothing left but interfaces, protocol and fragments; made once. */
function withoutAddresses(rule: Rule): Rule {
  const known = madePlain.get(rule);
  if (known !== undefined) return known;
  const { source: _, destination: __, matches: ___, ...rest } = rule;
  const made = { ...rest, matches: [] };
  madePlain.set(rule, made);
  return made;
}

/** The conditions of a rule outside of its matches. */
export function basicConditions(sight: Sight, rule: Rule): readonly Condition[] {
  const { source, destination } = rule;
  const plain = basicMatch(sight.skb, withoutAddresses(rule)) ? holdsForAll : holdsForNone;
  if (source === undefined && destination === undefined) return plain;
  return [
    ...plain,
    ...addressCondition(sight, rule, "dst", destination),
    ...addressCondition(sight, rule, "src", source),
  ];
}

/** Matches that may look at fields; the others are one constant for all packets of a class. */
const LOOKING: ReadonlySet<Match["kind"]> = new Set<Match["kind"]>([
  "comment",
  "tcp",
  "udp",
  "sctp",
  "multiport",
  "iprange",
  "icmp",
  "icmp6",
  "addrtype",
  "pkttype",
  "rpfilter",
  "conntrack",
  "set",
  "recent",
  "hashlimit",
]);

/** Are there conditions of a match that are no constant? */
export const looksAtFields = ({ kind }: Match): boolean => LOOKING.has(kind);

/** The conditions of a match: all of them must hold. */
export function matchConditions(sight: Sight, match: Match): readonly Condition[] {
  switch (match.kind) {
    case "comment":
      return [];
    case "tcp":
    case "udp":
    case "sctp":
      return portConditions(sight, match);
    case "multiport":
      return multiportConditions(sight, match);
    case "iprange":
      return [
        ...rangeCondition(sight, "src", match.source, match.source && { kind: "iprange", source: match.source }),
        ...rangeCondition(
          sight,
          "dst",
          match.destination,
          match.destination && { kind: "iprange", destination: match.destination },
        ),
      ];
    case "icmp":
    case "icmp6": {
      const { value } = match.icmp;
      const edges = value === "any" ? [] : [BigInt(value.type), BigInt(value.type) + 1n];
      return [matchByEdges(sight, match, "icmpType", edges)];
    }
    case "addrtype":
      return addrtypeConditions(sight, match);
    case "pkttype":
      return [byAddress(sight, match, "dst")];
    case "rpfilter":
      return [rpfilterCondition(sight, match)];
    case "conntrack":
      return conntrackConditions(sight, match);
    case "set":
      return setConditions(sight, match);
    case "recent":
      return [recentCondition(sight, match)];
    case "hashlimit":
      return [hashlimitCondition(sight, match)];
    default:
      return [constantMatch(sight, match)];
  }
}

type PortMatch = Extract<KnownMatch, { readonly kind: "tcp" | "udp" | "sctp" }>;

/** Ports each for itself, then what else the match asks for. */
function portConditions(sight: Sight, match: PortMatch): readonly Condition[] {
  const { skb, sent } = sight;
  const { source, destination, ...others } = match;
  if (skb.fragmentOffset !== 0) return [constantMatch(sight, match)];
  const alone = (field: "sport" | "dport", wanted: Negatable<PortRange> | undefined): readonly Condition[] => {
    if (wanted === undefined) return [];
    if (sent[field]) return [fieldTest(sight, field, portNumbers(wanted.value), wanted.negated)];
    const { kind } = match;
    return [constantMatch(sight, field === "sport" ? { kind, source: wanted } : { kind, destination: wanted })];
  };
  return [...alone("dport", destination), ...alone("sport", source), constantMatch(sight, others)];
}

function multiportConditions(sight: Sight, match: MultiportMatch): readonly Condition[] {
  const { skb, sent, universe } = sight;
  if (skb.fragmentOffset !== 0) return [constant(false)];
  const { negated, side } = match;
  const set = intervalsOf(match.ports.flatMap(portNumbers));
  const sides: readonly Field[] = side === "either" ? ["sport", "dport"] : side === "source" ? ["sport"] : ["dport"];
  const free = sides.filter((field) => sent[field]);
  const written = sides.filter((field) => !sent[field]);
  let found = false;
  for (const field of written) {
    const holds = tryMatch(sight, skb, {
      ...match,
      negated: false,
      side: field === "sport" ? "source" : "destination",
    });
    if (holds === undefined)
      return free.length === 0
        ? [asks]
        : [{ kind: "coupled", fields: free, why: "--ports of which NAT has drawn one at random" }];
    found ||= holds;
  }
  if (found || free.length === 0) return [constant(found !== negated)];
  if (negated) return free.map((field) => inField(field, differenceOf(universe[field], set)));
  const [only, second] = free;
  if (only !== undefined && second === undefined) return [inField(only, set)];
  return [{ kind: "either", parts: free.map((field) => ({ [field]: set })) }];
}

function rangeCondition(
  sight: Sight,
  field: "src" | "dst",
  wanted: Negatable<AddressRange> | undefined,
  alone: Match | undefined,
): readonly Condition[] {
  if (wanted === undefined || alone === undefined) return [];
  if (!sight.sent[field]) return [constantMatch(sight, alone)];
  const { from, to } = wanted.value;
  const set = from.family === sight.skb.family ? interval(ipNumber(from), ipNumber(to)) : interval(1n, 0n);
  return [fieldTest(sight, field, set, wanted.negated)];
}

/** A match that looks at one address with the routes of the host. */
function byAddress(sight: Sight, match: Match, field: "src" | "dst"): Condition {
  if (!sight.sent[field]) return constantMatch(sight, match);
  const { walk, skb } = sight;
  const key = [skb.inInterface?.name, skb.outInterface?.name, skb.mark, skb.heard, walk.host.name].join(" ");
  const known = sight.memory.addresses.get(key) ?? new Map<object, Condition>();
  sight.memory.addresses.set(key, known);
  const before = known.get(match);
  if (before !== undefined) return before;
  const found = matchByEdges(sight, match, field, hostEdges(walk.host, skb.family));
  known.set(match, found);
  return found;
}

/** 0.0.0.0/8, and where packets from there go that `rpfilter_mt` lets through: groups on the link, and everybody on it. */
const THIS_NETWORK = interval(0n, 0x00ffffffn);
const EXEMPT = intervalsOf([...interval(0xe0000000n, 0xe00000ffn), ...interval(0xffffffffn)]);
/** An address that is none of these. */
const SOMEBODY = 0x01010101;

/** `-m rpfilter` asks the routes for a source, but for some packets of 0.0.0.0/8. */
function rpfilterCondition(sight: Sight, match: RpfilterMatch): Condition {
  const { skb, sent, universe, walk } = sight;
  if (skb.family === "IPv6" || !sent.src || !sent.dst || !overlaps(universe.dst, EXEMPT))
    return byAddress(sight, match, "src");
  const isExempt = containsValue(EXEMPT, addressNumber(skb.dst));
  const routed = isExempt
    ? matchByEdges({ ...sight, skb: { ...skb, dst: SOMEBODY } }, match, "src", hostEdges(walk.host, skb.family))
    : byAddress(sight, match, "src");
  if (routed.kind !== "in" || routed.asked.length > 0)
    return { kind: "coupled", fields: ["src", "dst"], why: "-m rpfilter asks what is not modelled" };
  const { set } = routed;
  const near = match.invert ? intersectionOf(set, THIS_NETWORK) : [];
  // no packet with another source alone, or another destination alone, is let through for what it is
  if (!isExempt && near.length === 0 && containsValue(set, addressNumber(skb.src))) return routed;
  const parts = match.invert
    ? [{ src: differenceOf(set, THIS_NETWORK) }, { src: near, dst: differenceOf(universe.dst, EXEMPT) }]
    : [{ src: set }, { src: THIS_NETWORK, dst: EXEMPT }];
  return { kind: "either", parts };
}

/** The two halves of a match, the same objects every time: what is found out about them is kept by them. */
const halves = new WeakMap<AddrtypeMatch, readonly (readonly ["src" | "dst", AddrtypeMatch])[]>();

function addrtypeConditions(sight: Sight, match: AddrtypeMatch): readonly Condition[] {
  let parts = halves.get(match);
  if (parts === undefined) {
    const { source, destination, ...rest } = match;
    const made: (readonly ["src" | "dst", AddrtypeMatch])[] = [];
    if (source !== undefined) made.push(["src", { ...rest, source }]);
    if (destination !== undefined) made.push(["dst", { ...rest, destination }]);
    parts = made;
    halves.set(match, parts);
  }
  return parts.map(([field, half]) => byAddress(sight, half, field));
}

/**
 * `-m recent`: a list that no rule has changed since the packet came to the host is asked for each part of the addresses. Of one that
 * was empty then, every packet of the class finds what this one finds.
 */
function recentCondition(sight: Sight, match: RecentMatch): Condition {
  const { walk, known, lists, skb } = sight;
  const field = match.side === "source" ? "src" : "dst";
  const key = `recent ${match.name}`;
  const before = known.get(key) as RecentTable | undefined;
  if (!sight.sent[field] || before === undefined || before.length === 0 || match.operation === "set")
    return constantMatch(sight, match);
  const { mask } = recentOptions(walk.host.rules, match);
  const length =
    mask === undefined ? undefined : mask.family === skb.family ? maskLength(mask) : bitsOf("src", skb.family);
  if (lists.get(match.name) !== before || length === undefined)
    return { kind: "coupled", fields: [field], why: `-m recent remembers packets under ${match.name}` };
  const edges = ascending(before.flatMap(({ address }) => prefixEdges(address, length, skb.family)));
  return matchByEdges(sight, match, field, edges);
}

/** `-m hashlimit`: of a limit that had no buckets as the packet came, every packet of the class finds its own bucket full. */
function hashlimitCondition(sight: Sight, match: HashlimitMatch): Condition {
  const begin = `hashlimit ${sight.skb.family} ${match.name} `;
  const coupled = hashlimitFields(match.mode).filter((field) => sight.sent[field]);
  if (coupled.length === 0 || ![...sight.known.keys()].some((key) => key.startsWith(begin)))
    return constantMatch(sight, match);
  return { kind: "coupled", fields: coupled, why: `-m hashlimit remembers packets under ${match.name}` };
}

function hashlimitFields(mode: number): readonly Field[] {
  const { srcip, dstip, srcport, dstport } = hashlimitModes;
  const bits: readonly (readonly [number, Field])[] = [
    [srcip, "src"],
    [dstip, "dst"],
    [srcport, "sport"],
    [dstport, "dport"],
  ];
  return bits.flatMap(([bit, field]) => ((mode & bit) === 0 ? [] : [field]));
}
