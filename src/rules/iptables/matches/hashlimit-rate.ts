import { parseNumber } from "../values.ts";

/** Packets: one token comes in every `period` microseconds; at most `burst` are kept. */
export interface PacketRate {
  readonly unit: "packets";
  readonly period: number;
  readonly burst: number;
}

/**
 * Bytes, as libxt_hashlimit hands them to the kernel: 16 bytes cost `cost` of the 2^32 - 1 credits that come in every
 * second; `burst` is a multiple of the rate, 0 when none was given.
 */
export interface ByteRate {
  readonly unit: "bytes";
  readonly cost: number;
  readonly burst: number;
}

export type HashlimitRate = PacketRate | ByteRate;

/** XT_HASHLIMIT_SCALE_v2 */
const SCALE = 1_000_000;
const units = [
  ["day", 86_400],
  ["hour", 3600],
  ["min", 60],
  ["sec", 1],
] as const;
const longNames = ["day", "hour", "minute", "second"] as const;

/**
 * `parse_rate` of libxt_hashlimit.c: a unit may be shortened to any beginning. How long buckets are kept follows from
 * the unit that was written, in milliseconds.
 */
export function parsePacketRate(text: string, burst: number): { rate: PacketRate; expire: number } | undefined {
  const slash = text.indexOf("/");
  const unit = slash < 0 ? "second" : text.slice(slash + 1).toLowerCase();
  const index = unit === "" ? -1 : longNames.findIndex((name) => name.startsWith(unit));
  const seconds = units[index]?.[1];
  // atoll: whatever stands behind the digits does not count
  const digits = /^[0-9]{1,18}/.exec(text)?.[0];
  const count = digits === undefined ? 0 : Number(digits);
  if (count === 0 || seconds === undefined) return undefined;
  const period = Math.floor((SCALE * seconds) / count);
  return period === 0 ? undefined : { rate: { unit: "packets", period, burst }, expire: seconds * 1000 };
}

const MAX_CREDITS = 0xffffffff;
/** XT_HASHLIMIT_BYTE_SHIFT: bytes are counted in sixteens. */
const CHUNK = 16;
const BYTES = /^([0-9]{1,10})([km]?)b\/s(?:ec(?:ond)?)?$/;
const MEGA = 1024 * 1024;
const KILO = 1024;

function factor(unit: string | undefined): number {
  return unit === "m" ? MEGA : unit === "k" ? KILO : 1;
}

function bytesToCost(bytes: number): number {
  return Math.floor(MAX_CREDITS / (Math.floor(bytes / CHUNK) + 1));
}

function costToBytes(cost: number): number {
  return (Math.floor(MAX_CREDITS / cost) - 1) * CHUNK;
}

/** `parse_bytes` and the check of the burst, in whole multiples of the rate. A text says what iptables refuses. */
export function parseByteRate(text: string, burst: number | undefined): ByteRate | string {
  const found = BYTES.exec(text);
  if (found === null) return "unreadable";
  const bytes = Number(found[1]) * factor(found[2]);
  if (bytes === 0) return "the rate is 0";
  const cost = bytesToCost(bytes);
  if (cost === 0) return "the rate is too high";
  if (burst === undefined) return { unit: "bytes", cost, burst: 0 };
  const rate = costToBytes(cost);
  if (rate === 0) return "unreadable";
  if (burst < rate) return `the burst cannot be smaller than ${rate}b`;
  return { unit: "bytes", cost, burst: Math.ceil(burst / rate) };
}

/** `N`, `Nkb` or `Nmb`. */
export function parseBurst(text: string): number | undefined {
  const found = /^(.*?)([km])b$/.exec(text);
  const count = parseNumber(found === null ? text : (found[1] as string), 0xffffffff);
  return count === undefined ? undefined : count * factor(found?.[2]);
}

/** How long buckets are kept when only a rate in bytes is given: XT_HASHLIMIT_BYTE_EXPIRE(_BURST), in milliseconds. */
export function defaultExpire(rate: ByteRate): number {
  return rate.burst > 0 ? 60_000 : 15_000;
}

/** A rate as iptables-save prints it, its burst, and the time to keep buckets that goes without saying. */
export interface RateText {
  readonly rate: string;
  readonly burst?: string;
  readonly expire: number;
}

/** `print_rate` and `print_bytes`. */
export function formatRate(rate: HashlimitRate): RateText {
  if (rate.unit === "bytes") return formatBytes(rate);
  let i = 1;
  for (; i < units.length; i++) {
    const scale = (units[i] as readonly [string, number])[1] * SCALE;
    if (rate.period > scale || Math.floor(scale / rate.period) < scale % rate.period) break;
  }
  const [name, seconds] = units[i - 1] as readonly [string, number];
  const count = Math.floor((seconds * SCALE) / rate.period);
  return { rate: `${count}/${name}`, burst: `${rate.burst}`, expire: seconds * 1000 };
}

function formatBytes(rate: ByteRate): RateText {
  const bytes = costToBytes(rate.cost);
  let unit = "";
  for (const name of ["m", "k"] as const) {
    // the mask of the original has 32 bits, the rate may have more
    const rounded = (bytes & ~(factor(name) - 1)) >>> 0;
    if (bytes >= factor(name) && bytesToCost(rounded) === rate.cost) {
      unit = name;
      break;
    }
  }
  const text = `${Math.floor(bytes / factor(unit))}${unit}b/s`;
  if (rate.burst === 0) return { rate: text, expire: defaultExpire(rate) };
  const most = bytes * rate.burst;
  const name = most >= MEGA ? "m" : most >= KILO ? "k" : "";
  const burst = `${Math.floor(most / factor(name))}${name}b`;
  return { rate: text, burst, expire: defaultExpire(rate) };
}
