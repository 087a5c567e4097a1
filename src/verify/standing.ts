import { type End, hasArrived } from "../network/end.ts";
import type { Journey } from "../network/journey.ts";

type Branches = readonly { readonly journey: Journey }[];

/** Does a packet come to somebody on all its ways, and what is sent back to it where it called from? */
export function arrives(branches: Branches): boolean {
  return branches.length > 0 && branches.every(({ journey }) => comesThrough(journey));
}

/** Does it on no way, as far as that is known? */
export function fails(branches: Branches): boolean {
  return branches.length > 0 && branches.every(({ journey }) => !comesThrough(journey) && !isUnknown(journey));
}

function comesThrough({ there, reply }: Journey): boolean {
  return hasArrived(there.end) && (reply === undefined || reply.arrival === "as-called");
}

function isUnknown({ there, reply }: Journey): boolean {
  return there.end.kind === "unknown" || reply?.arrival === "unknown";
}

/** The ends of all ways, those of a kind on one node once. */
export function endsOf(branches: Branches): readonly End[] {
  const found = new Map<string, End>();
  for (const { journey } of branches) {
    const { end } = journey.there;
    const key = JSON.stringify(end);
    if (!found.has(key)) found.set(key, end);
  }
  return [...found.values()];
}
