import type { IPAddress } from "../../net/ip.ts";
import type { IPVSTable, RealServer, VirtualServer, VirtualServerKey } from "./model.ts";
import { familyOfKey } from "./spelling.ts";

type Compare<T> = (a: T, b: T) => number;

/**
 * The merge sort behind `qsort` of the C library that ipvsadm runs with (glibc up to 2.36): halves of n/2 and n − n/2, the left
 * one wins ties. Which sort it is matters, because ipvsadm's comparison is not an order of all addresses.
 */
function mergeSort<T>(items: readonly T[], compare: Compare<T>): readonly T[] {
  if (items.length < 2) return items;
  const sorted = [...items];
  sortRange(sorted, [...items], 0, items.length, compare);
  return sorted;
}

/** Sorts a part of a list; `spare` is as long as the list and makes copies of the halves needless. */
function sortRange<T>(list: T[], spare: T[], from: number, to: number, compare: Compare<T>): void {
  if (to - from < 2) return;
  const middle = from + ((to - from) >>> 1);
  sortRange(list, spare, from, middle, compare);
  sortRange(list, spare, middle, to, compare);
  for (let i = from; i < middle; i++) spare[i] = list[i] as T;
  let left = from;
  let right = middle;
  // what is left of the right half stands where it belongs
  for (let at = from; left < middle; at++) {
    const takesLeft = right === to || compare(spare[left] as T, list[right] as T) <= 0;
    list[at] = takesLeft ? (spare[left++] as T) : (list[right++] as T);
  }
}

/** The address as the four words of `union nf_inet_addr`: an IPv4 address is the first one. */
function wordsOf(address: IPAddress): readonly number[] {
  return address.family === "IPv4" ? [address.value, 0, 0, 0] : address.words;
}

/** An unsigned difference kept in a signed int: more than 2^31 apart, the greater one comes first (ipvs-mode §11.3). */
const wrapped = (a: number, b: number): number => (a - b) | 0;

/** Compares as the first one's family says: of an IPv4 address only the first word. */
function compareAddresses(a: IPAddress, b: IPAddress): number {
  if (a.family === "IPv4") return wrapped(a.value, b.family === "IPv4" ? b.value : b.words[0]);
  const [first, second] = [a.words, wordsOf(b)];
  for (let i = 0; i < first.length; i++) {
    const difference = wrapped(first[i] as number, second[i] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}

function compareKeys(a: VirtualServerKey, b: VirtualServerKey): number {
  const marks = wrapped(a.kind === "fwmark" ? a.mark : 0, b.kind === "fwmark" ? b.mark : 0);
  if (marks !== 0) return marks;
  const [first, second] = [familyOfKey(a), familyOfKey(b)];
  if (first !== second) return first === "IPv4" ? -1 : 1;
  if (a.kind !== "address" || b.kind !== "address") return 0;
  return a.protocol - b.protocol || compareAddresses(a.address, b.address) || a.port - b.port;
}

function compareRealServers(a: RealServer, b: RealServer): number {
  return compareAddresses(a.address, b.address) || a.port - b.port;
}

/** Bucket of the kernel's table of virtual servers (`ip_vs_svc_hashkey`), with the constant of a namespace taken as 0. */
function bucketOf(key: VirtualServerKey): number {
  if (key.kind === "fwmark") return key.mark & 255;
  const folded = wordsOf(key.address).reduce((all, word) => all ^ word, 0);
  return (key.protocol ^ folded ^ (key.port >>> 8) ^ key.port) & 255;
}

/** The virtual servers bucket by bucket, newest first in each, as they are. */
function byBucket({ virtualServers }: IPVSTable): readonly VirtualServer[] {
  const buckets = new Map<number, VirtualServer[]>();
  for (const server of virtualServers) {
    const number = bucketOf(server.key) + (server.key.kind === "fwmark" ? 256 : 0);
    const bucket = buckets.get(number);
    if (bucket === undefined) buckets.set(number, [server]);
    else bucket.push(server);
  }
  const numbers = [...buckets.keys()].sort((a, b) => a - b);
  return numbers.flatMap((number) => (buckets.get(number) ?? []).toReversed());
}

/**
 * The virtual servers in the order in which the kernel tells them, newest first in a bucket, and their real servers newest
 * first (ipvs-mode §9.7): `ipvsadm -Ln --nosort`, where the constant of the network namespace is 0.
 */
export function kernelOrder(table: IPVSTable): readonly VirtualServer[] {
  return byBucket(table).map((server) => ({ ...server, realServers: server.realServers.toReversed() }));
}

/**
 * Virtual servers and their real servers, given in the order in which the kernel tells them, in the order in which ipvsadm prints
 * them: fwmark, family, protocol number, address, port (ipvs-mode §11.3). Its comparison of addresses wraps at 2^31, so 10/8 comes
 * behind 192.168/16; where three of them go in a circle (10, 127, 192), the order in which they were told decides.
 */
export function sortAsPrinted(told: readonly VirtualServer[]): readonly VirtualServer[] {
  return byKey(told).map((server) => ({ ...server, realServers: sortRealServers(server.realServers) }));
}

/** The virtual servers and the real servers of each as ipvsadm prints them, told by a kernel with a namespace constant of 0. */
export function printedOrder(table: IPVSTable): readonly VirtualServer[] {
  return byKey(byBucket(table)).map((server) => ({
    ...server,
    realServers: sortRealServers(server.realServers.toReversed()),
  }));
}

function byKey(told: readonly VirtualServer[]): readonly VirtualServer[] {
  return mergeSort(told, (a, b) => compareKeys(a.key, b.key));
}

function sortRealServers(told: readonly RealServer[]): readonly RealServer[] {
  return mergeSort(told, compareRealServers);
}
