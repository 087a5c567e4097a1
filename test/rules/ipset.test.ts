import { readFileSync } from "node:fs";
import test from "ava";
import fc from "fast-check";
import { familyOf, parseValues } from "../../src/rules/ipset/elements.ts";
import { formatIPSets } from "../../src/rules/ipset/format.ts";
import { elementKey, findElement, indexSet } from "../../src/rules/ipset/lookup.ts";
import type { IPSet, Value } from "../../src/rules/ipset/model.ts";
import { parseIPSets } from "../../src/rules/ipset/parse.ts";
import { anySet } from "./ipset-sets.ts";

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
      // a name in quotes may hold what ends words: ipset prints it without quotes, and cannot read that again
      const plain = new Map([...sets].filter(([name]) => !/[\s"]/.test(name)));
      t.deepEqual(read(formatIPSets(plain)).found, []);
    }),
    { numRuns: 3000 },
  );
});
