import { median, quantile } from "../src/cli/statistics.ts";

/** What samples say at a glance; `spread` is the distance of the quartiles as a share of the median. */
export interface Summary {
  readonly count: number;
  readonly min: number;
  readonly median: number;
  readonly p99: number;
  readonly spread: number;
}

/** Summarizes samples of one unit. */
export function summarize(samples: readonly number[]): Summary {
  const middle = median(samples);
  return {
    count: samples.length,
    min: quantile(samples, 0),
    median: middle,
    p99: quantile(samples, 0.99),
    spread: (quantile(samples, 0.75) - quantile(samples, 0.25)) / middle,
  };
}

/** A power law `y = factor · x^exponent`, and how much of the variance of log y it explains (1: all points lie on it). */
export interface PowerLaw {
  readonly exponent: number;
  readonly factor: number;
  readonly explained: number;
}

const mean = (list: readonly number[]): number => list.reduce((sum, each) => sum + each, 0) / list.length;

/** The least-squares line through (log x, log y): an exponent of 1 is linear growth. At least two points with x, y > 0. */
export function fitPowerLaw(points: readonly (readonly [x: number, y: number])[]): PowerLaw {
  const xs = points.map(([x]) => Math.log(x));
  const ys = points.map(([, y]) => Math.log(y));
  const [mx, my] = [mean(xs), mean(ys)];
  const sum = (of: (x: number, y: number) => number): number => mean(xs.map((x, i) => of(x - mx, (ys[i] ?? my) - my)));
  const exponent = sum((x, y) => x * y) / sum((x) => x * x);
  const factor = Math.exp(my - exponent * mx);
  const all = sum((_, y) => y * y);
  const left = sum((x, y) => (y - exponent * x) ** 2);
  return { exponent, factor, explained: all === 0 ? 1 : 1 - left / all };
}
