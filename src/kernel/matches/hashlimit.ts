import type { HashlimitMatch } from "../../rules/iptables/matches/hashlimit.ts";
import { hashlimitModes } from "../../rules/iptables/matches/hashlimit.ts";
import type { ByteRate, HashlimitRate, PacketRate } from "../../rules/iptables/matches/hashlimit-rate.ts";
import { prefixMask } from "../../rules/iptables/values.ts";
import { type Address, hasPorts } from "../packet.ts";
import { packetLength } from "../packet-length.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";
import { maskedBits } from "./address.ts";
import { askUnknown } from "./not-modelled.ts";
import { matchesByName } from "./rules-by-name.ts";

/** The bucket of one key (`struct dsthash_ent`); times in milliseconds of the host's clock. */
interface Bucket {
  readonly at: number;
  readonly expires: number;
  readonly credit: bigint;
  /** Bytes: how many times more an empty bucket is filled at once. */
  readonly refills: number;
}

/**
 * Credits of a packet rate: CREDITS_PER_JIFFY × HZ is 1000 × 2^37 for HZ of 250 and 1000, and the price of a microsecond is that
 * divided by a million and cut.
 */
const CREDITS_PER_MILLISECOND = 2n ** 37n;
const CREDITS_PER_MICROSECOND = (1000n * CREDITS_PER_MILLISECOND) / 1_000_000n;
const UINT64 = 64;

/** Of a byte rate: CREDITS_PER_JIFFY_BYTES × HZ a second, which is also all that a bucket holds. */
const BYTE_CREDITS_PER_MILLISECOND = 2n ** 22n;
const BYTE_CREDITS = 1000n * BYTE_CREDITS_PER_MILLISECOND;

const key = (family: string, name: string): string => `hashlimit ${family} ${name}`;

function packetCredits(microseconds: bigint): bigint {
  return BigInt.asUintN(UINT64, microseconds * CREDITS_PER_MICROSECOND);
}

const packetCap = ({ period, burst }: PacketRate): bigint => packetCredits(BigInt(period) * BigInt(burst));

/** `rateinfo_init` */
function fullBucket(rate: HashlimitRate, now: number, expire: number): Bucket {
  const full = rate.unit === "packets" ? packetCap(rate) : BYTE_CREDITS;
  return { at: now, expires: now + expire, credit: full, refills: rate.unit === "bytes" ? rate.burst : 0 };
}

/** `rateinfo_recalc`: what has flown in since. */
function refilled(bucket: Bucket, rate: HashlimitRate, now: number, expire: number): Bucket {
  const passed = BigInt(now - bucket.at);
  const packets = rate.unit === "packets";
  const cap = packets ? packetCap(rate) : BYTE_CREDITS;
  const sum = bucket.credit + passed * (packets ? CREDITS_PER_MILLISECOND : BYTE_CREDITS_PER_MILLISECOND);
  const credit = passed === 0n ? bucket.credit : sum > cap ? cap : sum;
  return { ...bucket, at: now, expires: now + expire, credit };
}

/** `hashlimit_byte_cost`: sixteens of bytes, at most a whole bucket. */
function byteCost(skb: Skb, { cost }: ByteRate): bigint {
  const perChunk = (BigInt(cost) * BYTE_CREDITS) >> 32n;
  const price = BigInt((packetLength(skb) >> 4) + 1) * perChunk;
  return price > BYTE_CREDITS ? BYTE_CREDITS : price;
}

/** Takes a packet out of a bucket where it has enough; `within` says whether it had. */
function spend(bucket: Bucket, skb: Skb, rate: HashlimitRate): { within: boolean; after: Bucket } {
  if (rate.unit === "packets") {
    const cost = packetCredits(BigInt(rate.period));
    const within = bucket.credit >= cost;
    return { within, after: within ? { ...bucket, credit: bucket.credit - cost } : bucket };
  }
  const cost = byteCost(skb, rate);
  const refill = bucket.credit < cost && bucket.refills > 0;
  const filled = refill ? { ...bucket, credit: BYTE_CREDITS, refills: bucket.refills - 1 } : bucket;
  const within = filled.credit >= cost;
  return { within, after: within ? { ...filled, credit: filled.credit - cost } : filled };
}

/** `hashlimit_init_dst`: the parts of the key that the mode asks for; `undefined` when one of them is not known. */
function bucketKey(skb: Skb, match: HashlimitMatch): string | undefined {
  const { mode } = match;
  const part = (bit: number, address: Address, length: number | undefined): Address | "" => {
    if ((mode & bit) === 0) return "";
    return length === undefined ? address : maskedBits(address, prefixMask(skb.family, length));
  };
  const source = part(hashlimitModes.srcip, skb.src, match.sourceLength);
  const destination = part(hashlimitModes.dstip, skb.dst, match.destinationLength);
  const sourcePort = (mode & hashlimitModes.srcport) !== 0;
  const destinationPort = (mode & hashlimitModes.dstport) !== 0;
  if ((sourcePort || destinationPort) && !portsAreKnown(skb, sourcePort, destinationPort)) return undefined;
  const ports = hasPorts(skb.protocol);
  const sport = sourcePort && ports ? skb.sport : 0;
  const dport = destinationPort && ports ? skb.dport : 0;
  return `${source} ${destination} ${sport} ${dport}`;
}

/** ESP and AH put part of their index where others have ports, and a later fragment has whatever stands there. */
function portsAreKnown(skb: Skb, source: boolean, destination: boolean): boolean {
  if (skb.protocol === 50 || skb.protocol === 51) return false;
  if (skb.fragmentOffset !== 0 && hasPorts(skb.protocol)) return false;
  return !(source && skb.sportChoice !== undefined) && !(destination && skb.dportChoice !== undefined);
}

/** Do all rules that share a table ask for the same? Otherwise the one that was loaded first decides for all. */
function isAlone(walk: Walk, skb: Skb, match: HashlimitMatch): boolean {
  const sharing = matchesByName(walk.host.rules).hashlimit[skb.family].get(match.name);
  if (sharing === undefined || sharing.length === 1) return true;
  const asked = (each: HashlimitMatch): string => JSON.stringify({ ...each, operator: "" });
  const own = asked(match);
  return sharing.every((each) => asked(each) === own);
}

/**
 * `hashlimit_mt`: a bucket for each key, full when its first packet comes. One that has not been used for `expire` is forgotten
 * when the kernel next looks for such, at most `gcInterval` later; until then it is not known whether it is still there. Nor is
 * the answer with --hashlimit-rate-match, or where the table may be full (--hashlimit-htable-max).
 */
export function hashlimitMatches(walk: Walk, skb: Skb, match: HashlimitMatch): boolean {
  const above = match.operator === "above";
  const bucketOf = match.rateInterval === undefined && match.max === 0 ? bucketKey(skb, match) : undefined;
  if (bucketOf === undefined || !isAlone(walk, skb, match)) {
    return askUnknown(walk, skb, `-m hashlimit finds the packet within the rate of ${match.name}`) !== above;
  }
  const { state } = walk;
  const place = `${key(skb.family, match.name)} ${bucketOf}`;
  const before = state.ofName.get(place) as Bucket | undefined;
  const full = fullBucket(match.rate, state.now, match.expire);
  const bucket = before === undefined ? full : survivor(walk, skb, match, before, full);
  const { within, after } = spend(bucket, skb, match.rate);
  state.put<string, unknown>(state.ofName, place, after);
  return within !== above;
}

/** What a known bucket is now: refilled, or new where it has been forgotten. */
function survivor(walk: Walk, skb: Skb, match: HashlimitMatch, before: Bucket, full: Bucket): Bucket {
  const { now } = walk.state;
  const kept = refilled(before, match.rate, now, match.expire);
  if (now < before.expires || (kept.credit === full.credit && kept.refills === full.refills)) return kept;
  if (now > before.expires + match.gcInterval) return full;
  return askUnknown(walk, skb, `the unused bucket of ${match.name} has been forgotten already`) ? full : kept;
}
