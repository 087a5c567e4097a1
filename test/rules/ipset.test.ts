import { readFileSync } from "node:fs";
import test from "ava";
import fc from "fast-check";
import type { IPFamily } from "../../src/net/family.ts";
import { familyOf, parseValues } from "../../src/rules/ipset/elements.ts";
import { formatIPSets } from "../../src/rules/ipset/format.ts";
import { elementKey, findElement, indexSet } from "../../src/rules/ipset/lookup.ts";
import { type IPSet, type SetElement, type SetType, setTypes, type Value } from "../../src/rules/ipset/model.ts";
import { parseIPSets } from "../../src/rules/ipset/parse.ts";

function read(text: string): { sets: ReadonlyMap<string, IPSet>; found: string[] } {
  const found: string[] = [];
  const sets = parseIPSets({ name: "-", text }, ({ code, place }) => found.push(`${code}@${place?.offset}`));
  return { sets, found };
}

const savedText = readFileSync("test/rules/ipset-saved.txt", "utf8");

test("what ipset saved is read and printed again", (t) => {
  const { sets, found } = read(savedText);
  t.deepEqual(found, []);
  t.is(formatIPSets(sets), savedText.replace(/^#.*\n/gm, ""));
  t.true(sets.size > 30);
});

test("the forms of the sets that kube-proxy makes with older tools are kept", (t) => {
  const text =
    "create A hash:ip,port,net family inet6 hashsize 1024 maxelem 65536\nadd A 2001:db8::1,tcp:80,2001:db8::/64\n" +
    "create B hash:net,net family inet hashsize 1024 maxelem 65536\nadd B 10.0.0.0/8,192.168.0.0/16 nomatch\n" +
    "create C hash:mac hashsize 1024 maxelem 65536\nadd C 00:11:22:AA:BB:CC\n";
  t.is(formatIPSets(read(text).sets), text);
});

test("look-ups answer as ipset test does", (t) => {
  const { sets } = read(savedText);
  const rows = readFileSync("test/rules/ipset-lookups.txt", "utf8").split("\n");
  let count = 0;
  for (const row of rows.filter((each) => each !== "" && !each.startsWith("#"))) {
    const [name = "", text = "", expected] = row.split(" ");
    const set = sets.get(name) as IPSet;
    const found = findElement(indexSet(set), packetValues(set, text));
    t.is(found !== undefined && found.nomatch !== true ? "in" : "out", expected ?? "", row);
    count++;
  }
  t.true(count > 50);
});

/** The values of a packet: whole addresses where the set has networks. */
function packetValues(set: IPSet, text: string): readonly Value[] {
  const values = parseValues(text, set.type, familyOf(set)) ?? [];
  return values.map((value) => (value.kind === "net" ? { kind: "ip", address: value.address } : value));
}

/** Each text with the findings that reading it gives: code and offset of the line. */
const findings: readonly (readonly [text: string, expected: string])[] = [
  ["", ""],
  ["# x\n\nCOMMIT\n", ""],
  ["create a hash:ip -exist\nadd a 1.2.3.4 -exist\n", ""],
  ["flush a\n", "bad-set-line@0"],
  ["create a\n", "bad-set-line@0"],
  ["create a hash:ip\ncreate a hash:ip\n", "set-exists@17"],
  [`create ${"a".repeat(32)} hash:ip\n`, "set-name-too-long@0"],
  ["create a hash:foo\nadd a 1\nadd a 2\n", "unmodelled-set-type@0"],
  ["create a constructor\n", "unmodelled-set-type@0"],
  ["create a hash:ip family inet5\nadd a 1.2.3.4\n", "bad-set-option@0"],
  ["create a hash:ip hashsize\n", "bad-set-option@0"],
  ["create a hash:ip constructor 1\n", "bad-set-option@0"],
  ["create a hash:ip maxelem x\n", "bad-set-option@0"],
  ["create a bitmap:port range 9-5\n", "bad-set-option@0"],
  ["add a 1.2.3.4\n", "no-such-set@0"],
  ["create a hash:ip\nadd a ::1\n", "bad-element@17"],
  ["create a hash:ip\nadd a 1.2.3.4,tcp:5\n", "bad-element@17"],
  ["create a hash:ip,port\nadd a 1.2.3.4\n", "bad-element@22"],
  ["create a hash:ip,port\nadd a 1.2.3.4,icmpv6:1/1\n", "bad-element@22"],
  ["create a hash:ip,port\nadd a 1.2.3.4,gre:5\n", "bad-element@22"],
  ["create a hash:ip,port\nadd a 1.2.3.4,tcp:65536\n", "bad-element@22"],
  ["create a hash:ip\nadd a 1.2.3.4 packets x\n", "bad-element@17"],
  ["create a hash:ip\nadd a 1.2.3.4\nadd a 1.2.3.4\n", "element-exists@31"],
  ["create a hash:net\nadd a 10.0.0.0/8\nadd a 10.1.0.0/8\n", "element-exists@35"],
  ['create a hash:ip comment\nadd a 1.2.3.4 comment "x\n', "unterminated-quote@25"],
];

test("what is wrong with a text of sets is found at its line", (t) => {
  for (const [text, expected] of findings) t.is(read(text).found.join(" "), expected, JSON.stringify(text));
});

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

const anySet: fc.Arbitrary<IPSet> = fc
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

test("sets that are written are read again, and each element is found by its values", (t) => {
  fc.assert(
    fc.property(anySet, (set) => {
      const { sets, found } = read(formatIPSets(new Map([[set.name, set]])));
      t.deepEqual(found, []);
      t.deepEqual(sets, new Map([[set.name, set]]));
      for (const element of set.elements) t.is(indexSet(set).elements.get(elementKey(element.values)), element);
    }),
    { numRuns: 1500 },
  );
});

test("any text of sets is read without a throw", (t) => {
  const piece = fc.constantFrom(
    "create",
    "add",
    "a",
    "hash:ip",
    "hash:net,iface",
    "1.2.3.4",
    "10.0.0.0/8,eth0",
    "\n",
    " ",
    '"',
    "timeout",
    "9",
    "\0",
    "__proto__",
    "comment",
    "-",
    ",",
    "::",
    "bitmap:port",
    "range",
    "5-9",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const { sets } = read(pieces.join(pieces.length % 2 === 0 ? " " : ""));
      t.deepEqual(read(formatIPSets(sets)).found, []);
    }),
    { numRuns: 3000 },
  );
});
