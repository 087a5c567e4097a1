import { addressText } from "../kernel/packet-text.ts";
import type { IntervalSet } from "../net/intervals.ts";
import { parseIP } from "../net/ip.ts";
import { addressOf } from "../network/addresses.ts";
import type { JourneyTrace } from "../trace/journey-trace.ts";
import type { Names } from "../trace/names.ts";
import { adviceText } from "../verify/advice-text.ts";
import { type ClassNames, classText } from "../verify/class-text.ts";
import { addressOfNumber, type Box, fields } from "../verify/field.ts";
import { type WayClass, wayClass } from "../verify/way-class.ts";
import { type Advice, whyNot } from "../verify/why-not.ts";
import type { TracedPlace } from "./trace-network.ts";

/** The class of the way that is told; it checks itself, and a text says where it found a fault of its own. */
export function classOf(
  { network, state }: TracedPlace,
  traced: JourneyTrace,
  chosen: number,
): WayClass | string | undefined {
  const { packet, sender, options, branches } = traced;
  const branch = branches[chosen];
  if (branch === undefined) return undefined;
  const { legs } = branch.journey.there;
  if (legs.some(({ node }) => (network.node(node)?.host.ipvs?.virtualServers.length ?? 0) > 0))
    return "not told: the classes of ways by virtual servers are not modelled";
  try {
    return wayClass({ network, state }, packet, sender, options, branch);
  } catch (fault) {
    // the trace itself does not rest on it
    if (!(fault instanceof Error)) throw fault;
    return `not told, by a fault of rulewalk's own (${fault.message}); please report it`;
  }
}

/** Names as classes and advice ask for them. */
function classNames({ holder }: Names): ClassNames {
  return {
    address: (text) => {
      const ip = parseIP(text);
      return ip === undefined ? undefined : holder(addressOf(ip));
    },
  };
}

/** The class as people read it, one line each. */
export function classLines(found: WayClass | string, names: Names): readonly string[] {
  if (typeof found === "string") return [found];
  return [`same way for: ${classText(found, classNames(names))}`];
}

/** The nearest misses: which single change would turn the result round. */
export function adviceOf(
  { network, state }: TracedPlace,
  { packet, sender, options }: JourneyTrace,
): readonly Advice[] {
  return whyNot({ network, state }, packet, sender, options);
}

/** So many changes of one field are told in words. */
const TOLD = 2;

/**
 * Advice as people read it, one line each: two for a field. Where some leads to Pods, what leads to a node or out is left out:
 * whether somebody listens there is not known.
 */
export function adviceLines(found: readonly Advice[], names: Names): readonly string[] {
  if (found.length === 0) return ["no single change that was tried would turn the result round"];
  const toPods = found.filter(({ arrives, ends }) => arrives && ends.every(({ kind }) => kind === "pod"));
  const shown = toPods.length > 0 ? toPods : found;
  return shown
    .filter(({ field }, i) => shown.slice(0, i).filter((other) => other.field === field).length < TOLD)
    .map((each) => adviceText(each, classNames(names)));
}

/** Advice for programs. */
export function adviceJSON(found: readonly Advice[], names: Names): readonly object[] {
  return found.map((each) => {
    const { field, from, to, arrives } = each;
    return { field, from, to, arrives, text: adviceText(each, classNames(names)) };
  });
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
