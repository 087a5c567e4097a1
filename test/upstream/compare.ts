import { isDeepStrictEqual } from "node:util";
import type { IPFamily } from "../../src/net/family.ts";
import { canonical } from "./canonical.ts";
import { type OurAnswer, ourAnswer } from "./feed.ts";
import { acceptedAnswers, type Recorded, type RecordedFamily } from "./records.ts";

export const families: readonly (readonly [IPFamily, string])[] = [
  ["IPv4", "ipv4"],
  ["IPv6", "ipv6"],
];

/** The first line in which two texts differ, with three lines around it; "" when they do not. */
export function firstDifference(theirs: string, ours: string): string {
  if (theirs === ours) return "";
  const [a, b] = [theirs.split("\n"), ours.split("\n")];
  let i = 0;
  while (i < a.length && a[i] === b[i]) i++;
  const around = a.slice(Math.max(0, i - 3), i).map((line) => `    ${line}`);
  return [...around, `  - ${a[i] ?? "(end)"}`, `  + ${b[i] ?? "(end)"}`].join("\n");
}

/** The canonical form puts the last rule last wherever it stood; so that it must stand there is asked here. */
function lastRuleIsLast(text: string): boolean {
  const services = text.split("\n").filter((line) => line.startsWith("-A KUBE-SERVICES "));
  const last = services.findIndex((line) => line.includes("must be the last rule in this chain"));
  return last < 0 || services.slice(last).every((line) => line.includes("must be the last rule in this chain"));
}

/** What of our answer is not what kube-proxy wrote; empty when all is equal to one of its answers. */
export function differences(
  ours: Pick<OurAnswer, "restore" | "commands" | "healthCheck">,
  accepted: readonly RecordedFamily[],
): string[] {
  const first = accepted[0];
  if (first === undefined) return ["the record has no answer"];
  const found: string[] = [];
  const form = canonical(ours.restore);
  if (!accepted.some(({ restoreCanonical }) => restoreCanonical === form)) {
    found.push(`restore text\n${firstDifference(first.restoreCanonical ?? "", form)}`);
  }
  if (!lastRuleIsLast(ours.restore)) found.push("restore text: a rule of KUBE-SERVICES stands behind the last one");
  if (!isDeepStrictEqual(ours.commands, first.commands)) {
    found.push(`commands\n${firstDifference((first.commands ?? []).join("\n"), ours.commands.join("\n"))}`);
  }
  if (!accepted.some(({ healthCheck }) => isDeepStrictEqual({ ...ours.healthCheck }, healthCheck))) {
    found.push(`health check: ${JSON.stringify(first.healthCheck)}, ours ${JSON.stringify(ours.healthCheck)}`);
  }
  return found;
}

/** One record of both families compared: how many families were compared, and every difference. */
export interface Comparison {
  readonly compared: number;
  readonly failures: readonly string[];
  readonly kinds: readonly string[];
}

/** Compiles a record's request and compares it with kube-proxy's answers. */
export function compareRecord(record: Recorded, reverse = false): Comparison {
  const failures: string[] = [];
  const kinds: string[] = [];
  let compared = 0;
  for (const [family, key] of families) {
    const accepted = acceptedAnswers(record, key);
    if (accepted.length === 0) continue;
    compared++;
    try {
      const ours = ourAnswer(record, family, (objects) => (reverse ? [...objects].reverse() : objects));
      kinds.push(...ours.kinds);
      for (const difference of differences(ours, accepted)) {
        failures.push(`v1.${record.minor} ${record.name} ${family}: ${difference}`);
      }
    } catch (error) {
      failures.push(`v1.${record.minor} ${record.name} ${family}: ${(error as Error).message}`);
    }
  }
  return { compared, failures, kinds };
}
