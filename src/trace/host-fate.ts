import type { Result } from "../kernel/outcome.ts";
import type { Fate } from "./verdict.ts";

function keyOf({ outcome, packet }: Result): string {
  const { src, dst, sport, dport, icmpId } = packet;
  const looks = [src, dst, sport, dport, icmpId].join("|");
  switch (outcome.kind) {
    case "delivered":
      return `delivered ${outcome.inInterface} ${looks}`;
    case "transmitted":
      return `transmitted ${outcome.outInterface} ${looks}`;
    case "rejected":
      return `rejected ${outcome.with}`;
    case "unknown":
      return `unknown ${outcome.what.what}`;
    default:
      return outcome.kind;
  }
}

/** The fate of a packet on one host: where it is and what it looks like, not which rule did it. */
export function hostFate(result: Result): Fate {
  const { outcome } = result;
  return { key: keyOf(result), ...(outcome.kind === "unknown" ? { unknown: outcome.what } : {}) };
}
