import test from "ava";
import fc from "fast-check";
import {
  containsValue,
  countOf,
  differenceOf,
  type IntervalSet,
  intersectionOf,
  interval,
  intervalsOf,
  isWithin,
  overlaps,
  prefixesOf,
  prefixInterval,
  sameIntervals,
  unionOf,
} from "../../src/net/intervals.ts";

/** Numbers of six bits: small enough for a set to be a list of truths. */
const BITS = 6;
const SIZE = 1 << BITS;
type Bitmap = readonly boolean[];

const anyInterval = fc
  .tuple(fc.nat(SIZE - 1), fc.nat(SIZE - 1))
  .map(([from, to]) => ({ from: BigInt(from), to: BigInt(to) }));
const anyList = fc.array(anyInterval, { maxLength: 6 });

const bitmap = (has: (value: number) => boolean): Bitmap => Array.from({ length: SIZE }, (_, value) => has(value));
const ofList = (list: readonly { readonly from: bigint; readonly to: bigint }[]): Bitmap =>
  bitmap((value) => list.some(({ from, to }) => Number(from) <= value && value <= Number(to)));

/** The one list that a bitmap has: every run of truths, an interval. */
function runs(bits: Bitmap): string {
  const found: string[] = [];
  for (let at = 0; at < SIZE; at++) {
    if (bits[at] !== true || bits[at - 1] === true) continue;
    let end = at;
    while (bits[end + 1] === true) end++;
    found.push(`${at}-${end}`);
  }
  return found.join();
}

const text = (set: IntervalSet): string => set.map(({ from, to }) => `${from}-${to}`).join();

test("sets are what a bitmap says, in the one form that they have", (t) => {
  fc.assert(
    fc.property(anyList, anyList, fc.nat(SIZE - 1), (first, second, value) => {
      const [a, b] = [intervalsOf(first), intervalsOf(second)];
      const [x, y] = [ofList(first), ofList(second)];
      t.is(text(a), runs(x));
      t.is(text(unionOf(a, b)), runs(bitmap((each) => x[each] === true || y[each] === true)));
      t.is(text(intersectionOf(a, b)), runs(bitmap((each) => x[each] === true && y[each] === true)));
      t.is(text(differenceOf(a, b)), runs(bitmap((each) => x[each] === true && y[each] !== true)));
      t.is(containsValue(a, BigInt(value)), x[value] === true);
      t.is(countOf(a), BigInt(x.filter(Boolean).length));
      t.is(
        isWithin(a, b),
        x.every((has, each) => !has || y[each] === true),
      );
      t.is(
        overlaps(a, b),
        x.some((has, each) => has && y[each] === true),
      );
      t.is(sameIntervals(a, b), runs(x) === runs(y));
      t.true(sameIntervals(a, intervalsOf([...first].reverse())));
    }),
    { numRuns: 2000 },
  );
});

test("the prefixes of an interval are its numbers, and the fewest", (t) => {
  fc.assert(
    fc.property(anyInterval, ({ from, to }) => {
      const prefixes = prefixesOf({ from, to }, BITS);
      const covered = prefixes.map(({ value, length }) => prefixInterval(value, length, BITS));
      t.is(text(intervalsOf(covered)), text(interval(from, to)));
      t.true(covered.every((each, i) => each.from === prefixes[i]?.value));
      // no two are the halves of one
      for (const [i, each] of prefixes.entries()) {
        const next = prefixes[i + 1];
        const halves =
          next?.length === each.length &&
          each.value >> BigInt(BITS - each.length + 1) === next.value >> BigInt(BITS - each.length + 1);
        t.false(halves, `${from}-${to}`);
      }
    }),
    { numRuns: 1000 },
  );
});

const rows: readonly (readonly [value: bigint, length: number, bits: number, expected: string])[] = [
  [0x0af40105n, 16, 32, "183762944-183828479"],
  [0x0af40105n, 32, 32, "183763205-183763205"],
  [5n, 0, 16, "0-65535"],
  [(0xfd00n << 112n) + 9n, 0, 128, `0-${(1n << 128n) - 1n}`],
];
for (const [value, length, bits, expected] of rows)
  test(`prefix ${value}/${length} of ${bits} bits`, (t) => t.is(text([prefixInterval(value, length, bits)]), expected));
