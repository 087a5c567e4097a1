import type { Packet } from "../kernel/packet.ts";
import {
  containsValue,
  differenceOf,
  type Interval,
  type IntervalSet,
  intersectionOf,
  intervalsOf,
  isWithin,
  overlaps,
} from "../net/intervals.ts";
import { type Box, type Field, fields, fieldValue, type Part, universeOf } from "./field.ts";

/** The numbers in the fields of one packet. */
export type Point = Readonly<Record<Field, bigint>>;

/** Packets that are in a box and in none of others. */
export interface Region {
  readonly box: Box;
  /** Those that ask for two fields or more; each lies within the box. */
  readonly except: readonly Box[];
}

/** A region that is being cut down to the packets with one way; the packet itself never leaves it. */
export interface Draft {
  readonly point: Point;
  readonly universe: Box;
  readonly box: Record<Field, IntervalSet>;
  readonly except: Map<string, Part>;
  /** Why the region may be smaller than it should. */
  readonly reasons: Set<string>;
  /** A rule translated the source to what known connections of the source may have it keep. */
  mapsSources: boolean;
}

export function pointOf(packet: Pick<Packet, Field>): Point {
  return {
    src: fieldValue(packet, "src"),
    dst: fieldValue(packet, "dst"),
    sport: fieldValue(packet, "sport"),
    dport: fieldValue(packet, "dport"),
    icmpType: fieldValue(packet, "icmpType"),
  };
}

/** Everything that differs from the packet in the fields alone, as far as it is in `universe`. */
export function makeDraft(packet: Packet, universe: Box = universeOf(packet)): Draft {
  return {
    point: pointOf(packet),
    universe,
    box: { ...universe },
    except: new Map(),
    reasons: new Set(),
    mapsSources: false,
  };
}

/** Leaves only packets with a field in the set. */
export function requireField(draft: Draft, field: Field, set: IntervalSet): void {
  if (!containsValue(set, draft.point[field])) throw new Error(`the packet's own ${field} leaves its class`);
  draft.box[field] = intersectionOf(draft.box[field], set);
}

/** Leaves only packets with these fields as in the packet. */
export function fixFields(draft: Draft, fixed: Iterable<Field>): void {
  for (const field of fixed) {
    const value = draft.point[field];
    draft.box[field] = [{ from: value, to: value }];
  }
}

const setText = (set: IntervalSet): string => set.map(({ from, to }) => `${from}-${to}`).join();

/** Takes the packets of a part out; those of an empty set are none. */
export function exclude(draft: Draft, part: Part): void {
  const key: string[] = [];
  for (const field of fields) {
    const set = part[field];
    if (set === undefined) continue;
    if (set.length === 0) return;
    key.push(field, setText(set));
  }
  if (inPart(draft.point, part)) throw new Error(`the packet is among its own exceptions: ${key.join(" ")}`);
  draft.except.set(key.join(" "), part);
}

export function inPart(point: Point, part: Part): boolean {
  return fields.every((field) => {
    const set = part[field];
    return set === undefined || containsValue(set, point[field]);
  });
}

/** Both parts at once. */
export function meet(a: Part, b: Part): Part {
  const both: { -readonly [F in Field]?: IntervalSet } = { ...a };
  for (const field of fields) {
    const [left, right] = [a[field], b[field]];
    if (right !== undefined) both[field] = left === undefined ? right : intersectionOf(left, right);
  }
  return both;
}

/** The fields in which a part asks for more than a box does; `undefined` when they have no packet in common. */
function askedFields(box: Box, part: Part): readonly Field[] | undefined {
  const asked: Field[] = [];
  for (const field of fields) {
    const set = part[field];
    if (set === undefined) continue;
    if (!overlaps(box[field], set)) return undefined;
    if (!isWithin(box[field], set)) asked.push(field);
  }
  return asked;
}

/** The draft as a box and what couples fields: exceptions of a single field go into the box. */
export function regionOf({ box: given, except, point }: Draft): Region {
  const box = { ...given };
  let parts = [...except.values()];
  for (let changed = true; changed; ) {
    const holes: Record<Field, Interval[]> = { src: [], dst: [], sport: [], dport: [], icmpType: [] };
    const rest: Part[] = [];
    for (const part of parts) {
      const asked = askedFields(box, part);
      if (asked === undefined) continue;
      const [field, second] = asked;
      if (field !== undefined && second === undefined) holes[field].push(...(part[field] ?? []));
      else rest.push(part);
    }
    changed = false;
    for (const field of fields) {
      if (holes[field].length === 0) continue;
      box[field] = differenceOf(box[field], intervalsOf(holes[field]));
      changed = true;
    }
    parts = rest;
  }
  if (!fields.every((field) => containsValue(box[field], point[field]))) throw new Error("the packet left its class");
  return { box, except: parts.map((part) => meet(box, part) as Box) };
}
