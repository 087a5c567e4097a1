import test from "ava";
import fc from "fast-check";
import { SetElements, type StoredElement } from "../../src/kernel/set-elements.ts";
import { keyHash, partKey, partOfValue, valueOfPart } from "../../src/kernel/set-key.ts";
import { maskAddress } from "../../src/net/prefix.ts";
import type { Dimension, Value } from "../../src/rules/ipset/model.ts";

/** Addresses and ports of two keys that have one hash. */
const CLASH = [
  { address: 0x0a600436, port: 51 },
  { address: 0x0a600947, port: 3 },
] as const;
const addresses = CLASH.map(({ address }) => address);

const word = fc.constantFrom(...addresses, 0, 1, 0x7fffffff, 0x80000000, 0xffffffff);
const ip = fc.oneof(
  word.map((value) => ({ family: "IPv4", value }) as const),
  fc.tuple(word, word, word, word).map((words) => ({ family: "IPv6", words }) as const),
);
const port = fc.constantFrom(0, 1, 3, 51, 80, 65535);

/** Values of each dimension, alike enough that their keys might be taken for each other. */
const values: Readonly<Record<Dimension, fc.Arbitrary<Value>>> = {
  ip: ip.map((address) => ({ kind: "ip", address })),
  net: fc.tuple(ip, fc.integer({ min: 0, max: 128 })).map(([address, long]) => {
    const length = address.family === "IPv4" ? long % 33 : long;
    return { kind: "net", address: maskAddress(address, length), length };
  }),
  port: fc.oneof(
    fc
      .tuple(fc.constantFrom(0, 1, 6, 255), port)
      .map(([protocol, of]) => ({ kind: "port", protocol, port: of }) as const),
    port.map((of) => ({ kind: "port", port: of }) as const),
  ),
  iface: fc
    .tuple(fc.constantFrom("e", "eth", "eth0"), fc.boolean())
    .map(([name, wildcard]) => ({ kind: "iface", name, physdev: false, wildcard })),
  mac: fc.constantFrom("00:11:22:33:44:55", "00:11:22:33:44:56").map((mac) => ({ kind: "mac", mac })),
  mark: word.map((mark) => ({ kind: "mark", mark })),
  set: fc.constantFrom("a", "b").map((set) => ({ kind: "set", set })),
};

for (const [dimension, value] of Object.entries(values) as [Dimension, fc.Arbitrary<Value>][]) {
  test(`a part of a key tells its ${dimension}`, (t) => {
    fc.assert(fc.property(value, (one) => void t.deepEqual(valueOfPart(dimension, partOfValue(one)), one)));
  });
}

const key = fc.tuple(values.ip, values.port, values.net).map((parts) => parts.map(partOfValue));
const element = fc.tuple(key, fc.boolean()).map(([of, nomatch]): StoredElement => {
  return { key: of, nomatch, expires: Number.POSITIVE_INFINITY, packets: 0n, bytes: 0n, mark: undefined };
});

test("law: elements are found by their keys, and of those with one key the last", (t) => {
  fc.assert(
    fc.property(fc.array(element, { maxLength: 60 }), fc.array(key), (given, others) => {
      const elements = new SetElements(given);
      const known = new Map(given.map((each) => [JSON.stringify(each.key), each]));
      t.deepEqual(elements.list, [...known.values()]);
      for (const each of [...given.map(({ key: own }) => own), ...others])
        t.is(elements.get(each), known.get(JSON.stringify(each)));
    }),
  );
});

test("two keys of one hash are told apart", (t) => {
  const [one, other] = CLASH.map(({ address, port: of }) => [partKey.address(address), partKey.port(6, of)]);
  t.is(keyHash(one ?? []), keyHash(other ?? []));
  const only = {
    key: one ?? [],
    nomatch: false,
    expires: Number.POSITIVE_INFINITY,
    packets: 0n,
    bytes: 0n,
    mark: undefined,
  };
  const elements = new SetElements([only]);
  t.is(elements.get(one ?? []), only);
  t.is(elements.get(other ?? []), undefined);
});

test("the addresses and ports of a large set hash as numbers drawn at random would", (t) => {
  const hashes = new Set<number>();
  for (let i = 0; i < 30_000; i++) hashes.add(keyHash([0x0a600000 + i, 6 * 65536 + 80]) & 0xffff);
  // of so many numbers below 65,536 there are 65,536 (1 - e^(-30,000/65,536)) different ones, give or take 100
  t.true(Math.abs(hashes.size - 24_072) < 400, `${hashes.size}`);
});
