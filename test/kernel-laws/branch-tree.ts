import type { Branch } from "../../src/kernel/chooser/explore.ts";
import type { Result } from "../../src/kernel/outcome.ts";
import type { Dyadic } from "../../src/net/dyadic.ts";

/** Fates and their chances. */
export type Distribution = ReadonlyMap<string, Dyadic>;

/** More than this are not told apart. */
const MAX_DISTRIBUTIONS = 64;

/** A fate as the verdict tells them apart: where the packet ends and what it looks like there. */
export function textOf({ outcome, packet }: Result): string {
  const { src, dst, sport, dport, icmpId } = packet;
  const looks = `${src} ${dst} ${sport} ${dport} ${icmpId}`;
  if (outcome.kind === "delivered") return `delivered by ${outcome.inInterface}: ${looks}`;
  if (outcome.kind === "transmitted") return `transmitted by ${outcome.outInterface}: ${looks}`;
  if (outcome.kind === "rejected") return `rejected ${outcome.with}`;
  return outcome.kind === "unknown" ? `unknown ${outcome.what.what}` : outcome.kind;
}

/** Lowest terms, by the slow way. */
function reduced(numerator: bigint, exponent: number): Dyadic {
  let [top, power] = [numerator, exponent];
  while (power > 0 && top % 2n === 0n) [top, power] = [top / 2n, power - 1];
  return { numerator: top, exponent: power };
}

export function sumOf(terms: readonly Dyadic[]): Dyadic {
  const exponent = Math.max(0, ...terms.map((term) => term.exponent));
  const sum = terms.reduce((total, term) => total + term.numerator * 2n ** BigInt(exponent - term.exponent), 0n);
  return reduced(sum, exponent);
}

type Ways = readonly Branch<Result>[];

/** The ways by their answer to the question that all of them are asked after `depth` others; none where they end. */
function groups(ways: Ways, depth: number): { readonly kind: string; readonly ways: readonly Ways[] } | undefined {
  const first = ways[0]?.script[depth];
  if (first === undefined) return undefined;
  const found = new Map<string, Branch<Result>[]>();
  for (const way of ways) {
    const answer = way.script[depth];
    const key = answer?.kind === "share" ? `${answer.index}` : `${answer?.yes}`;
    found.set(key, [...(found.get(key) ?? []), way]);
  }
  return { kind: first.kind, ways: [...found.values()] };
}

/** What the ways add up to under each set of assumptions, without repetitions. */
export function totals(ways: Ways, depth = 0): readonly Dyadic[] {
  const next = groups(ways, depth);
  if (next === undefined) return ways.map(({ probability }) => probability);
  const parts = next.ways.map((each) => totals(each, depth + 1));
  const all = next.kind === "unknown" ? parts.flat() : combine(parts).map(sumOf);
  return [...new Map(all.map((sum) => [`${sum.numerator}/${sum.exponent}`, sum])).values()];
}

/** One of each list, in every way. */
function combine<T>(lists: readonly (readonly T[])[]): T[][] {
  return lists.reduce<T[][]>((found, list) => found.flatMap((begun) => list.map((each) => [...begun, each])), [[]]);
}

/** The chances of the fates under each set of assumptions, each as one text; `undefined` when there are too many. */
export function distributions(ways: Ways, depth = 0): ReadonlyMap<string, Distribution> | undefined {
  const next = groups(ways, depth);
  if (next === undefined) return keyed(ways.map(({ value, probability }) => new Map([[textOf(value), probability]])));
  const parts: Distribution[][] = [];
  for (const each of next.ways) {
    const part = distributions(each, depth + 1);
    if (part === undefined) return undefined;
    parts.push([...part.values()]);
  }
  const many = parts.reduce((product, part) => product * part.length, 1);
  if (many > MAX_DISTRIBUTIONS) return undefined;
  return keyed(next.kind === "unknown" ? parts.flat() : combine(parts).map(merged));
}

function merged(parts: readonly Distribution[]): Distribution {
  const fates = new Map<string, Dyadic[]>();
  for (const part of parts) for (const [fate, share] of part) fates.set(fate, [...(fates.get(fate) ?? []), share]);
  return new Map([...fates].map(([fate, shares]) => [fate, sumOf(shares)]));
}

function keyed(all: readonly Distribution[]): ReadonlyMap<string, Distribution> {
  return new Map(
    all.map((each) => {
      const text = [...each].map(([fate, { numerator, exponent }]) => `${fate}: ${numerator}/2^${exponent}`);
      return [text.sort().join("; "), each];
    }),
  );
}
