import type { IPFamily } from "../net/family.ts";
import {
  type Dimension,
  type IPSet as IPSetText,
  type SetElement,
  type SetOptions,
  type SetType,
  setTypes,
} from "../rules/ipset/model.ts";
import { hasPorts } from "./packet.ts";
import { SetElements, type StoredElement } from "./set-elements.ts";
import { type KeyPart, partOfValue, type SetKey } from "./set-key.ts";
import type { HostState } from "./state.ts";

/** A set of addresses, ports and so on, as `ipset` makes them, in a form that look-ups are fast in (`makeSets`). */
export interface IPSet {
  readonly name: string;
  readonly type: SetType;
  readonly options: SetOptions;
  readonly dimensions: readonly Dimension[];
  /** Packets of another family are not in it; `undefined`: it holds no addresses of its own. */
  readonly family: IPFamily | undefined;
  readonly elements: SetElements;
  /** By dimension: the prefix lengths of networks in use, longest first. */
  readonly lengths: readonly (readonly number[])[];
  /** `hash:net,iface`: the networks, whatever their interface, and when the first of its elements expires. */
  readonly networks: ReadonlySet<KeyPart>;
  readonly firstExpiry: number;
  /** `list:set`: its members in order. */
  readonly members: readonly string[];
  /** Some elements name the port of a bridge. */
  readonly hasPhysdev: boolean;
}

function familyOf({ type, options }: IPSetText): IPFamily | undefined {
  if (type === "list:set" || type === "bitmap:port" || type === "hash:mac") return undefined;
  return options.family ?? "IPv4";
}

/** A timeout of 0, as elements of a set without timeouts have, is for ever. The clock of a state is 0 when the set was listed. */
function stored(element: SetElement): StoredElement {
  const { timeout, packets, bytes } = element;
  return {
    key: element.values.map(partOfValue),
    nomatch: element.nomatch === true,
    expires: timeout === undefined || timeout === 0 ? Number.POSITIVE_INFINITY : timeout * 1000,
    packets: packets === undefined ? 0n : BigInt(packets),
    bytes: bytes === undefined ? 0n : BigInt(bytes),
    mark: element.skb?.mark,
  };
}

const NET_IFACE = "hash:net,iface";
/** The network of a key of `hash:net,iface`. */
const networkOf = (key: SetKey): KeyPart => key[0] as KeyPart;

function makeSet(set: IPSetText): IPSet {
  const dimensions: readonly Dimension[] = setTypes[set.type];
  const lengths = dimensions.map(() => new Set<number>());
  const elements = new SetElements(set.elements.map(stored));
  let hasPhysdev = false;
  for (const { values } of set.elements) {
    for (const [i, value] of values.entries()) {
      if (value.kind === "net") lengths[i]?.add(value.length);
      else if (value.kind === "iface" && value.physdev) hasPhysdev = true;
    }
  }
  let firstExpiry = Number.POSITIVE_INFINITY;
  for (const { expires } of elements.list) firstExpiry = Math.min(firstExpiry, expires);
  return {
    name: set.name,
    type: set.type,
    options: set.options,
    dimensions,
    family: familyOf(set),
    elements,
    lengths: lengths.map((each) => [...each].sort((a, b) => b - a)),
    networks: new Set(set.type === NET_IFACE ? elements.list.map(({ key }) => networkOf(key)) : []),
    firstExpiry,
    members: set.type === "list:set" ? elements.list.map(({ key }) => `${key[0]}`) : [],
    hasPhysdev,
  };
}

/** Sets by name, for a host. */
export function makeSets(sets: Iterable<IPSetText>): ReadonlyMap<string, IPSet> {
  const made = new Map<string, IPSet>();
  for (const set of sets) made.set(set.name, makeSet(set));
  return made;
}

/** How a set differs from what it was at first. */
interface SetChanges {
  /** Something was added or removed of which not all is known: from then on nobody knows what the set holds. */
  readonly uncertain: boolean;
  /** Elements added and not removed again, less those removed. */
  readonly growth: number;
  readonly lengths: readonly (readonly number[])[];
}

const setKey = (set: IPSet): string => `set ${set.name}`;
const elementKey = (set: IPSet, key: SetKey): string => `set ${set.name} ${key.join(" ")}`;

function changesOf(state: HostState, set: IPSet): SetChanges | undefined {
  // mostly nothing has changed, and a name need not be made
  return state.ofName.size === 0 ? undefined : (state.ofName.get(setKey(set)) as SetChanges | undefined);
}

/** The prefix lengths in use in a dimension, longest first, elements that were added included. */
export function lengthsOf(state: HostState, set: IPSet, dimension: number): readonly number[] {
  return (changesOf(state, set) ?? set).lengths[dimension] ?? [];
}

/** An element that is there now: not removed, and not expired. */
export function elementOf(state: HostState, set: IPSet, key: SetKey): StoredElement | undefined {
  const changed = changesOf(state, set) === undefined ? undefined : state.ofName.get(elementKey(set, key));
  const element = changed === undefined ? set.elements.get(key) : (changed as StoredElement | null);
  return element === undefined || element === null || state.now > element.expires ? undefined : element;
}

/** Puts an element into a set, or removes it (`undefined`); `lengths` are those of its networks, by dimension. */
export function putElement(
  state: HostState,
  set: IPSet,
  key: SetKey,
  element: StoredElement | undefined,
  lengths: readonly (number | undefined)[] = [],
): void {
  const before = changesOf(state, set) ?? { uncertain: false, growth: 0, lengths: set.lengths };
  const existed = elementOf(state, set, key) !== undefined;
  const growth = before.growth + (element === undefined ? 0 : 1) - (existed ? 1 : 0);
  state.put<string, unknown>(state.ofName, setKey(set), {
    ...before,
    growth,
    lengths: before.lengths.map((known, i) => withLength(known, lengths[i])),
  } satisfies SetChanges);
  state.put<string, unknown>(state.ofName, elementKey(set, key), element ?? null);
  if (set.type === NET_IFACE && element !== undefined)
    state.put<string, unknown>(state.ofName, elementKey(set, [networkOf(key)]), true);
}

/** `hash:net,iface`: has it an element with this network, whatever the interface? */
export function hasNetwork(state: HostState, set: IPSet, network: KeyPart): boolean {
  return set.networks.has(network) || state.ofName.has(elementKey(set, [network]));
}

/** Was an element of a set added, removed or counted since the set was listed? */
export function hasChanged(state: HostState, set: IPSet): boolean {
  return changesOf(state, set) !== undefined;
}

/** Notes that a set has changed in a way that is not known. */
export function makeUncertain(state: HostState, set: IPSet): void {
  const before = changesOf(state, set) ?? { uncertain: false, growth: 0, lengths: set.lengths };
  state.put<string, unknown>(state.ofName, setKey(set), { ...before, uncertain: true } satisfies SetChanges);
}

/**
 * Is it not known what a set holds? Also of a `hash:net,iface` one element of which has expired, because such an element still
 * hides wider networks until the kernel clears it away.
 */
export function isUncertain(state: HostState, set: IPSet): boolean {
  if (set.type === NET_IFACE && state.now > set.firstExpiry) return true;
  return changesOf(state, set)?.uncertain === true;
}

function withLength(known: readonly number[], length: number | undefined): readonly number[] {
  return length === undefined || known.includes(length) ? known : [...known, length].sort((a, b) => b - a);
}

/** How many elements a set has, those included that have expired and may not have been cleared away yet. */
export function sizeOf(state: HostState, set: IPSet): number {
  return set.elements.list.length + (changesOf(state, set)?.growth ?? 0);
}

/** `get_port` of ip_set_getport.c: protocol and port, type and code of ICMP, 0 for protocols without ports. */
export function setPort(protocol: number, port: number, icmp: number): number {
  if (protocol === 1 || protocol === 58) return icmp;
  return hasPorts(protocol) && protocol !== 33 ? port : 0;
}
