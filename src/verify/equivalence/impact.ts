import { type Fate, type Fates, fateKey } from "./fate.ts";

/** One word for what becomes of packets on a side, however they get there. */
export const outcomes = ["endpoints", "node", "untouched", "refused", "dropped", "unknown"] as const;
export type Outcome = (typeof outcomes)[number];

/**
 * What a difference means to whoever sends, going from the first side to the second; the worst first. `breaks`: a Service's endpoints are
 * not reached any more, or not always; `opens`: the reverse; `moves`: other endpoints; `source`: the same endpoints, which see another
 * source; `way`: something else about the way to them; the rest never reaches an endpoint: `stopped` and `passes`, `elsewhere` (it ends on another host), `told` (what the sender hears).
 */
export const impacts = [
  "breaks",
  "opens",
  "unknown",
  "moves",
  "source",
  "way",
  "stopped",
  "passes",
  "elsewhere",
  "told",
] as const;
export type Impact = (typeof impacts)[number];

function outcomeOf(fate: Fate): Outcome {
  if (fate.kind === "unknown") return "unknown";
  if (fate.kind === "stopped") return fate.notice === "nothing" ? "dropped" : "refused";
  if (fate.to !== undefined) return "endpoints";
  return fate.kind === "delivered" ? "node" : "untouched";
}

/** All outcomes that packets can have. */
export function outcomesOf(fates: Fates): ReadonlySet<Outcome> {
  return new Set([...fates.values()].map(outcomeOf));
}

/** What those that get to an endpoint have, in one text. */
function ofServed(fates: Fates, text: (to: string, from: string) => string): string {
  const texts = [...fates.values()].flatMap((fate) =>
    (fate.kind === "sent-on" || fate.kind === "delivered") && fate.to !== undefined
      ? text(fate.to, fate.from ?? "as sent")
      : [],
  );
  return [...new Set(texts)].sort().join();
}

/** Fates apart from what the sender hears of them. */
const endsKey = (fates: Fates): string =>
  [...fates.values()].map((fate) => fateKey("answer" in fate ? { ...fate, answer: "as called" } : fate)).join();

/** Does a packet get to an endpoint on every way? */
const isServed = (found: ReadonlySet<Outcome>): boolean => found.has("endpoints") && found.size === 1;

/** Is it stopped on some way? */
const isStopped = (found: ReadonlySet<Outcome>): boolean => found.has("dropped") || found.has("refused");

/** What a difference means. */
export function impactOf([before, after]: readonly [Fates, Fates]): Impact {
  const [left, right] = [outcomesOf(before), outcomesOf(after)];
  if (left.has("unknown") || right.has("unknown")) return "unknown";
  if (left.has("endpoints") && !right.has("endpoints")) return "breaks";
  if (right.has("endpoints") && !left.has("endpoints")) return "opens";
  if (left.has("endpoints")) {
    if (isServed(left) !== isServed(right)) return isServed(left) ? "breaks" : "opens";
    const same = (text: (to: string, from: string) => string): boolean =>
      ofServed(before, text) === ofServed(after, text);
    if (!same((to) => to)) return "moves";
    return same((to, from) => `${to} from ${from}`) ? "way" : "source";
  }
  if (isStopped(left) !== isStopped(right)) return isStopped(right) ? "stopped" : "passes";
  return isStopped(left) || endsKey(before) === endsKey(after) ? "told" : "elsewhere";
}
