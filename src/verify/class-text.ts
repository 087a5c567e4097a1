import { addressText } from "../kernel/packet-text.ts";
import type { IPFamily } from "../net/family.ts";
import {
  countOf,
  differenceOf,
  type IntervalSet,
  isWithin,
  prefixesOf,
  prefixInterval,
  sameIntervals,
} from "../net/intervals.ts";
import { addressOfNumber, type Box, bitsOf, type Field, fields, universeOf } from "./field.ts";
import type { WayClass } from "./way-class.ts";

/** What people call things: the name of an address, such as a Pod's or a Service's. */
export interface ClassNames {
  readonly address?: (text: string) => string | undefined;
}

const NAMES: Readonly<Record<Field, string>> = {
  src: "source",
  dst: "destination",
  sport: "source port",
  dport: "port",
  icmpType: "ICMP type",
};
const ORDER: readonly Field[] = ["src", "sport", "dst", "dport", "icmpType"];
const SHOWN = 5;

interface Style {
  readonly family: IPFamily;
  readonly names: ClassNames;
}

const isAddress = (field: Field): boolean => field === "src" || field === "dst";

function numberText({ family, names }: Style, field: Field, value: bigint): string {
  if (!isAddress(field)) return `${value}`;
  const text = addressText(addressOfNumber(value, family));
  const name = names.address?.(text);
  return name === undefined ? text : `${text} (${name})`;
}

function plainText(style: Style, field: Field, value: bigint): string {
  return numberText({ ...style, names: {} }, field, value);
}

/** The parts of a set: prefixes where an interval is one, else ranges. */
function partsOf(style: Style, field: Field, set: IntervalSet): string[] {
  const bits = bitsOf(field, style.family);
  return set.map((each) => {
    if (each.from === each.to) return numberText(style, field, each.from);
    const [only, second] = isAddress(field) ? prefixesOf(each, bits) : [];
    if (only !== undefined && second === undefined) return `${plainText(style, field, only.value)}/${only.length}`;
    return `${plainText(style, field, each.from)}-${plainText(style, field, each.to)}`;
  });
}

/** The first parts, and how many there are besides. */
function listText(parts: readonly string[]): string {
  const rest = parts.length - SHOWN;
  if (rest <= 1) return parts.join(", ");
  return `${parts.slice(0, SHOWN).join(", ")} and ${rest.toLocaleString("en-US")} more`;
}

/** The smallest prefix around a set of addresses. */
function prefixAround(set: IntervalSet, bits: number): IntervalSet {
  const [first, last] = [set[0], set.at(-1)];
  if (first === undefined || last === undefined) return set;
  let rest = 0n;
  while (first.from >> rest !== last.to >> rest) rest++;
  return [prefixInterval(first.from, bits - Number(rest), bits)];
}

/** How much there is to read: a range is two things. */
function costOf(parts: readonly string[]): number {
  return parts.reduce((sum, part) => sum + (part.includes("-") ? 2 : 1), 0);
}

/** The shorter of: what is in the set; what of all there is, or of the prefix around it, is not. */
function setText(style: Style, field: Field, set: IntervalSet, universe: IntervalSet): string {
  const name = NAMES[field];
  if (isWithin(universe, set)) return `any ${name}`;
  const parts = partsOf(style, field, set);
  let best = { text: `${name} ${listText(parts)}`, cost: costOf(parts) };
  const around = isAddress(field) ? [universe, prefixAround(set, bitsOf(field, style.family))] : [universe];
  for (const whole of around) {
    const holes = partsOf(style, field, differenceOf(whole, set));
    const where = isWithin(universe, whole) ? "" : ` in ${partsOf(style, field, whole).join()}`;
    const cost = costOf(holes) + (where === "" ? 0.5 : 1.5);
    if (holes.length > 0 && cost < best.cost) best = { text: `any ${name}${where} but ${listText(holes)}`, cost };
  }
  return best.text;
}

/** What an exception asks for beyond the box. */
function exceptionText(style: Style, box: Box, each: Box): string {
  const asked = fields.filter((field) => !sameIntervals(each[field], box[field]));
  return asked.map((field) => `${NAMES[field]} ${listText(partsOf(style, field, each[field]))}`).join(" with ");
}

/**
 * A class in words: `any source in 10.244.0.0/16 but 10.244.1.8, any source port, to 10.96.0.41 port 80`. A few exceptions
 * are listed, more are counted.
 */
export function classText(found: WayClass, names: ClassNames = {}): string {
  const { packet, box, except, exact, inexact } = found;
  const universe = universeOf(packet);
  const style: Style = { family: packet.family, names };
  const one = (field: Field): bigint | undefined => (countOf(box[field]) === 1n ? box[field][0]?.from : undefined);
  const [dst, dport] = [one("dst"), one("dport")];
  const text = (field: Field): string => setText(style, field, box[field], universe[field]);
  const called =
    dst === undefined || dport === undefined || countOf(universe.dport) === 1n
      ? undefined
      : `to ${numberText(style, "dst", dst)} port ${dport}`;
  const shown = ORDER.filter((field) => countOf(universe[field]) > 1n);
  const begin = shown
    .flatMap((field) =>
      called === undefined || field === "src" || field === "sport" ? text(field) : field === "dst" ? called : [],
    )
    .join(", ");
  const exceptions = except.map((each) => exceptionText(style, box, each));
  const but = exceptions.length === 0 ? "" : `; but not ${joined(exceptions)}`;
  return exact ? `${begin}${but}` : `${begin}${but}; perhaps more: ${inexact[0] ?? ""}`;
}

function joined(exceptions: readonly string[]): string {
  const rest = exceptions.length - SHOWN;
  if (rest <= 1) return exceptions.join(", nor ");
  return `${exceptions.slice(0, SHOWN).join(", nor ")}, nor ${rest.toLocaleString("en-US")} other combinations of addresses and ports`;
}
