import { addressText } from "../kernel/packet-text.ts";
import type { IntervalSet } from "../net/intervals.ts";
import { parseIP } from "../net/ip.ts";
import { addressOf } from "../network/addresses.ts";
import type { JourneyTrace } from "../trace/journey-trace.ts";
import type { Names } from "../trace/names.ts";
import { classText } from "../verify/class-text.ts";
import { addressOfNumber, type Box, fields } from "../verify/field.ts";
import { type WayClass, wayClass } from "../verify/way-class.ts";
import type { TracedPlace } from "./trace-network.ts";

/** The class of the way that is told. */
export function classOf({ network, state }: TracedPlace, traced: JourneyTrace, chosen: number): WayClass | undefined {
  const { packet, sender, options, branches } = traced;
  const branch = branches[chosen];
  return branch === undefined ? undefined : wayClass({ network, state }, packet, sender, options, branch);
}

/** The class as people read it, one line each. */
export function classLines(found: WayClass, { holder }: Names): readonly string[] {
  const address = (text: string): string | undefined => {
    const ip = parseIP(text);
    return ip === undefined ? undefined : holder(addressOf(ip));
  };
  return [`same way for: ${classText(found, { address })}`];
}

/** The class for programs: for each field the ranges of its values, ends included. */
export function classJSON({ packet, box, except, exact, inexact }: WayClass): object {
  const { family } = packet;
  const ranges = (field: (typeof fields)[number], set: IntervalSet): object[] =>
    set.map(({ from, to }) =>
      field === "src" || field === "dst"
        ? { from: addressText(addressOfNumber(from, family)), to: addressText(addressOfNumber(to, family)) }
        : { from: Number(from), to: Number(to) },
    );
  const boxJSON = (each: Box): object => Object.fromEntries(fields.map((field) => [field, ranges(field, each[field])]));
  return { exact, inexact, box: boxJSON(box), except: except.map(boxJSON) };
}
