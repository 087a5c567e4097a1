import test from "ava";
import { array, assert, double, integer, property } from "fast-check";
import { fitPowerLaw, summarize } from "../../bench/statistics.ts";
import { compareRuns, superiorityOf, type Verdict } from "../../bench/verdict.ts";
import { median, quantile } from "../../src/cli/statistics.ts";

const quantileRows: readonly (readonly [readonly number[], number, number])[] = [
  [[7], 0.5, 7],
  [[3, 1, 2], 0.5, 2],
  [[4, 1, 3, 2], 0.5, 2.5],
  [[10, 2], 0.5, 6],
  [[5, 4, 3, 2, 1], 0, 1],
  [[5, 4, 3, 2, 1], 1, 5],
  [[5, 4, 3, 2, 1], 0.25, 2],
  [Array.from({ length: 101 }, (_, i) => i), 0.99, 99],
  [Array.from({ length: 11 }, (_, i) => i * i), 0.95, 90.5],
];
for (const [samples, q, expected] of quantileRows) {
  test(`quantile ${q} of ${samples.slice(0, 5)}… is ${expected}`, (t) => t.is(quantile(samples, q), expected));
}

test("nothing has no median", (t) => t.true(Number.isNaN(median([]))));

test("a summary counts, and gives the quartiles' distance as a share of the median", (t) => {
  const { count, min, median: middle, p99, spread } = summarize([4, 8, 6, 2, 10]);
  t.deepEqual([count, min, middle, spread], [5, 2, 6, 4 / 6]);
  t.true(p99 > 9.9 && p99 < 10);
});

test("half of the samples are at or below the median, half at or above", (t) => {
  const samples = array(integer({ min: -1000, max: 1000 }), { minLength: 1, maxLength: 40 });
  const law = property(samples, (list) => {
    const middle = median(list);
    const [below, above] = [list.filter((each) => each <= middle), list.filter((each) => each >= middle)];
    return 2 * below.length >= list.length && 2 * above.length >= list.length;
  });
  t.notThrows(() => assert(law));
});

const SIZES = [100, 300, 1000, 3000, 10_000, 30_000];
const lawRows: readonly (readonly [string, number, (n: number) => number])[] = [
  ["constant", 0, () => 5],
  ["linear", 1, (n) => 0.03 * n],
  ["quadratic", 2, (n) => 1e-6 * n * n],
  ["square root", 0.5, (n) => Math.sqrt(n)],
];
for (const [name, exponent, cost] of lawRows) {
  test(`a ${name} cost has the exponent ${exponent}`, (t) => {
    const law = fitPowerLaw(SIZES.map((n) => [n, cost(n)]));
    t.true(Math.abs(law.exponent - exponent) < 1e-9, String(law.exponent));
    t.true(Math.abs(law.factor * 1000 ** exponent - cost(1000)) < 1e-6 * cost(1000));
    t.true(law.explained > 0.999999);
  });
}

test("n log n is told from linear; points off the line lower what the law explains", (t) => {
  t.true(fitPowerLaw(SIZES.map((n) => [n, n * Math.log(n)])).exponent > 1.1);
  t.true(fitPowerLaw(SIZES.map((n, i) => [n, i % 2 === 0 ? n : 20 * n])).explained < 0.9);
});

/** The reference: every pair, one by one. */
function superiorityByPairs(before: readonly number[], now: readonly number[]): number {
  let wins = 0;
  for (const a of before) for (const b of now) wins += b > a ? 1 : b === a ? 0.5 : 0;
  return wins / (before.length * now.length);
}

test("superiority is the share of pairs", (t) => {
  const few = array(integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 12 });
  const law = property(few, few, (a, b) => Math.abs(superiorityOf(a, b) - superiorityByPairs(a, b)) < 1e-12);
  t.notThrows(() => assert(law));
});

/** Samples around `center` that spread by ± `noise`, evenly and in a shuffled order; `shift` moves the pattern. */
function around(center: number, noise: number, shift = 0, count = 40): readonly number[] {
  return Array.from(
    { length: count },
    (_, i) => center * (1 + noise * (((i * 17 + shift) % count) / (count - 1) - 0.5) * 2),
  );
}

const three = (center: number, noise: number, drift = 0): readonly (readonly number[])[] =>
  [-1, 0, 1].map((i) => around(center * (1 + drift * i), noise, i + 1));

type Row = readonly [
  what: string,
  before: readonly (readonly number[])[],
  now: readonly (readonly number[])[],
  Verdict["verdict"],
];
const verdictRows: readonly Row[] = [
  ["the same samples", three(10, 0.02), three(10, 0.02), "same"],
  ["30 % more", three(10, 0.02), three(13, 0.02), "worse"],
  ["30 % less", three(13, 0.02), three(10, 0.02), "better"],
  ["3 % more, clean: too small to be told from another layout", three(10, 0.001), three(10.3, 0.001), "same"],
  ["12 % more with little noise", three(10, 0.02), three(11.2, 0.02), "worse"],
  ["12 % more, but samples spread by half", three(10, 0.5), three(11.2, 0.5), "same"],
  ["12 % more, but processes differ by 20 %", three(10, 0.02, 0.1), three(11.2, 0.02, 0.1), "same"],
  ["twice as much, although processes differ by 20 %", three(10, 0.02, 0.1), three(20, 0.02, 0.1), "worse"],
  ["one slow process among three", three(10, 0.02), [around(10, 0.02), around(10, 0.02), around(20, 0.02)], "same"],
  ["a single process each, 10 % more", [around(10, 0.01)], [around(11, 0.01)], "same"],
  ["a single process each, 40 % more", [around(10, 0.01)], [around(14, 0.01)], "worse"],
  ["one sample a process, 30 % more", [[10], [10.1], [9.9]], [[13], [13.2], [12.9]], "worse"],
  ["one sample a process, one of them among the others", [[10], [10.1], [13.1]], [[13], [13.2], [12.9]], "same"],
  ["all processes higher, but by less than they differ themselves", [[10], [11], [12]], [[12.1], [12.6], [14]], "same"],
  [
    "two short processes that overlap among long ones that do not",
    [around(10, 0.001), around(10, 0.001), [11.9]],
    [[11.8], around(14, 0.001), around(14, 0.001)],
    "same",
  ],
  [
    "a tail of slow samples only",
    three(10, 0.02),
    three(10, 0.02).map((run) => run.map((ms, i) => (i % 10 === 0 ? ms * 5 : ms))),
    "same",
  ],
];
for (const [what, before, now, expected] of verdictRows) {
  test(`verdict: ${what} is ${expected}`, (t) => t.like(compareRuns(before, now), { verdict: expected }));
}

test("a verdict turns round when the sides are swapped", (t) => {
  const opposite = { better: "worse", worse: "better", same: "same" } as const;
  const runs = array(array(double({ min: 1, max: 4, noNaN: true }), { minLength: 1, maxLength: 5 }), {
    minLength: 1,
    maxLength: 3,
  });
  const law = property(runs, runs, (a, b) => compareRuns(a, b).verdict === opposite[compareRuns(b, a).verdict]);
  t.notThrows(() => assert(law, { numRuns: 500 }));
});

test("the same distribution measured twice is seldom called a change", (t) => {
  let state = 12345;
  const random = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  // processes differ by up to 8 %, samples of one process by up to 15 %, one sample in twenty takes three times as long
  const side = (): readonly (readonly number[])[] =>
    [0, 1, 2].map(() => {
      const own = 10 * (1 + 0.08 * random());
      return Array.from({ length: 30 }, () => own * (1 + 0.15 * random()) * (random() < 0.05 ? 3 : 1));
    });
  const changes = Array.from({ length: 1000 }, () => compareRuns(side(), side()).verdict).filter(
    (each) => each !== "same",
  );
  t.true(changes.length <= 2, `${changes.length} false alarms in 1000`);
});
