import type { CounterTest, SetDirection, SetMatch } from "../../rules/iptables/matches/set.ts";
import type { MaskedValue } from "../../rules/iptables/values.ts";
import { packetLength } from "../packet-length.ts";
import { elementOf, type IPSet, isUncertain, partKey, putElement, type StoredElement } from "../sets.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";
import { askUnknown } from "./not-modelled.ts";
import { firstElement, firstOfInterface, type Part, packetParts, unknownPart } from "./set-look-up.ts";

/** How a set is asked (`struct ip_set_adt_opt`). */
interface Question {
  readonly directions: readonly SetDirection[];
  readonly returnNomatch: boolean;
  readonly update: boolean;
  readonly updateMembers: boolean;
  readonly packets: CounterTest | undefined;
  readonly bytes: CounterTest | undefined;
}

/** A packet that was found in a set, and the mark that the element gives. */
interface Found {
  readonly mark: MaskedValue | undefined;
}

/** What the look-up came upon, for those who listen. */
interface Sight {
  dimensions: IPSet["dimensions"];
  member?: string;
  packet?: readonly string[];
  entry?: string;
  nomatch?: true;
  refused?: string;
  /** What the set holds is not known. */
  unknown?: true;
}

function counterTest(count: bigint, test: CounterTest | undefined): boolean {
  if (test === undefined) return true;
  const value = BigInt(test.value);
  switch (test.operator) {
    case "eq":
      return count === value;
    case "ne":
      return count !== value;
    case "lt":
      return count < value;
    case "gt":
      return count > value;
  }
}

/** `ip_set_match_extensions`: counts the packet, and compares then; a set without counters passes every comparison. */
function extensionsMatch(
  walk: Walk,
  skb: Skb,
  set: IPSet,
  key: string,
  element: StoredElement,
  asked: Question,
): boolean {
  if (set.options.counters !== true) return true;
  const counted = asked.update
    ? { ...element, packets: element.packets + 1n, bytes: element.bytes + BigInt(packetLength(skb)) }
    : element;
  if (asked.update) putElement(walk.state, set, key, counted);
  return counterTest(counted.packets, asked.packets) && counterTest(counted.bytes, asked.bytes);
}

/** `list_set_ktest`: the members in order, whose counters are not compared. */
function findInList(walk: Walk, skb: Skb, list: IPSet, asked: Question, sight?: Sight): Found | undefined {
  const update = asked.update && asked.updateMembers;
  const ofMember: Question = { ...asked, packets: undefined, bytes: undefined, update };
  for (const name of list.members) {
    const element = elementOf(walk.state, list, name);
    const member = walk.host.sets.get(name);
    if (element === undefined || member === undefined || member.type === "list:set") continue;
    const own: Sight | undefined = sight && { dimensions: member.dimensions };
    const found = findInSet(walk, skb, member, ofMember, own);
    if (sight !== undefined && own?.unknown) sight.unknown = true;
    if (found === undefined) continue;
    if (!extensionsMatch(walk, skb, list, name, element, asked)) {
      if (sight !== undefined) sight.refused = name;
      continue;
    }
    if (sight !== undefined) Object.assign(sight, own, { member: name });
    return element;
  }
  return undefined;
}

/**
 * `ip_set_test`. An element that says `nomatch` ends the search without success; with --return-nomatch it is such elements
 * that succeed, in sets of types that can have them.
 */
function findInSet(walk: Walk, skb: Skb, set: IPSet, asked: Question, sight?: Sight): Found | undefined {
  if (set.type === "list:set")
    return asked.directions.length === 0 ? undefined : findInList(walk, skb, set, asked, sight);
  const parts = packetParts(walk, skb, set, asked.directions);
  if (parts === undefined) return undefined;
  const unknown = isUncertain(walk.state, set) ? "the packet, after changes that are not known" : unknownPart(parts);
  if (unknown !== undefined) {
    if (sight !== undefined) sight.unknown = true;
    return askUnknown(walk, skb, `set ${set.name} holds ${unknown}`) ? { mark: undefined } : undefined;
  }
  if (sight !== undefined) lookedFor(skb, set, parts, asked, sight);
  const search = set.type === "hash:net,iface" ? firstOfInterface : firstElement;
  const element = search(walk, set, parts, (key, each) => {
    const matches = extensionsMatch(walk, skb, set, key, each, asked);
    if (sight !== undefined) sight[matches ? "entry" : "refused"] = key;
    return matches ? each : undefined;
  });
  if (sight !== undefined && element?.nomatch) sight.nomatch = true;
  if (element === undefined) return undefined;
  const wanted = asked.returnNomatch && set.dimensions.includes("net");
  return element.nomatch === wanted ? element : undefined;
}

/** The keys of an entry for the packet alone. */
function lookedFor(skb: Skb, set: IPSet, parts: readonly Part[], { directions }: Question, sight: Sight): void {
  const keys: string[] = [];
  for (const [i, part] of parts.entries()) {
    if (part.kind !== "keys") return;
    const isNet = set.dimensions[i] === "net";
    const key = isNet ? partKey.address(directions[i] === "src" ? skb.src : skb.dst) : part.keys[0];
    if (key === undefined) return;
    keys.push(key);
  }
  sight.packet = keys;
}

/** As `findInSet`, and tells what the set said where somebody listens. */
function askSet(walk: Walk, skb: Skb, set: IPSet, asked: Question): Found | undefined {
  if (walk.record === undefined) return findInSet(walk, skb, set, asked);
  const sight: Sight = { dimensions: set.dimensions };
  const found = findInSet(walk, skb, set, asked, sight);
  if (sight.unknown !== true || sight.entry !== undefined) {
    const { dimensions, member, packet, entry, nomatch, refused } = sight;
    const answer = {
      set: set.name,
      dimensions,
      ...(member !== undefined && { member }),
      ...(packet !== undefined && { packet }),
      ...(entry !== undefined && { entry }),
      ...(nomatch !== undefined && { nomatch }),
      ...(entry === undefined && refused !== undefined && { refused }),
    };
    const told = { rule: walk.ruleNumber, answer };
    if (walk.setAnswers === undefined) walk.setAnswers = [told];
    else walk.setAnswers.push(told);
  }
  return found;
}

/** Is a packet in a set by these directions, and with what mark? Packets and bytes are counted as `-m set` does. */
export function findPacket(walk: Walk, skb: Skb, set: IPSet, directions: readonly SetDirection[]): Found | undefined {
  return askSet(walk, skb, set, {
    directions,
    returnNomatch: false,
    update: true,
    updateMembers: true,
    packets: undefined,
    bytes: undefined,
  });
}

/** `-m set`: `set_match_v4` (kernel-semantics §2.7). A set that the host does not have is not known. */
export function setMatches(walk: Walk, skb: Skb, match: SetMatch): boolean {
  const { negated, value } = match.set;
  const set = walk.host.sets.get(value);
  if (set === undefined) return askUnknown(walk, skb, `set ${value}, which is not given, holds the packet`) !== negated;
  const found = askSet(walk, skb, set, {
    directions: match.directions,
    returnNomatch: match.returnNomatch === true,
    update: match.updateCounters !== false,
    updateMembers: match.updateSubcounters !== false,
    packets: match.packets,
    bytes: match.bytes,
  });
  return (found !== undefined) !== negated;
}
