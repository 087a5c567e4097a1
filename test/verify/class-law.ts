import type { Packet } from "../../src/kernel/packet.ts";
import { packetText } from "../../src/kernel/packet-text.ts";
import type { IntervalSet } from "../../src/net/intervals.ts";
import type { Random } from "../../src/net/random.ts";
import { type Box, type Field, fieldContent, fields, fieldValue, universeOf } from "../../src/verify/field.ts";
import type { WayClass } from "../../src/verify/way-class.ts";
import { type Seen, sameSeen } from "./seen.ts";

const MEMBERS = 100;
const NEIGHBOURS = 24;
const EXCEPTIONS = 12;
const ATTEMPTS = 40;

type Values = Readonly<Record<Field, bigint>>;

const valuesOf = (packet: Packet): Values =>
  Object.fromEntries(fields.map((field) => [field, fieldValue(packet, field)])) as Values;

function packetWith(packet: Packet, values: Values): Packet {
  const entries = fields.map((field) => [field, fieldContent(field, values[field], packet.family)]);
  return { ...packet, ...Object.fromEntries(entries) };
}

function bigBelow(random: Random, limit: bigint): bigint {
  let value = 0n;
  for (let words = 0; words < 5; words++) value = (value << 31n) + BigInt(random.below(2 ** 31));
  return value % limit;
}

/** A number of a set: of any interval, often one of its ends. */
function anyOf(random: Random, set: IntervalSet): bigint {
  const { from, to } = random.pick(set);
  const how = random.below(4);
  if (how === 0) return from;
  return how === 1 ? to : from + bigBelow(random, to - from + 1n);
}

const has = (set: IntervalSet, value: bigint): boolean => set.some(({ from, to }) => value >= from && value <= to);
const inBox = (values: Values, box: Box): boolean => fields.every((field) => has(box[field], values[field]));

/** Membership by its definition, one exception after the other. */
const isMember = (values: Values, { box, except }: WayClass): boolean =>
  inBox(values, box) && !except.some((each) => inBox(values, each));

function anyIn(random: Random, box: Box): Values {
  return Object.fromEntries(fields.map((field) => [field, anyOf(random, box[field])])) as Values;
}

function hinted(random: Random, values: Values, box: Box, hints: Hints): Values {
  const changed = { ...values };
  for (const field of fields) {
    const known = hints[field] ?? [];
    if (known.length === 0 || random.chance(0.5)) continue;
    const value = random.pick(known);
    if (has(box[field], value)) changed[field] = value;
  }
  return changed;
}

function some<T>(random: Random, list: readonly T[], count: number): readonly T[] {
  return list.length <= count ? list : Array.from({ length: count }, () => random.pick(list));
}

/** Numbers that rules or objects speak of: members are often drawn from them. */
export type Hints = Partial<Record<Field, readonly bigint[]>>;

export interface LawCounts {
  classes: number;
  exact: number;
  members: number;
  outside: number;
}

export const noCounts = (): LawCounts => ({ classes: 0, exact: 0, members: 0, outside: 0 });

const boxText = (box: Box): string =>
  fields
    .map(
      (field) =>
        `${field} ${box[field].slice(0, 4).map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`))}`,
    )
    .join("; ");

/** Says where a class is wrong, or `undefined`: its members go the way of its packet, and the nearest others do not. */
export function classFault(
  random: Random,
  found: WayClass,
  see: (packet: Packet) => Seen,
  counts: LawCounts,
  hints: Hints = {},
  members: number = MEMBERS,
): string | undefined {
  const { packet, box, except, exact } = found;
  const own = see(packet);
  const values = valuesOf(packet);
  const universe = universeOf(packet);
  counts.classes++;
  if (exact) counts.exact++;
  const fault = (what: string, other: Values): string => {
    const odd = packetWith(packet, other);
    const type = odd.icmpType === packet.icmpType ? "" : ` type ${odd.icmpType}`;
    return `${packetText(packet)} ${packet.icmpType}: ${what}: ${packetText(odd)}${type}\n${JSON.stringify({ own, seen: see(odd) }, undefined, 1)}`;
  };
  const same = (other: Values): boolean => sameSeen(own, see(packetWith(packet, other)));
  if (!isMember(values, found)) return fault("not in its own class", values);
  for (let i = 0, tries = 0; i < members && tries < members * ATTEMPTS; tries++) {
    const other = hinted(random, anyIn(random, box), box, hints);
    // half of them differ in one field only
    const field = random.pick(fields);
    const chosen = random.chance(0.5) ? { ...values, [field]: other[field] } : other;
    if (!isMember(chosen, found)) continue;
    i++;
    counts.members++;
    if (!same(chosen)) return fault("a member goes another way", chosen);
  }
  for (const each of some(random, except, EXCEPTIONS)) {
    const inside = anyIn(random, each);
    if (exact) {
      counts.outside++;
      if (same(inside)) return fault(`an exception (${boxText(each)}) goes the same way`, inside);
    }
    for (const field of fields) {
      const { from, to } = random.pick(each[field]);
      for (const value of [from - 1n, to + 1n]) {
        const beside = { ...inside, [field]: value };
        if (!has(universe[field], value) || !isMember(beside, found)) continue;
        counts.members++;
        if (!same(beside)) return fault("a member beside an exception goes another way", beside);
      }
    }
  }
  if (!exact) return undefined;
  for (const field of fields) {
    const beside = box[field]
      .flatMap(({ from, to }) => [from - 1n, to + 1n])
      .filter((value) => has(universe[field], value));
    for (const value of some(random, beside, NEIGHBOURS)) {
      counts.outside++;
      const other = { ...values, [field]: value };
      if (same(other)) return fault(`a neighbour by ${field} goes the same way`, other);
    }
  }
  return undefined;
}
