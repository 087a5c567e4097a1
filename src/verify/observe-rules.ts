import type { Event, RuleRef } from "../kernel/event.ts";
import { type RecentTable, recentTable } from "../kernel/matches/recent-table.ts";
import type { Skb } from "../kernel/skb.ts";
import type { Walk } from "../kernel/walk.ts";
import type { Rule, Target } from "../rules/iptables/model.ts";
import type { SetTarget } from "../rules/iptables/targets/set.ts";
import type { CourseRun, HostListener } from "./course.ts";
import { fields } from "./field.ts";
import { constrainByNAT } from "./nat-constraints.ts";
import { type Draft, fixFields } from "./region.ts";
import { constrainByRule, type Looked } from "./rule-constraints.ts";
import { fieldOfDimension } from "./set-conditions.ts";
import { type HostMemory, makeMemory, type Sent, type Sight } from "./sight.ts";

/** Which fields were as sent when the packet entered a host and when it left it. */
export interface LegFields {
  readonly entered: Sent;
  left: Sent;
}

/** What is known of a packet on its way while its rules are observed. */
interface Course {
  sent: Sent;
  leg: number;
  entered: Sent;
  known: ReadonlyMap<string, unknown>;
  lists: ReadonlyMap<string, RecentTable>;
  /** The host is sending something because of the packet. */
  answering: number;
  looked: Looked[];
  asked: number;
  /** The leg on which ip_vs translated the destination before any rule was seen there. */
  translatedOn: number | undefined;
  /** Nothing that follows can make a difference. */
  over: boolean;
}

const allSent: Sent = { src: true, dst: true, sport: true, dport: true, icmpType: true };

/**
 * Cuts a draft down by every rule that a packet meets on its own legs. `legFields` gets, by the leg's number, which fields were as
 * sent there.
 */
export function ruleListener(
  draft: Draft,
  own: ReadonlySet<number>,
  anySource: boolean,
  end: CourseRun["end"],
  legFields: Map<number, LegFields>,
  memory: HostMemory = makeMemory(),
): HostListener {
  const sent: Sent = { ...allSent, src: !anySource };
  const course: Course = {
    sent,
    leg: -1,
    entered: sent,
    known: new Map(),
    lists: new Map(),
    answering: 0,
    looked: [],
    asked: 0,
    translatedOn: undefined,
    over: false,
  };
  /** The destination is a real server's from here on. */
  const translated = (leg: number): void => {
    course.sent = { ...course.sent, dst: false, dport: false };
    const there = legFields.get(leg);
    if (there !== undefined) there.left = course.sent;
  };
  const event = (leg: number, { kind }: Event): void => {
    if (kind === "answer") course.answering++;
    else if (kind === "answered") course.answering--;
    else if (kind === "ipvs-connection" && course.answering === 0 && own.has(leg)) {
      if (leg === course.leg) translated(leg);
      else course.translatedOn = leg;
    }
  };
  const rule = (leg: number, asked: number, walk: Walk, skb: Skb, seen: Rule, part: number, holds: boolean): void => {
    if (course.over || course.answering > 0 || !own.has(leg)) return;
    if (leg !== course.leg) {
      course.leg = leg;
      course.entered = course.sent;
      course.known = new Map(walk.state.ofName);
      legFields.set(leg, { entered: course.sent, left: course.sent });
      if (course.translatedOn === leg) translated(leg);
    }
    if (part < 0) {
      course.looked = [];
      course.asked = asked;
      course.lists = recentLists(walk, seen);
    }
    course.looked.push({ holds, asked: asked > course.asked });
    course.asked = asked;
    const last = part === seen.matches.length - 1;
    if (holds && !last) return;
    const sight: Sight = {
      walk,
      skb,
      universe: draft.universe,
      sent: course.sent,
      entered: course.entered,
      known: course.known,
      lists: course.lists,
      memory,
    };
    constrainByRule(draft, sight, seen, course.looked);
    if (!holds || walk.hotdrop || seen.target === undefined) return;
    // it found no address: nothing was written
    if (end.kind === "dropped" && end.cause.kind === "no-address" && isAt(end.cause.rule, walk)) return;
    const sentOn = constrainByTarget(draft, sight, seen.target);
    course.over = sentOn === undefined;
    course.sent = sentOn ?? course.sent;
    const fieldsThere = legFields.get(leg);
    if (fieldsThere !== undefined) fieldsThere.left = course.sent;
  };
  return { event, rule };
}

const noLists: ReadonlyMap<string, RecentTable> = new Map();

/** The lists that a rule asks for, before it has changed them. */
function recentLists({ state }: Walk, { matches }: Rule): ReadonlyMap<string, RecentTable> {
  if (!matches.some(({ kind }) => kind === "recent")) return noLists;
  return new Map(
    matches.flatMap((match) =>
      match.kind === "recent" ? [[match.name, recentTable(state, match.name)] as const] : [],
    ),
  );
}

const isAt = ({ table, chain, number }: RuleRef, walk: Walk): boolean =>
  table === walk.table && chain === walk.chain && number === walk.ruleNumber;

const TRANSLATING: ReadonlySet<Target["kind"]> = new Set(["DNAT", "SNAT", "MASQUERADE", "REDIRECT", "NETMAP"] as const);

/** What the target of a rule that matched means for the fields behind it; `undefined`: there is no more to learn. */
function constrainByTarget(draft: Draft, sight: Sight, target: Target): Sent | undefined {
  if (target.kind === "SET") constrainBySet(draft, sight, target);
  if (!TRANSLATING.has(target.kind) || sight.skb.entry === undefined) return sight.sent;
  const { table, hook } = sight.walk;
  const source = target.kind === "SNAT" || target.kind === "MASQUERADE";
  const hooks = target.kind === "NETMAP" ? [hook] : source ? ["POSTROUTING", "INPUT"] : ["PREROUTING", "OUTPUT"];
  if (table === "nat" && hooks.includes(hook)) return constrainByNAT(draft, sight, target);
  // no kernel loads such a rule
  fixFields(draft, fields);
  draft.reasons.add(`${target.kind} in table ${table} at ${hook}`);
  return undefined;
}

/** SET writes the packet's own values into a set, and may refuse: what follows may depend on them. */
function constrainBySet(draft: Draft, sight: Sight, { add, delete: remove, map }: SetTarget): void {
  for (const asked of [add, remove, map]) {
    const set = asked === undefined ? undefined : sight.walk.host.sets.get(asked.set);
    if (asked === undefined || set === undefined) continue;
    const looked = new Set(
      asked.directions.flatMap((direction) =>
        (["ip", "port"] as const).flatMap((dimension) => fieldOfDimension(sight, dimension, direction) ?? []),
      ),
    );
    const varying = fields.filter((field) => looked.has(field) && sight.sent[field]);
    if (varying.length === 0) continue;
    fixFields(draft, varying);
    draft.reasons.add(`SET takes the packet's own values into or out of ${set.name}`);
  }
}
