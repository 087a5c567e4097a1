import { hasArrived } from "../network/end.ts";
import type { Journey } from "../network/journey.ts";
import type { JourneyTrace } from "./journey-trace.ts";

/** Did the packet come to somebody, and its answer back as called, where one is expected? */
export function worked({ there, reply }: Journey): boolean {
  return hasArrived(there.end) && (reply === undefined || reply.arrival === "as-called");
}

/** `yes`: on every way; `no`: not, or not on every way; `unknown`: it depends on what is not known. */
export function verdictWord({ verdict, branches, complete }: JourneyTrace): "yes" | "no" | "unknown" {
  if (verdict.some(({ unknown }) => unknown !== undefined) || !complete) return "unknown";
  const all = verdict.every(({ branch }) => {
    const found = branches[branch];
    return found !== undefined && worked(found.journey);
  });
  return all ? "yes" : "no";
}
