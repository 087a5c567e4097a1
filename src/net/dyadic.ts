/**
 * An exact fraction `numerator / 2^exponent`, in lowest terms: chances of what Linux draws from 31 random bits are of this
 * kind, and so are their products and sums.
 */
export interface Dyadic {
  readonly numerator: bigint;
  /** 0 or more; the numerator is odd unless this is 0. */
  readonly exponent: number;
}

export const zeroDyadic: Dyadic = { numerator: 0n, exponent: 0 };
export const oneDyadic: Dyadic = { numerator: 1n, exponent: 0 };

/** `numerator / 2^exponent` in lowest terms; `exponent` is not negative. */
export function dyadic(numerator: bigint, exponent: number): Dyadic {
  if (numerator === 0n) return zeroDyadic;
  let top = numerator;
  let power = exponent;
  while (power >= 32 && (top & 0xffffffffn) === 0n) {
    top >>= 32n;
    power -= 32;
  }
  while (power > 0 && (top & 1n) === 0n) {
    top >>= 1n;
    power--;
  }
  return { numerator: top, exponent: power };
}

export function addDyadic(a: Dyadic, b: Dyadic): Dyadic {
  const exponent = Math.max(a.exponent, b.exponent);
  const scaled = (term: Dyadic): bigint => term.numerator << BigInt(exponent - term.exponent);
  return dyadic(scaled(a) + scaled(b), exponent);
}

export function multiplyDyadic(a: Dyadic, b: Dyadic): Dyadic {
  return dyadic(a.numerator * b.numerator, a.exponent + b.exponent);
}

/** How far two fractions are apart. */
export function distanceDyadic(a: Dyadic, b: Dyadic): Dyadic {
  const exponent = Math.max(a.exponent, b.exponent);
  const scaled = (term: Dyadic): bigint => term.numerator << BigInt(exponent - term.exponent);
  const apart = scaled(a) - scaled(b);
  return dyadic(apart < 0n ? -apart : apart, exponent);
}

/** Is the first fraction the greater one? */
export function isGreaterDyadic(a: Dyadic, b: Dyadic): boolean {
  const exponent = Math.max(a.exponent, b.exponent);
  return a.numerator << BigInt(exponent - a.exponent) > b.numerator << BigInt(exponent - b.exponent);
}

/** Are the fractions the same? Both are in lowest terms. */
export function equalDyadic(a: Dyadic, b: Dyadic): boolean {
  return a.numerator === b.numerator && a.exponent === b.exponent;
}

/** `1`, or `715827883/2^31`. */
export function formatDyadic({ numerator, exponent }: Dyadic): string {
  return exponent === 0 ? `${numerator}` : `${numerator}/2^${exponent}`;
}

/** The nearest number that a double holds, or a neighbour of it; 0 for fractions too small for one. */
export function dyadicToNumber({ numerator, exponent }: Dyadic): number {
  const digits = numerator.toString(2).length;
  const surplus = Math.max(0, digits - 64);
  return Number(numerator >> BigInt(surplus)) * 2 ** (surplus - exponent);
}
