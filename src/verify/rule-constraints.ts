import type { Skb } from "../kernel/skb.ts";
import type { Walk } from "../kernel/walk.ts";
import { containsValue, differenceOf, unionOf } from "../net/intervals.ts";
import type { Rule } from "../rules/iptables/model.ts";
import { basicConditions, looksAtFields, matchConditions } from "./conditions.ts";
import { type Field, fields, type Part } from "./field.ts";
import { type Draft, exclude, fixFields, inPart, meet, requireField } from "./region.ts";
import { numberOf } from "./rule-number.ts";
import { asks, type Condition, constant, type Sight } from "./sight.ts";

/** What a part of a rule came to as the packet was there. */
export interface Looked {
  readonly holds: boolean;
  /** It asked what is left to chance or not modelled. */
  readonly asked: boolean;
}

/** More parts than this of one rule are not multiplied out. */
const MAX_PARTS = 4096;

/** Does a condition hold for the packet itself; `undefined` where its fields do not tell. */
function holdsHere(draft: Draft, condition: Condition): boolean | undefined {
  switch (condition.kind) {
    case "constant":
      return condition.holds;
    case "in":
      return containsValue(condition.set, draft.point[condition.field]);
    case "either":
      return condition.parts.some((part) => inPart(draft.point, part));
    default:
      return undefined;
  }
}

function nameOf(walk: Walk): string {
  return `rule ${numberOf(walk)} of ${walk.chain} in ${walk.table}`;
}

function couple(draft: Draft, walk: Walk, condition: Extract<Condition, { readonly kind: "coupled" }>): void {
  fixFields(draft, condition.fields);
  draft.reasons.add(`${nameOf(walk)}: ${condition.why}`);
}

/** Leaves only packets for which a condition holds as it does for the packet. */
function require(draft: Draft, walk: Walk, condition: Condition): void {
  switch (condition.kind) {
    case "in":
      requireField(draft, condition.field, condition.set);
      break;
    case "either":
      requireEither(draft, walk, condition.parts);
      break;
    case "coupled":
      couple(draft, walk, condition);
      break;
  }
}

function requireEither(draft: Draft, walk: Walk, parts: readonly Part[]): void {
  const single = parts.every((part) => Object.keys(part).length === 1);
  if (single) {
    // in none of them is one part: outside in every field
    const outside: { -readonly [F in Field]?: Part[F] } = {};
    for (const part of parts) {
      for (const field of fields) {
        const set = part[field];
        if (set !== undefined) outside[field] = differenceOf(outside[field] ?? draft.universe[field], set);
      }
    }
    exclude(draft, outside);
    return;
  }
  const own = parts.find((part) => inPart(draft.point, part)) ?? {};
  for (const field of fields) {
    const set = own[field];
    if (set !== undefined) requireField(draft, field, set);
  }
  draft.reasons.add(`${nameOf(walk)}: other elements of its set hold such packets too`);
}

/** Takes out the packets for which the rule would match, or ask. */
function excludeMatching(
  draft: Draft,
  walk: Walk,
  conditions: readonly (readonly Condition[])[],
  looked: readonly Looked[],
): void {
  if (cannotMatch(conditions, looked)) return;
  let open: readonly Part[] = [{}];
  const coupled: Extract<Condition, { readonly kind: "coupled" }>[] = [];
  const narrow = (parts: readonly Part[]): void => {
    open = open.flatMap((each) => parts.map((part) => meet(each, part)));
    if (open.length > MAX_PARTS) throw new RangeError("too many parts");
  };
  const leave = (parts: readonly Part[]): void => {
    for (const part of parts) excludeOrFix(draft, walk, part, coupled);
  };
  for (const [i, list] of conditions.entries()) {
    // whoever comes so far is asked the same, and told the same
    if (looked[i]?.asked === true && !looked[i].holds) return;
    for (const condition of list) {
      switch (condition.kind) {
        case "constant":
          if (!condition.holds) return;
          break;
        case "in":
          if (looked[i]?.asked === true && containsValue(condition.asked, draft.point[condition.field])) {
            narrow([{ [condition.field]: condition.asked }]);
            break;
          }
          if (condition.asked.length > 0) leave(open.map((each) => meet(each, { [condition.field]: condition.asked })));
          narrow([{ [condition.field]: condition.set }]);
          break;
        case "either":
          narrow(condition.parts);
          break;
        case "coupled":
          coupled.push(condition);
          break;
        case "asks":
          // what this packet was asked too is part of its way already
          if (looked[i]?.asked === true) break;
          leave(open);
          return;
      }
    }
  }
  leave(open);
}

/** Is there a condition that holds for none of these packets, before any that would be asked? */
function cannotMatch(conditions: readonly (readonly Condition[])[], looked: readonly Looked[]): boolean {
  for (const [i, list] of conditions.entries()) {
    const seen = looked[i];
    if (seen?.asked === true && !seen.holds) return true;
    for (const condition of list) {
      if (condition.kind === "asks" && seen?.asked !== true) return false;
      if (condition.kind === "in" && condition.asked.length > 0) return false;
      if (condition.kind === "constant" && !condition.holds) return true;
    }
  }
  return false;
}

function excludeOrFix(
  draft: Draft,
  walk: Walk,
  part: Part,
  coupled: readonly Extract<Condition, { readonly kind: "coupled" }>[],
): void {
  if (coupled.length === 0 || !inPart(draft.point, part)) {
    exclude(draft, part);
    for (const { why } of coupled) draft.reasons.add(`${nameOf(walk)}: ${why}`);
    return;
  }
  for (const condition of coupled) couple(draft, walk, condition);
}

/**
 * Cuts a draft down to the packets that a rule treats as it treated this one: it matched, it did not, or it asked something on the way.
 * `looked` are its parts in order (the conditions outside of matches, then each match), as far as the walk came.
 */
export function constrainByRule(draft: Draft, sight: Sight, rule: Rule, looked: readonly Looked[]): void {
  const { walk } = sight;
  const last = looked.at(-1);
  const basic = basicConditions(sight, rule);
  // most rules fail on something that no field decides
  if (last?.holds === false && basic.some((each) => each.kind === "constant" && !each.holds)) return;
  const conditions = conditionsOf(sight, rule, basic, looked);
  checkAgainst(draft, sight.skb, conditions, looked, walk);
  const matched = looked.length === rule.matches.length + 1 && last?.holds === true;
  const asked = looked.findLastIndex((each) => each.asked);
  const required = matched || walk.hotdrop ? looked.length : asked + 1;
  for (const [i, list] of conditions.entries()) {
    if (i >= required) break;
    const seen = looked[i] as Looked;
    for (const condition of list) {
      if (seen.asked || !seen.holds) fixVarying(draft, walk, condition, list.length > 1);
      else require(draft, walk, condition);
    }
  }
  if (!matched && !walk.hotdrop) excludeMatching(draft, walk, conditions, looked);
}

/** The conditions of a rule's parts, behind those that were looked at only up to one that no packet gets by. */
function conditionsOf(
  sight: Sight,
  { matches }: Rule,
  basic: readonly Condition[],
  looked: readonly Looked[],
): readonly (readonly Condition[])[] {
  const found = [basic];
  for (const [i, match] of matches.entries()) {
    if (found.length >= looked.length && found.at(-1)?.some(isNever) === true) break;
    const seen = looked[i + 1];
    const asksHost = seen !== undefined && !looksAtFields(match);
    found.push(asksHost ? [outcomeOf(seen)] : withOutcome(matchConditions(sight, match), seen));
  }
  return found;
}

const isNever = (condition: Condition): boolean => condition.kind === "constant" && !condition.holds;

const outcomeOf = ({ asked, holds }: Looked): Condition => (asked ? asks : constant(holds));

/** A match of one constant: what the walk saw is what it is, also where its memory has moved on since. */
function withOutcome(conditions: readonly Condition[], looked: Looked | undefined): readonly Condition[] {
  const [only, second] = conditions;
  if (looked === undefined || only === undefined || second !== undefined) return conditions;
  if (only.kind !== "constant" && only.kind !== "asks") return conditions;
  return [outcomeOf(looked)];
}

/** Of a match that asked something, or that dropped the packet: what of it depends on fields stays as it is. */
function fixVarying(draft: Draft, walk: Walk, condition: Condition, oneOfMany: boolean): void {
  switch (condition.kind) {
    case "in": {
      if (oneOfMany) draft.reasons.add(`${nameOf(walk)}: it asks about one of several fields`);
      const { field, set, asked } = condition;
      const value = draft.point[field];
      const own = containsValue(asked, value)
        ? asked
        : containsValue(set, value)
          ? set
          : differenceOf(draft.universe[field], unionOf(set, asked));
      requireField(draft, field, own);
      break;
    }
    case "either":
      fixFields(
        draft,
        condition.parts.flatMap((part) => fields.filter((field) => part[field] !== undefined)),
      );
      draft.reasons.add(`${nameOf(walk)}: it asks about several fields at once`);
      break;
    case "coupled":
      couple(draft, walk, condition);
      break;
  }
}

/** What is said of the conditions must be what the walk saw. */
function checkAgainst(
  draft: Draft,
  skb: Skb,
  conditions: readonly (readonly Condition[])[],
  looked: readonly Looked[],
  walk: Walk,
): void {
  for (const [i, { holds, asked }] of looked.entries()) {
    const known = conditions[i]?.map((condition) => holdsHere(draft, condition)) ?? [];
    if (asked || walk.hotdrop || known.includes(undefined)) continue;
    if (known.every(Boolean) !== holds)
      throw new Error(`${nameOf(walk)}: part ${i} was seen to be ${holds} for protocol ${skb.protocol}`);
  }
}
