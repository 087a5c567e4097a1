import type { CounterTest, SetDirection, SetMatch } from "../../rules/iptables/matches/set.ts";
import type { MaskedValue } from "../../rules/iptables/values.ts";
import type { SetAnswer } from "../event.ts";
import { packetLength } from "../packet-length.ts";
import type { StoredElement } from "../set-elements.ts";
import { fullLength, type KeyPart, partKey, type SetKey } from "../set-key.ts";
import { elementOf, type IPSet, isUncertain, putElement } from "../sets.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";
import { askUnknown } from "./not-modelled.ts";
import {
  firstElement,
  firstOfInterface,
  onlyKey,
  type Part,
  packetParts,
  partsTried,
  unknownPart,
} from "./set-look-up.ts";

/** How a set is asked (`struct ip_set_adt_opt`): by default packets are counted, and counters not compared. */
type Question = Omit<SetMatch, "kind" | "set">;

/** A packet that was found in a set, and the mark that the element gives. */
interface Found {
  readonly mark: MaskedValue | undefined;
}

/** What the look-up came upon, for those who listen: an answer while it is made. */
interface Sight extends Mutable<SetAnswer> {
  /** What the set holds is not known. */
  unknown: boolean;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const NET_IFACE = "hash:net,iface";

const nothingSeen = ({ name, dimensions }: IPSet): Sight => ({
  set: name,
  member: undefined,
  dimensions,
  packet: undefined,
  entry: undefined,
  nomatch: false,
  refused: undefined,
  unknown: false,
});

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
function extensionsMatch(walk: Walk, skb: Skb, set: IPSet, element: StoredElement, asked: Question): boolean {
  if (set.options.counters !== true) return true;
  const counts = asked.updateCounters !== false;
  const counted = counts
    ? { ...element, packets: element.packets + 1n, bytes: element.bytes + BigInt(packetLength(skb)) }
    : element;
  if (counts) putElement(walk.state, set, element.key, counted);
  return counterTest(counted.packets, asked.packets) && counterTest(counted.bytes, asked.bytes);
}

/** `list_set_ktest`: the members in order, whose counters are not compared. */
function findInList(walk: Walk, skb: Skb, list: IPSet, asked: Question, sight?: Sight): Found | undefined {
  const { packets: _packets, bytes: _bytes, ...others } = asked;
  const ofMember: Question = asked.updateSubcounters === false ? { ...others, updateCounters: false } : others;
  for (const name of list.members) {
    const element = elementOf(walk.state, list, [name]);
    const member = walk.host.sets.get(name);
    if (element === undefined || member === undefined || member.type === "list:set") continue;
    const own = sight && nothingSeen(member);
    const found = findInSet(walk, skb, member, ofMember, own);
    if (sight !== undefined && own?.unknown) sight.unknown = true;
    if (found === undefined) continue;
    if (!extensionsMatch(walk, skb, list, element, asked)) {
      if (sight !== undefined) sight.refused = element.key;
      continue;
    }
    if (sight !== undefined) Object.assign(sight, own, { set: list.name, member: name });
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
  if (sight !== undefined) sight.packet = ownKey(skb, set, parts, asked);
  const element = findElement(walk, skb, set, parts, asked, sight);
  if (sight !== undefined && element?.nomatch) sight.nomatch = true;
  if (element === undefined) return undefined;
  const wanted = asked.returnNomatch === true && set.dimensions.includes("net");
  return element.nomatch === wanted ? element : undefined;
}

/** The first element for the packet that its extensions let through. */
function findElement(
  walk: Walk,
  skb: Skb,
  set: IPSet,
  parts: readonly Part[],
  asked: Question,
  sight?: Sight,
): StoredElement | undefined {
  const only = onlyKey(parts);
  if (only === undefined) {
    const search = set.type === NET_IFACE ? firstOfInterface : firstElement;
    return search(walk, set, parts, (each) => letThrough(walk, skb, set, each, asked, sight));
  }
  const element = elementOf(walk.state, set, only);
  return element && letThrough(walk, skb, set, element, asked, sight);
}

function letThrough(
  walk: Walk,
  skb: Skb,
  set: IPSet,
  element: StoredElement,
  asked: Question,
  sight: Sight | undefined,
): StoredElement | undefined {
  const matches = extensionsMatch(walk, skb, set, element, asked);
  if (sight !== undefined) sight[matches ? "entry" : "refused"] = element.key;
  return matches ? element : undefined;
}

/** The key of an entry for the packet alone; `undefined` where there can be none. */
function ownKey(skb: Skb, { dimensions }: IPSet, parts: readonly Part[], { directions }: Question): SetKey | undefined {
  const only = onlyKey(parts);
  if (only !== undefined) return only;
  const key: KeyPart[] = [];
  for (const [i, part] of parts.entries()) {
    const address = directions[i] === "src" ? skb.src : skb.dst;
    const own = dimensions[i] === "net" ? partKey.network(address, fullLength(skb.family)) : partsTried(part)[0];
    if (own === undefined) return undefined;
    key.push(own);
  }
  return key;
}

/** As `findInSet`, and tells what the set said where somebody listens. */
function askSet(walk: Walk, skb: Skb, set: IPSet, asked: Question): Found | undefined {
  if (walk.record === undefined) return findInSet(walk, skb, set, asked);
  const sight = nothingSeen(set);
  const found = findInSet(walk, skb, set, asked, sight);
  if (sight.entry !== undefined) sight.refused = undefined;
  if (!sight.unknown || sight.entry !== undefined) noteAnswer(walk, sight);
  return found;
}

/** Keeps what a set said to the current rule until that rule is told of. */
function noteAnswer(walk: Walk, answer: SetAnswer): void {
  const { setAnswers, ruleNumber: number } = walk;
  const last = setAnswers?.at(-1);
  if (last?.number === number) last.sets.push(answer);
  else if (setAnswers === undefined) walk.setAnswers = [{ number, sets: [answer] }];
  else setAnswers.push({ number, sets: [answer] });
}

/** Is a packet in a set by these directions, and with what mark? Packets and bytes are counted as `-m set` does. */
export function findPacket(walk: Walk, skb: Skb, set: IPSet, directions: readonly SetDirection[]): Found | undefined {
  return askSet(walk, skb, set, { directions });
}

/** `-m set`: `set_match_v4` (kernel-semantics §2.7). A set that the host does not have is not known. */
export function setMatches(walk: Walk, skb: Skb, match: SetMatch): boolean {
  const { negated, value } = match.set;
  const set = walk.host.sets.get(value);
  if (set === undefined) return askUnknown(walk, skb, `set ${value}, which is not given, holds the packet`) !== negated;
  return (askSet(walk, skb, set, match) !== undefined) !== negated;
}
