/** A closed range of whole numbers, `from` ≤ `to`: addresses of either family, ports, types. */
export interface Interval {
  readonly from: bigint;
  readonly to: bigint;
}

/** A set of whole numbers: its intervals in ascending order, none of which touches another. Equal sets have equal lists. */
export type IntervalSet = readonly Interval[];

export const emptyIntervals: IntervalSet = [];

/** All numbers of `from` … `to`; none when `to` is less. */
export function interval(from: bigint, to: bigint = from): IntervalSet {
  return from > to ? emptyIntervals : [{ from, to }];
}

/** The set of any intervals: in any order, overlapping or not. */
export function intervalsOf(given: readonly Interval[]): IntervalSet {
  const sorted = given.filter(({ from, to }) => from <= to).sort((a, b) => (a.from < b.from ? -1 : 1));
  const merged: { from: bigint; to: bigint }[] = [];
  for (const { from, to } of sorted) {
    const last = merged.at(-1);
    if (last === undefined || from > last.to + 1n) merged.push({ from, to });
    else if (to > last.to) last.to = to;
  }
  return merged;
}

export function unionOf(a: IntervalSet, b: IntervalSet): IntervalSet {
  if (a.length === 0) return b;
  return b.length === 0 ? a : intervalsOf([...a, ...b]);
}

export function intersectionOf(a: IntervalSet, b: IntervalSet): IntervalSet {
  const common: Interval[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const [left, right] = [a[i] as Interval, b[j] as Interval];
    const from = left.from > right.from ? left.from : right.from;
    const to = left.to < right.to ? left.to : right.to;
    if (from <= to) common.push({ from, to });
    if (left.to < right.to) i++;
    else j++;
  }
  return common;
}

/** What is in `a` and not in `b`; the complement of a set is the difference of its universe and it. */
export function differenceOf(a: IntervalSet, b: IntervalSet): IntervalSet {
  const rest: Interval[] = [];
  let j = 0;
  for (const { from, to } of a) {
    let next = from;
    while (j < b.length && (b[j] as Interval).to < from) j++;
    for (let k = j; k < b.length && (b[k] as Interval).from <= to; k++) {
      const hole = b[k] as Interval;
      if (hole.from > next) rest.push({ from: next, to: hole.from - 1n });
      next = hole.to + 1n;
    }
    if (next <= to) rest.push({ from: next, to });
  }
  return rest;
}

export function containsValue(set: IntervalSet, value: bigint): boolean {
  let [low, high] = [0, set.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const { from, to } = set[middle] as Interval;
    if (value < from) high = middle - 1;
    else if (value > to) low = middle + 1;
    else return true;
  }
  return false;
}

/** Is every number of `a` in `b`? */
export function isWithin(a: IntervalSet, b: IntervalSet): boolean {
  if (a === b || a.length === 0) return true;
  const [first, last] = [b[0], b.at(-1)];
  if (first === undefined || last === undefined) return false;
  if ((a[0] as Interval).from < first.from || (a.at(-1) as Interval).to > last.to) return false;
  return differenceOf(a, b).length === 0;
}

/** Have the sets a number in common? Fast where one of them is a single interval. */
export function overlaps(a: IntervalSet, b: IntervalSet): boolean {
  const [few, many] = a.length < b.length ? [a, b] : [b, a];
  return few.some(({ from, to }) => {
    let [low, high] = [0, many.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((many[middle] as Interval).to < from) low = middle + 1;
      else high = middle;
    }
    const next = many[low];
    return next !== undefined && next.from <= to;
  });
}

export function sameIntervals(a: IntervalSet, b: IntervalSet): boolean {
  return a === b || (a.length === b.length && a.every(({ from, to }, i) => b[i]?.from === from && b[i]?.to === to));
}

/** How many numbers a set has. */
export function countOf(set: IntervalSet): bigint {
  return set.reduce((sum, { from, to }) => sum + to - from + 1n, 0n);
}

/** The numbers of `bits` bits that begin as `value` does in their first `length` bits. */
export function prefixInterval(value: bigint, length: number, bits: number): Interval {
  const rest = BigInt(bits - length);
  const from = (value >> rest) << rest;
  return { from, to: from + (1n << rest) - 1n };
}

/** The fewest prefixes of numbers of `bits` bits that make up an interval, in ascending order. */
export function prefixesOf(
  { from, to }: Interval,
  bits: number,
): readonly { readonly value: bigint; readonly length: number }[] {
  const prefixes: { value: bigint; length: number }[] = [];
  for (let next = from; next <= to; ) {
    let size = 0;
    while (size < bits) {
      const block = 1n << BigInt(size + 1);
      if (next % block !== 0n || next + block - 1n > to) break;
      size++;
    }
    prefixes.push({ value: next, length: bits - size });
    next += 1n << BigInt(size);
  }
  return prefixes;
}
