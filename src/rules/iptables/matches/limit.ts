import type { RuleModule } from "../module.ts";
import { option } from "../syntax.ts";
import { parseNumber } from "../values.ts";

/** `-m limit`: a token bucket that is full at first. */
export interface LimitMatch {
  readonly kind: "limit";
  /** One token comes in every `period` / 10000 seconds. */
  readonly period: number;
  readonly burst: number;
}

/** XT_LIMIT_SCALE */
const SCALE = 10_000;
const DEFAULT_BURST = 5;
const units = [
  ["day", 86_400 * SCALE],
  ["hour", 3600 * SCALE],
  ["min", 60 * SCALE],
  ["sec", SCALE],
] as const;
const longNames = ["day", "hour", "minute", "second"] as const;

/** `parse_rate` of libxt_limit.c: a unit may be shortened to any beginning; the period is cut to a whole number. */
function parseRate(text: string): number | undefined {
  const slash = text.indexOf("/");
  const count = parseNumber(slash < 0 ? text : text.slice(0, slash), 0xffffffff);
  const unit = slash < 0 ? "second" : text.slice(slash + 1).toLowerCase();
  const index = unit === "" ? -1 : longNames.findIndex((name) => name.startsWith(unit));
  const scale = units[index]?.[1];
  if (count === undefined || count === 0 || scale === undefined) return undefined;
  const period = Math.floor(scale / count);
  return period === 0 ? undefined : period;
}

/** `print_rate`: the smallest unit in which the rate is a whole number, or nearly so. */
function formatRate(period: number): string {
  let i = 1;
  for (; i < units.length; i++) {
    const scale = (units[i] as readonly [string, number])[1];
    if (period > scale || Math.floor(scale / period) < scale % period) break;
  }
  const [name, scale] = units[i - 1] as readonly [string, number];
  return `${Math.floor(scale / period)}/${name}`;
}

export const limitModule: RuleModule<LimitMatch> = {
  kind: "limit",
  negatable: [],
  parse: (options) => {
    const period = options.has("--limit")
      ? options.read("--limit", parseRate, "a rate such as 3/hour")
      : units[1][1] / 3;
    const burst = options.read("--limit-burst", (text) => parseNumber(text, 10_000), "a number of 0 to 10000");
    return period === undefined ? undefined : { kind: "limit", period, burst: burst ?? DEFAULT_BURST };
  },
  format: (match) => [
    option("--limit", formatRate(match.period)),
    ...(match.burst === DEFAULT_BURST ? [] : [option("--limit-burst", `${match.burst}`)]),
  ],
};
