import type { IPAddress } from "../../net/ip.ts";
import { mask32 } from "../../net/prefix.ts";
import type { IPSet, SetElement, Value } from "./model.ts";

/** A text that is equal for equal addresses of one family. */
function addressKey(address: IPAddress): string {
  return address.family === "IPv4" ? `${address.value}` : address.words.join(".");
}

function valueKey(value: Value): string {
  switch (value.kind) {
    case "ip":
      return addressKey(value.address);
    case "net":
      return `${addressKey(value.address)}/${value.length}`;
    case "port":
      return value.protocol === undefined ? `${value.port}` : `${value.protocol}:${value.port}`;
    case "iface":
      return `${value.physdev ? "physdev:" : ""}${value.name}`;
    case "mac":
      return value.mac;
    case "mark":
      return `${value.mark}`;
    case "set":
      return value.set;
  }
}

/**
 * What tells an element from the others of its set: equal keys are one element. Numbers, not texts of addresses, so that
 * a packet's values need no formatting. A set may not hold two elements of one key.
 */
export function elementKey(values: readonly Value[]): string {
  let key = valueKey(values[0] as Value);
  for (let i = 1; i < values.length; i++) key += `,${valueKey(values[i] as Value)}`;
  return key;
}

/** The address with the bits behind the first `length` cleared, as a network. */
function networkOf(address: IPAddress, length: number): Value {
  if (address.family === "IPv4")
    return { kind: "net", length, address: { family: "IPv4", value: (address.value & mask32(length)) >>> 0 } };
  const [a, b, c, d] = address.words;
  const cut = (word: number, from: number): number => (word & mask32(length - from)) >>> 0;
  return { kind: "net", length, address: { family: "IPv6", words: [cut(a, 0), cut(b, 32), cut(c, 64), cut(d, 96)] } };
}

/**
 * The elements of a set by key, and for each dimension that holds networks the prefix lengths in use, longest first: what
 * the kernel keeps for its look-ups (`ip_set_hash_gen.h`). A value; a set that changes is indexed by whoever changes it.
 */
export interface SetIndex {
  readonly elements: ReadonlyMap<string, SetElement>;
  /** By dimension; empty for those that hold no networks. */
  readonly lengths: readonly (readonly number[])[];
  /** In `hash:net,iface`: the networks that elements have, with any interface, and whether some name only a beginning. */
  readonly networks: ReadonlySet<string>;
  readonly wildcards: boolean;
}

/** Indexes the elements of a set by their keys. */
export function indexSet(set: IPSet): SetIndex {
  const elements = new Map<string, SetElement>();
  const lengths: Set<number>[] = [];
  const networks = new Set<string>();
  let wildcards = false;
  for (const element of set.elements) {
    elements.set(elementKey(element.values), element);
    for (const [i, value] of element.values.entries()) {
      lengths[i] ??= new Set();
      if (value.kind === "net") lengths[i].add(value.length);
      if (value.kind !== "iface") continue;
      networks.add(valueKey(element.values[0] as Value));
      wildcards ||= value.wildcard;
    }
  }
  return { elements, lengths: lengths.map((each) => [...each].sort((a, b) => b - a)), networks, wildcards };
}

/**
 * The element that the values of a packet find, networks by the longest prefix first, those of the first dimension in the
 * outer loop (`mtype_test_cidrs`). In `hash:net,iface` a network that is there with other interfaces only ends the search:
 * shorter prefixes are not looked at (its `multi`; seen on 6.18). Where the set holds networks, `values` hold whole addresses (`kind: "ip"`). That an
 * element is `nomatch` is for the caller to see.
 */
export function findElement(index: SetIndex, values: readonly Value[]): SetElement | undefined {
  return search(index, [...values], 0);
}

function search(index: SetIndex, values: Value[], dimension: number): SetElement | undefined {
  if (dimension === values.length) return exactly(index, values);
  const value = values[dimension] as Value;
  const used = index.lengths[dimension];
  if (value.kind !== "ip" || used === undefined || used.length === 0) return search(index, values, dimension + 1);
  for (const length of used) {
    const network = networkOf(value.address, length);
    values[dimension] = network;
    const found = search(index, values, dimension + 1);
    const blocked = index.networks.size > 0 && index.networks.has(valueKey(network));
    values[dimension] = value;
    if (found !== undefined) return found;
    if (blocked) return undefined;
  }
  return undefined;
}

/** The element of just these values, or one whose interface is a beginning of theirs (`hash_netiface4_data_equal`). */
function exactly({ elements, wildcards }: SetIndex, values: readonly Value[]): SetElement | undefined {
  const found = elements.get(elementKey(values));
  const last = values.at(-1);
  if (found !== undefined || !wildcards || last?.kind !== "iface") return found;
  for (let length = last.name.length - 1; length > 0; length--) {
    const shorter = values.with(-1, { ...last, name: last.name.slice(0, length) });
    const element = elements.get(elementKey(shorter));
    const name = element?.values.at(-1);
    if (name?.kind === "iface" && name.wildcard) return element;
  }
  return undefined;
}
