import type { ModuleOptions, RuleModule } from "../module.ts";
import { not, type Option, option } from "../syntax.ts";
import { parseNumber } from "../values.ts";

/** `-m statistic --mode random`: true for `threshold` of 2^31 random numbers. */
export interface StatisticRandom {
  readonly kind: "statistic";
  readonly mode: "random";
  readonly negated: boolean;
  /** 0 … 2^31 */
  readonly threshold: number;
}

/** `-m statistic --mode nth`: true for the tested packets `packet`, `packet + every`, … counted from 0. */
export interface StatisticNth {
  readonly kind: "statistic";
  readonly mode: "nth";
  readonly negated: boolean;
  readonly every: number;
  readonly packet: number;
}

export type StatisticMatch = StatisticRandom | StatisticNth;

const ONE = 0x80000000;
const DECIMAL = /^(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][-+]?[0-9]{1,3})?$/;

/**
 * `lround(0x80000000 * strtod(text))` of libxt_statistic.c for a text of 0 … 1. The product with a power of two is exact, so
 * rounding half away from zero is all that happens.
 */
export function parseProbability(text: string): number | undefined {
  if (!DECIMAL.test(text)) return undefined;
  const probability = Number(text);
  if (probability > 1) return undefined;
  return Math.floor(probability * ONE + 0.5);
}

const SCALE = 100_000_000_000n;

/** `%.11f` of threshold / 2^31, which is exact in a double: halves to even, in integers. */
export function formatProbability(threshold: number): string {
  const scaled = BigInt(threshold) * SCALE;
  const divisor = BigInt(ONE);
  let quotient = scaled / divisor;
  const twice = (scaled % divisor) * 2n;
  if (twice > divisor || (twice === divisor && quotient % 2n === 1n)) quotient += 1n;
  const digits = quotient.toString().padStart(12, "0");
  return `${digits.slice(0, -11)}.${digits.slice(-11)}`;
}

function parse(options: ModuleOptions): StatisticMatch | undefined {
  const mode = options.need(
    "--mode",
    (text) => (text === "random" || text === "nth" ? text : undefined),
    "random or nth",
  );
  if (mode === undefined) return undefined;
  if (mode === "random") {
    if (options.has("--every") || options.has("--packet")) return options.fail("--every and --packet need --mode nth");
    const threshold = options.need("--probability", parseProbability, "a number of 0 to 1");
    return threshold === undefined
      ? undefined
      : { kind: "statistic", mode, negated: options.negated("--probability"), threshold };
  }
  if (options.has("--probability")) return options.fail("--probability needs --mode random");
  const every = options.need("--every", (text) => parseNumber(text, 0xffffffff) || undefined, "a number of 1 or more");
  if (every === undefined) return undefined;
  const packet = options.need("--packet", (text) => parseNumber(text, every - 1), `a number of 0 to ${every - 1}`);
  return packet === undefined
    ? undefined
    : { kind: "statistic", mode, negated: options.negated("--every"), every, packet };
}

function format(match: StatisticMatch): readonly Option[] {
  const mode = option("--mode", match.mode);
  const value =
    match.mode === "random"
      ? option("--probability", formatProbability(match.threshold))
      : option("--every", `${match.every}`);
  const main = [mode, match.negated ? not(value) : value];
  return match.mode === "nth" ? [...main, option("--packet", `${match.packet}`)] : main;
}

export const statisticModule: RuleModule<StatisticMatch> = {
  kind: "statistic",
  negatable: ["--probability", "--every"],
  parse,
  format,
};
