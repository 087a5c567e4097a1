import type { LimitMatch } from "../../rules/iptables/matches/limit.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";
import { askUnknown } from "./not-modelled.ts";

/** XT_LIMIT_SCALE: units of `period` a second. */
const SCALE = 10_000;
/** CREDITS_PER_JIFFY × HZ: 32000 for HZ of 250 and 1000 (25600 for 100). */
const CREDITS_PER_SECOND = 32_000;
const CREDITS_PER_MILLISECOND = CREDITS_PER_SECOND / 1000;

interface Bucket {
  /** Milliseconds of the host's clock. */
  readonly at: number;
  /** Of xt_limit.c: in credits. */
  readonly credit: number;
  /** Of nft_limit.c, in nanoseconds. */
  readonly tokens: number;
}

/** `user2credits` with its 32-bit arithmetic: large products are divided first, which cuts them to whole seconds. */
function user2credits(user: number): number {
  if (user > Math.floor(0xffffffff / CREDITS_PER_SECOND)) return (Math.floor(user / SCALE) * CREDITS_PER_SECOND) >>> 0;
  return Math.floor((user * CREDITS_PER_SECOND) / SCALE);
}

const NANOSECONDS = 1_000_000_000;
const NFT_DEFAULT_BURST = 5;
const UNITS = [86_400, 3600, 60, 1];

/**
 * Nanoseconds that one packet costs on the nf_tables back end: iptables-nft hands the kernel a whole number of packets for the
 * smallest unit that gives one, or nearly so, as it prints the rate.
 */
function nanosecondsAPacket(period: number): number {
  let i = 1;
  for (; i < UNITS.length; i++) {
    const scale = (UNITS[i] as number) * SCALE;
    if (period > scale || Math.floor(scale / period) < scale % period) break;
  }
  const unit = UNITS[i - 1] as number;
  return Math.floor((unit * NANOSECONDS) / Math.floor((unit * SCALE) / period));
}

/**
 * `-m limit`: a token bucket that is full when the rule is loaded. The two back ends calculate each in its own way
 * (`limit_mt`: credits a jiffy; `nft_limit_eval`: nanoseconds); where they differ the answer is left to the chooser. Time
 * passes in steps of a millisecond, as with HZ = 1000; a kernel with a slower tick sees it up to a tick (10 ms) late.
 */
export function limitMatches(walk: Walk, skb: Skb, match: LimitMatch): boolean {
  const { state } = walk;
  const { period } = match;
  const burst = match.burst === 0 ? NFT_DEFAULT_BURST : match.burst;
  const cap = user2credits((period * burst) % 2 ** 32);
  const cost = user2credits(period);
  const price = nanosecondsAPacket(period);
  const bucket = state.ofRule.get(match) as Bucket | undefined;
  const passed = bucket === undefined ? 0 : state.now - bucket.at;
  const credit = bucket === undefined ? cap : Math.min(cap, bucket.credit + passed * CREDITS_PER_MILLISECOND);
  const tokens = bucket === undefined ? price * burst : Math.min(price * burst, bucket.tokens + passed * 1_000_000);
  const nft = tokens >= price;
  // xt_limit refuses to load these, so the rule can only be one of nf_tables
  const refused = match.burst === 0 || cap < cost;
  const legacy = refused ? nft : credit >= cost;
  state.put<object, unknown>(state.ofRule, match, {
    at: state.now,
    credit: legacy && !refused ? credit - cost : credit,
    tokens: nft ? tokens - price : tokens,
  } satisfies Bucket);
  if (legacy === nft) return legacy;
  if (walk.host.backend !== undefined) return walk.host.backend === "nft" ? nft : legacy;
  return askUnknown(walk, skb, "-m limit lets the packet pass, where legacy and nf_tables back end round differently");
}
