import type { IPFamily } from "../net/family.ts";
import { differenceOf, type IntervalSet, interval, prefixInterval } from "../net/intervals.ts";
import type { IPAddress } from "../net/ip.ts";
import { type MaskedAddress, maskLength, type PortRange } from "../rules/iptables/values.ts";
import { addressNumber, type Field } from "./field.ts";
import { type Condition, inField, type Sight } from "./sight.ts";

/** An address of a rule as a number. */
export const ipNumber = (address: IPAddress): bigint =>
  addressNumber(address.family === "IPv4" ? address.value : address.words);

/** The numbers of an address under a mask; `undefined` when its ones are scattered. */
export function maskedNumbers({ address, mask }: MaskedAddress, family: IPFamily): IntervalSet | undefined {
  if (address.family !== family) return [];
  const length = maskLength(mask);
  if (length === undefined) return undefined;
  return [prefixInterval(ipNumber(address), length, family === "IPv4" ? 32 : 128)];
}

export const portNumbers = ({ from, to }: PortRange): IntervalSet => interval(BigInt(from), BigInt(to));

/** A field in a set, or outside of it. */
export function fieldTest(sight: Sight, field: Field, set: IntervalSet, negated: boolean): Condition {
  return inField(field, negated ? differenceOf(sight.universe[field], set) : set);
}
