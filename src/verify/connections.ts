import { listEntries } from "../kernel/conntrack/table.ts";
import { invertTuple, sameTuple, tracksPorts, tupleOf } from "../kernel/conntrack/tuple.ts";
import type { Tuple } from "../kernel/entry.ts";
import { type Packet, sameAddress } from "../kernel/packet.ts";
import { interval } from "../net/intervals.ts";
import type { CourseLeg } from "./course.ts";
import { addressNumber, type Field, fields, type Part } from "./field.ts";
import { type Trial, tryPoint } from "./lines.ts";
import type { LegFields } from "./observe-rules.ts";
import { type Draft, exclude, fixFields, inPart, type Point } from "./region.ts";
import type { Sent } from "./sight.ts";

/** Connections that are tried one by one; of more, all that could be in the way are taken out. */
const MAX_TRIED = 2000;

const isICMP = (protocol: number): boolean => protocol === 1 || protocol === 58;

/** The packets, as sent, that have a tuple at a point of the way; `undefined` where what NAT wrote is another. */
function partOf(tuple: Tuple, packet: Packet, sent: Sent): Part | undefined {
  if (tuple.family !== packet.family || tuple.protocol !== packet.protocol) return undefined;
  let part: Part = {};
  for (const field of ["src", "dst"] as const) {
    if (sent[field]) part = { ...part, [field]: interval(addressNumber(tuple[field])) };
    else if (!sameAddress(tuple[field], packet[field])) return undefined;
  }
  if (isICMP(packet.protocol)) {
    if (tuple.sport !== packet.icmpId || tuple.dport % 256 !== packet.icmpCode) return undefined;
    return { ...part, icmpType: interval(BigInt(tuple.dport >> 8)) };
  }
  if (!tracksPorts(packet.protocol)) return part;
  for (const field of ["sport", "dport"] as const) {
    if (sent[field]) part = { ...part, [field]: interval(BigInt(tuple[field])) };
    else if (tuple[field] !== packet[field]) return undefined;
  }
  return part;
}

/** A packet on a host before and after its source and its destination were decided about. */
function stages({ packet, left }: CourseLeg, { entered, left: after }: LegFields): readonly [Packet, Sent][] {
  const mixed: Packet = { ...packet, dst: left.dst, dport: left.dport };
  return [
    [packet, entered],
    [mixed, { ...entered, dst: after.dst, dport: after.dport }],
    [left, after],
  ];
}

/** Packets that meet a known connection: theirs, or one whose tuples NAT must not take again. */
function* meetings(leg: CourseLeg, sent: LegFields): Generator<Part> {
  const list = stages(leg, sent);
  for (const { original, reply } of listEntries(leg.state)) {
    const tuples = [original, reply, invertTuple(original), invertTuple(reply)];
    for (const tuple of tuples) {
      for (const [packet, fields] of list) {
        const part = partOf(tuple, packet, fields);
        if (part !== undefined) yield part;
      }
    }
  }
}

/** Sources whose mapping another connection has decided already: they keep it, where the range allows that. */
function* mappedSources({ packet, state }: CourseLeg, { entered, left }: LegFields): Generator<Part> {
  if (!entered.src || !entered.sport || left.src) return;
  // those that have expired are still found by their source
  for (const { original } of state.entries.list())
    if (original.protocol === packet.protocol && original.family === packet.family)
      yield { src: interval(addressNumber(original.src)), sport: interval(BigInt(original.sport)) };
}

/** Has a connection that a host knows one of the packet's tuples, as it enters there? */
export function isKnown({ packet, state }: CourseLeg): boolean {
  const tuple = tupleOf(packet);
  if (tuple === undefined) return false;
  return listEntries(state).some(({ original, reply }) => sameTuple(original, tuple) || sameTuple(reply, tuple));
}

function memberOf(draft: Draft, part: Part): Point | undefined {
  const point = { ...draft.point };
  for (const [field, set] of Object.entries(part)) point[field as Field] = set[0]?.from ?? point[field as Field];
  return inPart(point, draft.box) ? point : undefined;
}

/** Leaves the packet alone in its class. */
function fixAt(draft: Draft, why: string): void {
  fixFields(draft, fields);
  draft.reasons.add(why);
}

/** Takes out of a draft what known connections, and values that NAT writes anyway, send another way. */
export function excludeMeetings(draft: Draft, trial: Trial, legFields: ReadonlyMap<number, LegFields>): void {
  const tried = new Set<string>();
  const consider = (part: Part, unseen: boolean): boolean => {
    const point = memberOf(draft, part);
    if (point === undefined || inPart(draft.point, part)) return false;
    const key = `${Object.keys(part).join()} ${Object.values(point).join(" ")}`;
    if (tried.has(key)) return false;
    tried.add(key);
    if (!unseen && tryPoint(trial, point) === true) return false;
    exclude(draft, part);
    return true;
  };
  let last: Sent | undefined;
  for (const leg of trial.own.legs) {
    const sent = legFields.get(leg.number) ?? (last === undefined ? undefined : { entered: last, left: last });
    if (sent === undefined) continue;
    last = sent.left;
    for (const part of writtenParts(leg, sent)) consider(part, false);
    for (const part of meetings(leg, sent)) {
      if (inPart(draft.point, part)) fixAt(draft, "the packet meets a known connection");
      else consider(part, tried.size > MAX_TRIED);
    }
    for (const part of draft.mapsSources ? mappedSources(leg, sent) : [])
      if (inPart(draft.point, part)) fixAt(draft, "the packet's source has known connections, whose mapping it keeps");
      else if (consider(part, true)) draft.reasons.add("sources of known connections keep their mapping");
  }
  if (tried.size > MAX_TRIED) draft.reasons.add("there are too many connections to try each");
}

/** Packets that have already what NAT writes into the others: theirs is not changed. */
function* writtenParts({ left }: CourseLeg, { entered, left: after }: LegFields): Generator<Part> {
  for (const [address, port] of [
    ["src", "sport"],
    ["dst", "dport"],
  ] as const) {
    if (!entered[address] || after[address]) continue;
    const part: Part = { [address]: interval(addressNumber(left[address])) };
    yield part;
    if (entered[port] && !after[port]) yield { ...part, [port]: interval(BigInt(left[port])) };
  }
}
