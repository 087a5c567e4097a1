import { plainAddress } from "../kernel/matches/address.ts";
import { type KeyPart, type SetKey, valueOfPart } from "../kernel/set-key.ts";
import { hasChanged, type IPSet } from "../kernel/sets.ts";
import { differenceOf, type Interval, interval, intervalsOf, prefixInterval } from "../net/intervals.ts";
import { ascending } from "../net/sorted.ts";
import type { Dimension } from "../rules/ipset/model.ts";
import type { SetDirection, SetMatch } from "../rules/iptables/matches/set.ts";
import { addressNumber, bitsOf, type Field, fields, type Part } from "./field.ts";
import { meet } from "./region.ts";
import { asks, type Condition, constantMatch, matchByEdges, type Sight } from "./sight.ts";

/** The field that a dimension of a set looks at. */
export function fieldOfDimension(sight: Sight, dimension: Dimension, direction: SetDirection): Field | undefined {
  const source = direction === "src";
  if (dimension === "ip" || dimension === "net") return source ? "src" : "dst";
  if (dimension !== "port") return undefined;
  const { icmpType } = sight.universe;
  return icmpType[0]?.from === icmpType[0]?.to ? (source ? "sport" : "dport") : "icmpType";
}

/** The numbers of a field that one dimension of an element stands for; `undefined`: none for this packet. */
function numbersOf(sight: Sight, set: IPSet, dimension: Dimension, part: KeyPart): readonly Interval[] | undefined {
  const { family, protocol, icmpCode } = sight.skb;
  const value = valueOfPart(dimension, part);
  switch (value.kind) {
    case "port":
      if (value.protocol !== undefined && value.protocol !== protocol) return undefined;
      if (protocol !== 1 && protocol !== 58) return interval(BigInt(value.port));
      return value.port % 256 === icmpCode ? interval(BigInt(value.port >> 8)) : undefined;
    case "ip":
    case "net": {
      if (value.address.family !== family) return undefined;
      const bits = bitsOf("src", family);
      const long = value.kind === "net" ? value.length : (set.options.netmask ?? bits);
      return [prefixInterval(addressNumber(plainAddress(value.address)), long, bits)];
    }
    default:
      return undefined;
  }
}

/** The sets that a name stands for: itself, or the members of a list. */
function setsOf({ walk }: Sight, set: IPSet): readonly IPSet[] {
  if (set.type !== "list:set") return [set];
  return set.members.flatMap((name) => walk.host.sets.get(name) ?? []);
}

/** The fields that a set looks at, each dimension's. */
function fieldsOf(sight: Sight, set: IPSet, directions: readonly SetDirection[]): readonly (Field | undefined)[] {
  return set.dimensions.map((dimension, i) => fieldOfDimension(sight, dimension, directions[i] ?? "dst"));
}

/** Where the elements of a set begin and end in a field. */
function elementEdges(sight: Sight, set: IPSet, of: readonly (Field | undefined)[], field: Field): bigint[] {
  const edges: bigint[] = [];
  for (const { key } of set.elements.list) {
    for (const [i, part] of key.entries()) {
      const dimension = set.dimensions[i];
      if (of[i] !== field || dimension === undefined) continue;
      for (const { from, to } of numbersOf(sight, set, dimension, part) ?? []) edges.push(from, to + 1n);
    }
  }
  return edges;
}

/**
 * `-m set`. A set that one varying field is looked up in is asked for every part of that field; one of several fields is the union of
 * its elements, or what these leave over, as long as they are what they seem: none says `nomatch`, none was added or removed since.
 */
export function setConditions(sight: Sight, match: SetMatch): readonly Condition[] {
  const set = sight.walk.host.sets.get(match.set.value);
  if (set === undefined) return [asks];
  const sets = setsOf(sight, set);
  const perSet = sets.map((each) => fieldsOf(sight, each, match.directions));
  const asSent = perSet.every((of) => of.every((field) => field !== undefined && sight.sent[field]));
  const isAsListed = ![set, ...sets].some((each) => hasChanged(sight.walk.state, each));
  if (!asSent || !isAsListed) return conditionsOfSets(sight, match, set, sets, perSet);
  const known = sight.memory.sets.get(sight.universe) ?? new Map<object, readonly Condition[]>();
  sight.memory.sets.set(sight.universe, known);
  const before = known.get(match);
  if (before !== undefined) return before;
  const found = conditionsOfSets(sight, match, set, sets, perSet);
  known.set(match, found);
  return found;
}

/** `perSet`: the fields that each of the sets looks at. */
function conditionsOfSets(
  sight: Sight,
  match: SetMatch,
  set: IPSet,
  sets: readonly IPSet[],
  perSet: readonly (readonly (Field | undefined)[])[],
): readonly Condition[] {
  const varying = [...new Set(perSet.flat())].filter(
    (field): field is Field => field !== undefined && sight.sent[field] && isFree(sight, field),
  );
  const [field, second] = varying;
  if (field === undefined) return [constantMatch(sight, match)];
  const coupled = (why: string): readonly Condition[] => [
    { kind: "coupled", fields: varying, why: `set ${set.name} ${why}` },
  ];
  if ([set, ...sets].some((each) => hasChanged(sight.walk.state, each)))
    return coupled("has changed since it was listed");
  if (sets.some((each) => each.options.bitmask !== undefined)) return coupled("has a mask of its own");
  if (match.packets !== undefined || match.bytes !== undefined) return coupled("is asked for its counters");
  if (second === undefined) {
    const edges = ascending(sets.flatMap((each, i) => elementEdges(sight, each, perSet[i] ?? [], field)));
    return [matchByEdges(sight, match, field, edges)];
  }
  const elements = set.type === "list:set" ? undefined : elementParts(sight, set, match);
  const parts = match.set.negated ? elements && besides(sight, elements) : elements;
  return parts === undefined ? coupled("holds several fields at once") : [{ kind: "either", parts }];
}

/** More elements than this are not turned into what they leave over: each cuts the parts before it. */
const MAX_NEGATED = 64;

/** What is in none of some parts, as parts that have nothing in common; `undefined` when there would be too many. */
function besides({ universe }: Sight, taken: readonly Part[]): readonly Part[] | undefined {
  if (taken.length > MAX_NEGATED) return undefined;
  let rest: readonly Part[] = [{}];
  for (const part of taken) {
    rest = rest.flatMap((each) => {
      const pieces: Part[] = [];
      let inner = each;
      for (const field of fields) {
        const set = part[field];
        if (set === undefined) continue;
        const outside = differenceOf(inner[field] ?? universe[field], set);
        if (outside.length > 0) pieces.push({ ...inner, [field]: outside });
        inner = meet(inner, { [field]: set });
        if (inner[field]?.length === 0) break;
      }
      return pieces;
    });
  }
  return rest;
}

/** Has the protocol such a field? */
const isFree = ({ universe }: Sight, field: Field): boolean =>
  universe[field].length > 1 || universe[field][0]?.from !== universe[field][0]?.to;

/** The elements of a set of several dimensions as parts; `undefined` when these are not simply a union. */
function elementParts(sight: Sight, set: IPSet, match: SetMatch): readonly Part[] | undefined {
  const { skb, walk } = sight;
  if (match.directions.length < set.dimensions.length || set.family !== skb.family) return [];
  if (match.returnNomatch === true || skb.fragmentOffset !== 0) return undefined;
  if (set.dimensions.some((dimension) => !["ip", "net", "port"].includes(dimension))) return undefined;
  const of = fieldsOf(sight, set, match.directions);
  const parts: Part[] = [];
  for (const element of set.elements.list) {
    if (element.nomatch) return undefined;
    if (walk.state.now > element.expires) continue;
    const part = elementPart(sight, set, of, element.key);
    if (part === "drawn") return undefined;
    if (part !== undefined) parts.push(part);
  }
  return parts;
}

function elementPart(
  sight: Sight,
  set: IPSet,
  of: readonly (Field | undefined)[],
  key: SetKey,
): Part | "drawn" | undefined {
  const { skb, sent } = sight;
  let part: Part = {};
  for (const [i, field] of of.entries()) {
    const dimension = set.dimensions[i];
    const own = key[i];
    if (field === undefined || dimension === undefined || own === undefined) return undefined;
    const numbers = intervalsOf(numbersOf(sight, set, dimension, own) ?? []);
    if (numbers.length === 0) return undefined;
    if (sent[field]) {
      part = meet(part, { [field]: numbers });
      continue;
    }
    if ((field === "sport" ? skb.sportChoice : skb.dportChoice) !== undefined && dimension === "port") return "drawn";
    const value = field === "src" || field === "dst" ? addressNumber(skb[field]) : BigInt(skb[field]);
    if (!numbers.some(({ from, to }) => value >= from && value <= to)) return undefined;
  }
  return part;
}
