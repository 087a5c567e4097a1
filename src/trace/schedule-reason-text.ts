import type { ChosenRealServer, ComparedRealServer } from "../kernel/event.ts";
import { endpointText } from "../kernel/packet-text.ts";

type Reason<K extends ChosenRealServer["reason"]["kind"]> = Extract<ChosenRealServer["reason"], { kind: K }>;

/** Schedulers whose load is that of active connections, with the one to come. */
const EXPECTING: ReadonlySet<string> = new Set(["sed", "nq"]);

/** So many of those that were not taken are told with their numbers. */
const SHOWN = 4;

const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? "" : "s"}`;

/** Of several that are alike the first of the list is taken. */
function firstOf(equals: number): string {
  return equals === 0 ? "" : `, the first of ${equals + 1} alike in the kernel's list`;
}

/** `10.244.0.7:53 has 2 active and 1 inactive`, with its weight where that counts. */
function countsText({ address, port, active, inactive, weight }: ComparedRealServer, scheduler: string): string {
  const counts = EXPECTING.has(scheduler) ? `${active} active` : `${active} active, ${inactive} inactive`;
  return `${endpointText(address, port)} has ${counts}${scheduler === "lc" ? "" : ` at weight ${weight}`}`;
}

/** The numbers that were compared, of the one that was taken first. */
function comparedText(scheduler: string, { address, port, compared = [] }: ChosenRealServer): string {
  const isIt = (each: ComparedRealServer): boolean =>
    endpointText(each.address, each.port) === endpointText(address, port);
  const it = compared.find(isIt);
  if (it === undefined) return "";
  const others = compared.filter((each) => each !== it);
  const shown = [it, ...others.slice(0, SHOWN)].map((each) => countsText(each, scheduler));
  const rest = others.length > SHOWN ? [`${others.length - SHOWN} others are not less loaded`] : [];
  return ` (${[...shown, ...rest].join("; ")})`;
}

const CACHE = {
  none: "no real server is remembered for this address; ",
  "not-usable": "the one remembered for this address cannot be had or has too many connections; ",
} as const;

function leastText(scheduler: string, chosen: ChosenRealServer, reason: Reason<"least-connections">): string {
  const { load, weight, equals, cache } = reason;
  const what = EXPECTING.has(scheduler) ? "the shortest expected delay" : "the least loaded";
  const number = scheduler === "lc" ? `${load}` : `${load} at weight ${weight}`;
  const also = firstOf(equals);
  return `${cache === undefined ? "" : CACHE[cache]}${what}: ${number}${also}${comparedText(scheduler, chosen)}`;
}

function bucketText({ bucket, of, hashed, instead }: Reason<"hash-bucket">): string {
  const by = { source: "the source", "source and port": "source and port", destination: "the destination" }[hashed];
  if (instead === undefined) return `hash bucket ${bucket} of ${of}, by ${by}`;
  return `hash bucket ${bucket} of ${of}, as the real server of bucket ${instead}, which it is by ${by}, cannot be had`;
}

function positionText({ position, of, round }: Reason<"position">, weight: number): string {
  const next = `number ${position} of ${of} in the kernel's list is next`;
  return round === undefined ? next : `${next} in the round of those that weigh ${round} or more; it weighs ${weight}`;
}

function heaviestText(scheduler: string, { weight, equals }: Reason<"highest-weight">): string {
  const among = scheduler === "ovf" ? " among those with no more active connections than they weigh" : "";
  return `the highest weight${among === "" ? " that may be had" : among}, ${weight}${firstOf(equals)}`;
}

const UNTOLD = {
  counts: "counts of connections",
  "last-weights": "the earlier weights of those without one now",
} as const;

/** Why a scheduler took the real server that it took, in words. */
export function scheduleReasonText(scheduler: string, chosen: ChosenRealServer): string {
  const { reason, weight } = chosen;
  switch (reason.kind) {
    case "position":
      return positionText(reason, weight);
    case "least-connections":
      return leastText(scheduler, chosen, reason);
    case "idle":
      return `it has no active connection${firstOf(reason.equals)}`;
    case "hash-bucket":
      return bucketText(reason);
    case "highest-weight":
      return heaviestText(scheduler, reason);
    case "cached":
      return scheduler === "lblcr"
        ? "the least loaded of those that packets to this address went to before, and not with too many connections"
        : "where packets to this address went before, and not with too many connections";
    case "random":
      return "the better of two drawn by weight";
    case "untold":
      return `one of ${plural(reason.among, "real server")}, by ${UNTOLD[reason.by]}, which no dump tells`;
    case "template":
      return "this client's by persistence";
  }
}
