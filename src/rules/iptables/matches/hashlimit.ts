import { defined, flagOption, type ModuleOptions, type RuleModule } from "../module.ts";
import { type Option, option } from "../syntax.ts";
import { parseFlags, parseNumber } from "../values.ts";
import {
  type ByteRate,
  defaultExpire,
  formatRate,
  type HashlimitRate,
  parseBurst,
  parseByteRate,
  parsePacketRate,
} from "./hashlimit-rate.ts";

/** What a bucket's key is made of, in the order that iptables-save prints it. */
export const hashlimitModes = { srcip: 2, srcport: 8, dstip: 1, dstport: 4 } as const;

/** `-m hashlimit`: one token bucket for each key, in a table with a name. */
export interface HashlimitMatch {
  readonly kind: "hashlimit";
  /** `upto`: true within the rate; `above`: true beyond it. */
  readonly operator: "upto" | "above";
  readonly rate: HashlimitRate;
  /** Bits of `hashlimitModes`; 0: one bucket for all. */
  readonly mode: number;
  /** How many bits of an address count; without it all. */
  readonly sourceLength?: number;
  readonly destinationLength?: number;
  readonly name: string;
  /** Milliseconds after which an unused bucket is forgotten. */
  readonly expire: number;
  /** Milliseconds between two searches for such buckets. */
  readonly gcInterval: number;
  /** Rows and most entries of the table; 0: the kernel chooses. */
  readonly size: number;
  readonly max: number;
  /** With --hashlimit-rate-match: true by the measured rate, in intervals of so many seconds. */
  readonly rateInterval?: number;
}

const MAX_NAME = 254;
const DEFAULT_GC = 1000;
const modeNames = Object.fromEntries(
  Object.entries(hashlimitModes).map(([name, bit]) => [name.toUpperCase(), bit]),
) as Readonly<Record<string, number>>;

/** A list of key parts; libxt_hashlimit reads it with strtok, which passes over empty words. Lower case only. */
function parseMode(text: string): number | undefined {
  const words = text.split(",").filter((word) => word !== "");
  if (words.length === 0) return 0;
  return words.some((word) => word !== word.toLowerCase()) ? undefined : parseFlags(words.join(","), modeNames);
}

/** The rate and its burst, and how long its buckets are kept when nothing is said. */
function parseRate(options: ModuleOptions, flag: string): { rate: HashlimitRate; expire: number } | undefined {
  const text = options.text(flag) ?? "";
  const burst = options.read("--hashlimit-burst", parseBurst, "a number, or one with kb or mb");
  if (text.includes("b/s")) {
    const bytes = parseByteRate(text, burst);
    if (bytes === "unreadable") return options.unmodelled(`${flag} ${text.slice(0, 60)} is no rate such as 512kb/s`);
    if (typeof bytes === "string") return options.fail(`${flag} ${text.slice(0, 60)}: ${bytes}`);
    return { rate: bytes satisfies ByteRate, expire: defaultExpire(bytes) };
  }
  const packets = options.read(flag, (given) => parsePacketRate(given, burst ?? 5), "a rate such as 3/hour");
  if (packets !== undefined && (packets.rate.burst < 1 || packets.rate.burst > 1_000_000))
    return options.fail("--hashlimit-burst is a number of 1 to 1000000");
  return packets;
}

function parse(options: ModuleOptions): HashlimitMatch | undefined {
  if (!options.atMostOne("--hashlimit-upto", "--hashlimit-above")) return undefined;
  const flag = options.has("--hashlimit-upto") ? "--hashlimit-upto" : "--hashlimit-above";
  if (!options.has(flag)) return options.fail("--hashlimit-upto or --hashlimit-above is required");
  const rate = parseRate(options, flag);
  const text = (given: string): string | undefined =>
    given !== "" && given.length <= MAX_NAME && !given.includes("/") ? given : undefined;
  const name = options.need("--hashlimit-name", text, "a name without /");
  const positive = (given: string): number | undefined => parseNumber(given, 0xffffffff) || undefined;
  const interval = options.read("--hashlimit-rate-interval", positive, "a number of 1 or more");
  const full = options.family === "IPv4" ? 32 : 128;
  const prefix = (mask: string): number | undefined => {
    const length = options.maskLength(mask);
    return length === full ? undefined : length;
  };
  const expire = options.read("--hashlimit-htable-expire", positive, "a number of 1 or more");
  const gcInterval = options.read("--hashlimit-htable-gcinterval", positive, "a number of 1 or more");
  if (rate === undefined || name === undefined) return undefined;
  return defined<HashlimitMatch>({
    kind: "hashlimit",
    operator: (flag === "--hashlimit-upto") !== options.negated(flag) ? "upto" : "above",
    rate: rate.rate,
    mode: options.read("--hashlimit-mode", parseMode, "a list of srcip, srcport, dstip, dstport") ?? 0,
    sourceLength: prefix("--hashlimit-srcmask"),
    destinationLength: prefix("--hashlimit-dstmask"),
    name,
    expire: expire ?? rate.expire,
    gcInterval: gcInterval ?? DEFAULT_GC,
    size: options.number("--hashlimit-htable-size", 0xffffffff) ?? 0,
    max: options.number("--hashlimit-htable-max", 0xffffffff) ?? 0,
    rateInterval: options.has("--hashlimit-rate-match") ? (interval ?? 1) : undefined,
  });
}

function formatMode(mode: number): string {
  return Object.entries(hashlimitModes)
    .filter(([, bit]) => (mode & bit) !== 0)
    .map(([name]) => name)
    .join(",");
}

function format(match: HashlimitMatch): readonly Option[] {
  const { rate, burst, expire } = formatRate(match.rate);
  const number = (flag: string, value: number | undefined, usual: number | undefined): readonly Option[] =>
    value === usual ? [] : [option(flag, `${value}`)];
  return [
    option(`--hashlimit-${match.operator}`, rate),
    ...(burst === undefined ? [] : [option("--hashlimit-burst", burst)]),
    ...(match.mode === 0 ? [] : [option("--hashlimit-mode", formatMode(match.mode))]),
    option("--hashlimit-name", match.name),
    ...number("--hashlimit-htable-size", match.size, 0),
    ...number("--hashlimit-htable-max", match.max, 0),
    ...number("--hashlimit-htable-gcinterval", match.gcInterval, DEFAULT_GC),
    ...number("--hashlimit-htable-expire", match.expire, expire),
    ...number("--hashlimit-srcmask", match.sourceLength, undefined),
    ...number("--hashlimit-dstmask", match.destinationLength, undefined),
    ...flagOption("--hashlimit-rate-match", match.rateInterval !== undefined),
    ...number("--hashlimit-rate-interval", match.rateInterval ?? 1, 1),
  ];
}

export const hashlimitModule: RuleModule<HashlimitMatch> = {
  kind: "hashlimit",
  negatable: ["--hashlimit-upto", "--hashlimit-above"],
  parse,
  format,
};
