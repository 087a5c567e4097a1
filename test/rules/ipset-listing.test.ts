import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import test from "ava";
import fc from "fast-check";
import { seededRandom } from "../../src/net/random.ts";
import { formatIPSets } from "../../src/rules/ipset/format.ts";
import { formatIPSetListing, type ListedSet, parseIPSetListing } from "../../src/rules/ipset/listing.ts";
import type { IPSet } from "../../src/rules/ipset/model.ts";
import { parseIPSets } from "../../src/rules/ipset/parse.ts";
import { damagedText } from "../arbitrary/damaged-text.ts";
import { anySet } from "./ipset-sets.ts";

function read(text: string): { sets: ReadonlyMap<string, ListedSet>; found: string[] } {
  const found: string[] = [];
  const sets = parseIPSetListing({ name: "-", text }, ({ code, place }) => found.push(`${code}@${place?.offset}`));
  return { sets, found };
}

const listedText = readFileSync("test/rules/ipset-listed.txt", "utf8").replace(/^#.*\n/, "");

test("what ipset listed is read and printed again", (t) => {
  const { sets, found } = read(listedText);
  t.deepEqual(found, []);
  t.is(formatIPSetListing(sets.values()), listedText);
  t.is(sets.size, 38);
  t.is(sets.get("KUBE-CLUSTER-IP")?.references, 1);
  t.is(sets.get("p1")?.memory, 8264);
});

/** Seconds went by between the two texts. */
const withoutTimes = (text: string): string => text.replace(/^(add .*) timeout \d+/gm, "$1 timeout");

test("a listing tells the same sets as ipset save", (t) => {
  const saved = readFileSync("test/rules/ipset-saved.txt", "utf8");
  const sets = parseIPSets({ name: "-", text: saved }, () => undefined);
  const listed = read(listedText).sets;
  const again = new Map([...sets.keys()].map((name) => [name, listed.get(name)?.set as IPSet]));
  t.true(again.size > 30);
  t.is(withoutTimes(formatIPSets(again)), withoutTimes(formatIPSets(sets)));
});

const listedSet: fc.Arbitrary<ListedSet> = fc
  .tuple(anySet, fc.nat(9), fc.option(fc.nat(100000), { nil: undefined }), fc.nat(5), fc.boolean())
  .map(([set, revision, memory, references, hasEntries]) => ({
    set,
    revision,
    ...(memory === undefined ? {} : { memory }),
    references,
    ...(hasEntries ? { entries: set.elements.length } : {}),
  }));

/** Objects that fast-check makes may have no prototype. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test("sets that are listed are read again", (t) => {
  fc.assert(
    fc.property(fc.uniqueArray(listedSet, { maxLength: 4, selector: ({ set }) => set.name }), (listed) => {
      const text = formatIPSetListing(listed);
      const { sets, found } = read(text);
      t.deepEqual(found, []);
      t.true(isDeepStrictEqual(plain([...sets.values()]), plain(listed)), text);
    }),
    { numRuns: 150 },
  );
});

const head = "Name: a\nType: hash:ip\nRevision: 4\nHeader: family inet hashsize 1024 maxelem 65536\n";

/** Each text with the findings that reading it gives. */
const findings: readonly (readonly [text: string, expected: string])[] = [
  ["", ""],
  [`# x\n\n${head}Members:\n`, ""],
  [`${head}Members:\r\n1.2.3.4\r\n`, ""],
  ["Names: a\n", "bad-set-line@0"],
  [`${head}Size: 4\nMembers:\n`, "bad-set-line@82"],
  [`${head}References: x\nMembers:\n`, "bad-set-line@94"],
  ["Name: a\nMembers:\n1.2.3.4\n", "bad-set-line@0"],
  ["Name: \nType: hash:ip\nMembers:\n", "bad-set-line@0"],
  ["Name: a\nType: hash:foo\nMembers:\n1.2.3.4\n5\n", "unmodelled-set-type@14"],
  ["Name: a\nType: hash:ip\nHeader: family inet7\nMembers:\nx\n", "bad-set-option@30"],
  [`${head}`, "members-not-shown@0"],
  [`${head}\nName: b\nType: hash:ip\nMembers:\n`, "members-not-shown@0"],
  [`${head}Number of entries: 3\nMembers:\n1.2.3.4\n`, "members-missing@0"],
  [`${head}Members:\n::1\n`, "bad-element@91"],
  [`${head}Members:\n1.2.3.4\n1.2.3.4\n`, "element-exists@99"],
  [`${head}Members:\n1.2.3.4\n\n${head}Members:\n5.6.7.8\n`, "set-exists@142"],
  [`${head}Members:\n1.2.3.4 comment "x\n`, "unterminated-quote@91"],
];

test("what is wrong with a listing is found at its place", (t) => {
  for (const [text, expected] of findings) t.is(read(text).found.join(" "), expected, JSON.stringify(text));
  t.is(read(`${head}Members:\n1.2.3.4\n\n${head}Members:\n5.6.7.8\n`).sets.get("a")?.set.elements.length, 1);
});

test("damaged listings are read without a throw, to what can be listed and read", (t) => {
  for (let seed = 1; seed <= 150; seed++) {
    const { sets } = read(damagedText(seededRandom(seed), listedText));
    const text = formatIPSetListing(sets.values());
    const again = read(text);
    t.deepEqual(
      again.found.filter((each) => !each.startsWith("members-missing")),
      [],
      `seed ${seed}`,
    );
    t.is(formatIPSetListing(again.sets.values()), text, `seed ${seed}`);
  }
});
