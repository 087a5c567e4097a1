import type { SetDirection } from "../../rules/iptables/matches/set.ts";
import type { SetTarget } from "../../rules/iptables/targets/set.ts";
import { askUnknown } from "../matches/not-modelled.ts";
import { findPacket } from "../matches/set.ts";
import { type Part, packetParts, partsTried, unknownPart } from "../matches/set-look-up.ts";
import { packetLength } from "../packet-length.ts";
import { type KeyPart, partKey, type SetKey } from "../set-key.ts";
import { elementOf, type IPSet, isUncertain, makeUncertain, putElement, sizeOf } from "../sets.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";

/** Default of ipset's `maxelem`. */
const MAX_ELEMENTS = 65_536;

/** What SET adds or removes: the packet's own values, networks at the longest prefix in use. */
interface Place {
  readonly key: SetKey;
  readonly lengths: readonly (number | undefined)[];
}

function placeOf(walk: Walk, skb: Skb, set: IPSet, directions: readonly SetDirection[]): Place | undefined | "unknown" {
  const parts = packetParts(walk, skb, set, directions);
  if (parts === undefined) return undefined;
  if (unknownPart(parts) !== undefined) return "unknown";
  const key: KeyPart[] = [];
  for (const [i, part] of parts.entries()) {
    const own = ownPart(skb, part, directions[i] === "src");
    if (own === undefined) return undefined;
    key.push(own);
  }
  return { key, lengths: parts.map(lengthOf) };
}

/** Where no network is in use yet there is no key to try, and the host itself is added. */
function ownPart(skb: Skb, part: Part, source: boolean): KeyPart | undefined {
  const [first] = partsTried(part);
  if (first !== undefined) return first;
  const length = lengthOf(part);
  return length === undefined ? undefined : partKey.network(source ? skb.src : skb.dst, length);
}

/** Of a network. */
function lengthOf(part: Part): number | undefined {
  return typeof part === "object" && part.kind === "several" ? part.length : undefined;
}

/** Bitmaps hold nothing outside their range. */
function isInRange(skb: Skb, { type, options }: IPSet, source: boolean): boolean {
  const { range } = options;
  if (range === undefined) return true;
  if (typeof range.from === "number" || typeof range.to === "number") {
    const port = source ? skb.sport : skb.dport;
    return type !== "bitmap:port" || (port >= Number(range.from) && port <= Number(range.to));
  }
  const address = source ? skb.src : skb.dst;
  if (typeof address !== "number" || range.from.family !== "IPv4" || range.to.family !== "IPv4") return false;
  return address >= range.from.value && address <= range.to.value;
}

/** The sets that a name stands for: the set, or the members of a list in order, of which the first that takes the packet counts. */
function candidates(walk: Walk, set: IPSet): readonly IPSet[] {
  if (set.type !== "list:set") return [set];
  return set.members.flatMap((name) => {
    const member = walk.host.sets.get(name);
    return member === undefined ? [] : [member];
  });
}

type Outcome = "done" | "refused" | "unknown";

function add(walk: Walk, skb: Skb, set: IPSet, target: NonNullable<SetTarget["add"]>): Outcome {
  const place = placeOf(walk, skb, set, target.directions);
  if (place === "unknown") return "unknown";
  if (place === undefined || !isInRange(skb, set, target.directions[0] === "src")) return "refused";
  const { state } = walk;
  if (elementOf(state, set, place.key) !== undefined && !target.exist) return "refused";
  const isNew = elementOf(state, set, place.key) === undefined;
  // which elements have expired and been cleared away, or are thrown out for this one, is not known
  if (isNew && set.type.startsWith("hash") && sizeOf(state, set) >= (set.options.maxElements ?? MAX_ELEMENTS))
    return set.options.timeout !== undefined || set.options.forceadd === true ? "unknown" : "refused";
  const seconds = set.options.timeout === undefined ? 0 : (target.timeout ?? set.options.timeout);
  const element = {
    key: place.key,
    nomatch: false,
    expires: seconds === 0 ? Number.POSITIVE_INFINITY : state.now + seconds * 1000,
    packets: 1n,
    bytes: BigInt(packetLength(skb)),
    mark: undefined,
  };
  putElement(state, set, place.key, element, place.lengths);
  return "done";
}

function remove(walk: Walk, skb: Skb, set: IPSet, directions: readonly SetDirection[]): Outcome {
  const place = placeOf(walk, skb, set, directions);
  if (place === "unknown") return "unknown";
  if (place === undefined || elementOf(walk.state, set, place.key) === undefined) return "refused";
  putElement(walk.state, set, place.key, undefined);
  // whether the network is still there with another interface decides about wider ones
  return set.type === "hash:net,iface" ? "unknown" : "done";
}

/**
 * Tries one set after the other. A set that changes in a way that is not known is uncertain from then on; of one that is not given
 * nothing is known anyway.
 */
function change(walk: Walk, name: string, words: string, act: (set: IPSet) => Outcome): string | undefined {
  const set = walk.host.sets.get(name);
  if (set === undefined) return undefined;
  for (const each of candidates(walk, set)) {
    const outcome = isUncertain(walk.state, each) ? "unknown" : act(each);
    if (outcome === "done") return `${words} ${each.name}`;
    if (outcome === "unknown") {
      for (const one of candidates(walk, set)) makeUncertain(walk.state, one);
      return `perhaps ${words} ${each.name}`;
    }
  }
  return undefined;
}

/** `set_target_v3`: adds, removes, maps, in this order. */
export function applySet(walk: Walk, skb: Skb, target: SetTarget): string | undefined {
  const said: string[] = [];
  const say = (words: string | undefined): void => {
    if (words !== undefined) said.push(words);
  };
  const { add: added, delete: removed, map } = target;
  if (added !== undefined) say(change(walk, added.set, "added to", (set) => add(walk, skb, set, added)));
  if (removed !== undefined) {
    say(change(walk, removed.set, "removed from", (set) => remove(walk, skb, set, removed.directions)));
  }
  if (map !== undefined) say(mapMark(walk, skb, map));
  return said.length === 0 ? undefined : said.join(", ");
}

function mapMark(walk: Walk, skb: Skb, map: NonNullable<SetTarget["map"]>): string | undefined {
  const set = walk.host.sets.get(map.set);
  if (set === undefined) {
    askUnknown(walk, skb, `set ${map.set}, which is not given, gives the packet a mark`);
    return undefined;
  }
  const mark = findPacket(walk, skb, set, map.directions)?.mark;
  if (mark === undefined || !map.mark) return undefined;
  const before = skb.mark;
  skb.mark = ((before & ~mark.mask) ^ mark.value) >>> 0;
  return skb.mark === before ? undefined : `mark 0x${before.toString(16)} -> 0x${skb.mark.toString(16)}`;
}
