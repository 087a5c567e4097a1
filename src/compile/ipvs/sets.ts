import type { IPFamily } from "../../net/family.ts";
import { parseIP } from "../../net/ip.ts";
import { parsePrefix } from "../../net/prefix.ts";
import { elementKey } from "../../rules/ipset/lookup.ts";
import type { IPSet, SetElement, SetOptions, SetType, Value } from "../../rules/ipset/model.ts";
import { compareElements } from "../../rules/ipset/order.ts";
import { type SetKey, setDefinitions, setName } from "./names.ts";
import type { ItemOrigin } from "./provenance.ts";
import type { IPVSTraits } from "./traits.ts";

/** An entry as kube-proxy hands it to `ipset add`. */
export interface SetEntry {
  readonly text: string;
  /** What the kernel stores; `undefined` when the tool refuses the entry. */
  readonly values: readonly Value[] | undefined;
  /** Of several Services that want the same entry, the first in canonical order. */
  readonly origin: ItemOrigin;
}

/** A set of ipvs mode with the entries that kube-proxy wants in it, in the order in which it comes to want them. */
export interface CompiledSet {
  readonly key: SetKey;
  readonly name: string;
  readonly type: SetType;
  readonly options: SetOptions;
  /** The comment of rules that use the set. */
  readonly comment: string;
  readonly entries: readonly SetEntry[];
}

const PORT_PROTOCOLS: Readonly<Record<string, number>> = { tcp: 6, udp: 17, sctp: 132 };

/** The parts of an entry before they are put together. */
export interface EntryParts {
  readonly ip?: string;
  /** As the Service has it: TCP, UDP, SCTP. */
  readonly protocol?: string;
  readonly port?: number;
  /** The second address, or the network. */
  readonly second?: string;
}

interface OpenSet extends CompiledSet {
  readonly entries: SetEntry[];
  readonly texts: Set<string>;
}

const HASH_OPTIONS = { hashSize: 1024, maxElements: 65536 };

function optionsOf(type: SetType, family: IPFamily): SetOptions {
  return type === "bitmap:port" ? { range: { from: 0, to: 65535 } } : { family, ...HASH_OPTIONS };
}

/** A source range as `hash:ip,port,net` stores it: without host bits, and never of length 0 (ipvs-mode §5.3). */
function networkOf(text: string): Value | undefined {
  const prefix = parsePrefix(text);
  if (prefix === undefined || prefix.length === 0) return undefined;
  return { kind: "net", address: prefix.address, length: prefix.length };
}

/** The sets of one family while a sync pass fills them. */
export class WantedSets {
  readonly #sets = new Map<SetKey, OpenSet>();
  readonly #family: IPFamily;

  constructor(family: IPFamily, traits: IPVSTraits) {
    this.#family = family;
    for (const key of Object.keys(setDefinitions) as SetKey[]) {
      const { type, comment, when } = setDefinitions[key];
      if (when !== undefined && !when(traits)) continue;
      const name = setName(key, family);
      const options = optionsOf(type, family);
      this.#sets.set(key, { key, name, type, options, comment, entries: [], texts: new Set() });
    }
  }

  /**
   * Wants an entry in a set. False when kube-proxy's own check refuses it: a protocol without ports, or what is no
   * address (upstream `validateEntry`; it does not look at the family, the tool does). A set that the release does not
   * have takes nothing.
   */
  add(key: SetKey, parts: EntryParts, origin: ItemOrigin): boolean {
    const set = this.#sets.get(key);
    if (set === undefined) return true;
    if (set.type === "bitmap:port") {
      const { port = 0 } = parts;
      this.#put(set, `${port}`, () => [{ kind: "port", port }], origin);
      return true;
    }
    const { ip = "", protocol = "", port = 0, second } = parts;
    const address = parseIP(ip);
    if (address === undefined) return false;
    const first: Value = { kind: "ip", address };
    if (set.type === "hash:ip") {
      this.#put(set, ip, () => [first], origin);
      return true;
    }
    const lower = protocol.toLowerCase();
    const number = PORT_PROTOCOLS[lower];
    if (number === undefined) return false;
    const text = `${ip},${lower}:${port}`;
    const middle: Value = { kind: "port", protocol: number, port };
    if (second === undefined) this.#put(set, text, () => [first, middle], origin);
    else this.#put(set, `${text},${second}`, () => this.#withSecond(set.type, first, middle, second), origin);
    return true;
  }

  /** Has the set an entry? */
  isEmpty(key: SetKey): boolean {
    return (this.#sets.get(key)?.entries.length ?? 0) === 0;
  }

  /** All sets of the release in canonical order. */
  sets(): readonly CompiledSet[] {
    return [...this.#sets.values()].map(({ texts: _, ...set }) => set);
  }

  #withSecond(type: SetType, first: Value, middle: Value, second: string): readonly Value[] | undefined {
    if (type === "hash:ip,port,net") {
      const network = networkOf(second);
      return network === undefined ? undefined : [first, middle, network];
    }
    const address = parseIP(second);
    return address === undefined ? undefined : [first, middle, { kind: "ip", address }];
  }

  #put(set: OpenSet, text: string, values: () => readonly Value[] | undefined, origin: ItemOrigin): void {
    if (set.texts.has(text)) return;
    set.texts.add(text);
    const made = values();
    const usable = made?.every((value) => value.kind !== "ip" || value.address.family === this.#family);
    set.entries.push({ text, values: usable === true ? made : undefined, origin });
  }
}

/**
 * What the kernel holds of a set after all of its entries were added, in the order of `ipset -sorted save`: entries
 * that the tool refuses are left out, those that are one element to the kernel are there once.
 */
export function loadSet({ name, type, options, entries }: CompiledSet): IPSet {
  const elements: SetElement[] = [];
  const keys = new Set<string>();
  for (const { values } of entries) {
    if (values === undefined) continue;
    // only source ranges have two spellings of one element
    if (type === "hash:ip,port,net") {
      const key = elementKey(values);
      if (keys.has(key)) continue;
      keys.add(key);
    }
    elements.push({ values });
  }
  return { name, type, options, elements: elements.sort(compareElements) };
}
