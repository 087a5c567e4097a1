import type { Tuple } from "../entry.ts";
import type { Address } from "../packet.ts";
import { jhash2, swapBytes } from "./jhash.ts";

/** Which end of a tuple a decision changes: sources in POSTROUTING and INPUT, destinations in PREROUTING and OUTPUT. */
export type Manip = "source" | "destination";

/** What a NAT target allows (`struct nf_nat_range2`); what is undefined stays as it is. All have one shape: spreads for each part made a third of what a new flow costs. */
export interface Range {
  readonly addresses: { readonly from: Address; readonly to: Address } | undefined;
  readonly ports: { readonly from: number; readonly to: number } | undefined;
  /** The port that the first of the range stands for (`80-90/100`). */
  readonly base: number | undefined;
  /** `--random` or `--random-fully`. */
  readonly random: boolean;
  readonly persistent: boolean;
}

function compare(a: Address, b: Address): number {
  if (typeof a === "number" || typeof b === "number") return Number(a) - Number(b);
  for (let i = 0; i < 4; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}

function addressIn(address: Address, range: Range): boolean {
  const { addresses } = range;
  return addresses === undefined || (compare(address, addresses.from) >= 0 && compare(address, addresses.to) <= 0);
}

/** `l4proto_in_range`: protocols without ports or identifiers are always in. */
export function portIn(tuple: Tuple, manip: Manip, ports: { readonly from: number; readonly to: number }): boolean {
  const key = portKey(tuple, manip);
  if (key === undefined) return true;
  const port = tuple[key];
  return port >= ports.from && port <= ports.to;
}

/** Which field holds the number that a decision may change: an identifier for ICMP, whatever the direction. */
export function portKey(tuple: Tuple, manip: Manip): "sport" | "dport" | undefined {
  switch (tuple.protocol) {
    case 1:
    case 58:
      return "sport";
    case 6:
    case 17:
    case 132:
    case 136:
      return manip === "source" ? "sport" : "dport";
    default:
      return undefined;
  }
}

/** `nf_in_range`: is the tuple's source as the range wants it? */
export function sourceIn(tuple: Tuple, range: Range): boolean {
  return addressIn(tuple.src, range) && (range.ports === undefined || portIn(tuple, "source", range.ports));
}

const words = (address: Address): readonly number[] => (typeof address === "number" ? [address] : address);

/**
 * `find_best_ips_proto`: the address of a range for a flow, by a hash of its source and, unless the range is persistent, its
 * destination (kernel-semantics §3.6).
 */
export function pickAddress(tuple: Tuple, range: Range, manip: Manip, zone: number): Address {
  const current = manip === "source" ? tuple.src : tuple.dst;
  const { addresses } = range;
  if (addresses === undefined) return current;
  const { from, to } = addresses;
  if (compare(from, to) === 0) return from;
  const first = words(from);
  const last = words(to);
  const destination = words(tuple.dst).map(swapBytes);
  const sourceWords = words(tuple.src).map(swapBytes);
  // the kernel hashes four words for both families; those behind an IPv4 address are zero
  while (sourceWords.length < 4) sourceWords.push(0);
  const initial = range.persistent ? 0 : ((destination[first.length - 1] ?? 0) ^ zone) >>> 0;
  let j = jhash2(sourceWords, initial);
  const picked: number[] = [];
  let fullRange = false;
  for (let i = 0; i < first.length; i++) {
    const lowest = fullRange ? 0 : (first[i] as number);
    const count = fullRange ? 0xffffffff : (last[i] as number) - lowest + 1;
    const word = (lowest + Number((BigInt(j) * BigInt(count >>> 0)) >> 32n)) >>> 0;
    picked.push(word);
    if (word !== last[i]) fullRange = true;
    // the destination of a changed destination is the one just picked
    const mixed = manip === "destination" ? swapBytes(word) : (destination[i] as number);
    if (!range.persistent) j = (j ^ mixed) >>> 0;
  }
  return typeof from === "number"
    ? (picked[0] as number)
    : [picked[0] ?? 0, picked[1] ?? 0, picked[2] ?? 0, picked[3] ?? 0];
}
