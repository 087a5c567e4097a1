import fc from "fast-check";
import type { IPFamily } from "../../src/net/family.ts";
import { elementKey } from "../../src/rules/ipset/lookup.ts";
import { type IPSet, type SetElement, type SetType, setTypes, type Value } from "../../src/rules/ipset/model.ts";

const uint32 = fc.nat({ max: 0xffffffff });
const ports = fc.nat({ max: 65535 });

function network(family: IPFamily, address: readonly number[], length: number): Value {
  const bits = family === "IPv4" ? 32 : 128;
  const used = length % (bits + 1);
  const words = address.map((word, i) => {
    const ones = Math.max(0, Math.min(32, used - 32 * i));
    return ones === 0 ? 0 : Math.floor(word / 2 ** (32 - ones)) * 2 ** (32 - ones);
  });
  return { kind: "net", address: addressOf(family, words), length: used };
}

function addressOf(family: IPFamily, words: readonly number[]) {
  const [a = 0, b = 0, c = 0, d = 0] = words;
  return family === "IPv4" ? ({ family, value: a } as const) : ({ family, words: [a, b, c, d] } as const);
}

function anyValue(type: SetType, family: IPFamily, index: number): fc.Arbitrary<Value> {
  const address = fc.tuple(uint32, uint32, uint32, uint32);
  switch (setTypes[type][index]) {
    case "net":
      return fc.tuple(address, fc.nat({ max: 128 })).map(([words, length]) => network(family, words, length));
    case "port":
      if (type === "bitmap:port") return ports.map((port) => ({ kind: "port", port }));
      return fc
        .oneof(
          fc.tuple(fc.constantFrom(6, 17, 132, 136, family === "IPv4" ? 1 : 58), ports),
          fc.tuple(fc.constantFrom(2, 47, 50, 200), fc.constant(0)),
        )
        .map(([protocol, port]) => ({ kind: "port", protocol, port }));
    case "iface":
      return fc
        .record({ name: fc.stringMatching(/^[a-z][a-z0-9.@-]{0,14}$/), physdev: fc.boolean(), wildcard: fc.boolean() })
        .map((value) => ({ kind: "iface", ...value }));
    case "mac":
      return fc.constantFrom("00:11:22:AA:BB:CC", "FF:FF:FF:FF:FF:FF").map((mac) => ({ kind: "mac", mac }));
    case "mark":
      return uint32.map((mark) => ({ kind: "mark", mark }));
    case "set":
      return fc.stringMatching(/^[A-Za-z0-9_:.-]{1,31}$/).map((set) => ({ kind: "set", set }));
    default:
      return address.map((words) => ({ kind: "ip", address: addressOf(family, words) }));
  }
}

const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const counter = optional(fc.bigInt({ min: 0n, max: 2n ** 64n - 2n }).map(String));

/** Sets of any type with elements that differ. */
export const anySet: fc.Arbitrary<IPSet> = fc
  .tuple(
    fc.constantFrom(...(Object.keys(setTypes) as SetType[])),
    fc.constantFrom("IPv4", "IPv6") satisfies fc.Arbitrary<IPFamily>,
  )
  .chain(([type, given]) => {
    const family = type.startsWith("hash") ? given : "IPv4";
    const element: fc.Arbitrary<SetElement> = fc
      .record({
        values: fc.tuple(...setTypes[type].map((_, i) => anyValue(type, family, i))),
        nomatch: optional(fc.constant(true as const)),
        timeout: optional(fc.nat({ max: 2147483 })),
        packets: counter,
        bytes: counter,
        comment: optional(fc.stringMatching(/^[A-Za-z0-9 '\\#,.-]{1,20}$/)),
        mark: optional(fc.record({ value: uint32, mask: uint32 })),
        priority: optional(fc.record({ major: ports, minor: ports })),
        queue: optional(ports),
      })
      .map(({ mark, priority, queue, ...rest }) => {
        const skb = clean({ mark, priority, queue });
        return clean({ ...rest, skb: Object.keys(skb).length === 0 ? undefined : skb }) as SetElement;
      });
    const distinct = fc.uniqueArray(element, { maxLength: 6, selector: ({ values }) => elementKey(values) });
    const options = {
      family,
      hashSize: 1024,
      timeout: 5,
      counters: true,
      comment: true,
      initialValue: 7,
      netmask: 24,
    } as const;
    return distinct.map((elements) => ({ name: `set-${type}`, type, options, elements }));
  });

function clean<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
}
