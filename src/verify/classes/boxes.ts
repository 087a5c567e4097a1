import { countOf, differenceOf, intersectionOf } from "../../net/intervals.ts";
import { type Box, type Field, fields } from "../field.ts";

/** The order in which boxes are cut: pieces of few destinations are what people think in. */
const ORDER: readonly Field[] = ["dst", "dport", "src", "sport", "icmpType"];

/** What two boxes have in common; `undefined` when that is nothing. */
export function commonBox(a: Box, b: Box): Box | undefined {
  const both: Record<Field, Box[Field]> = { ...a };
  for (const field of ORDER) {
    if (a[field] === b[field]) continue;
    both[field] = intersectionOf(a[field], b[field]);
    if (both[field].length === 0) return undefined;
  }
  return both;
}

/** The packets of a box that are not in another, as boxes that have nothing in common. */
export function withoutBox(from: Box, taken: Box): readonly Box[] {
  if (commonBox(from, taken) === undefined) return [from];
  const rest: Box[] = [];
  let inner = from;
  for (const field of ORDER) {
    if (inner[field] === taken[field]) continue;
    const outside = differenceOf(inner[field], taken[field]);
    if (outside.length > 0) rest.push({ ...inner, [field]: outside });
    inner = { ...inner, [field]: intersectionOf(inner[field], taken[field]) };
  }
  return rest;
}

/** Boxes with the same packets as the given ones, none of which two have. */
export function disjointBoxes(given: readonly Box[]): readonly Box[] {
  const found: Box[] = [];
  for (const each of given) {
    let pieces: readonly Box[] = [each];
    for (const known of found) {
      if (pieces.length === 0) break;
      pieces = pieces.flatMap((piece) => withoutBox(piece, known));
    }
    found.push(...pieces);
  }
  return found;
}

/** How many packets a box has. */
export function sizeOfBox(box: Box): bigint {
  return fields.reduce((product, field) => product * countOf(box[field]), 1n);
}
