import { suggest } from "../cluster/suggest.ts";
import { type Finding, reportFindings } from "../manifest/findings.ts";
import type { Origin, PathStep } from "../manifest/object.ts";
import { readDocuments } from "../manifest/read-documents.ts";
import { describe, intOrString, listOf, newWalk, object, type Schema, string } from "../manifest/schema.ts";
import type { Report, Source } from "../text/diagnostic.ts";
import { packetKinds } from "../verify/classes/space.ts";
import type { AllowedDifference } from "../verify/equivalence/allowed.ts";
import { type Outcome, outcomes } from "../verify/equivalence/impact.ts";
import { intendedDifferences } from "../verify/equivalence/intended.ts";
import { senders } from "./compare-nodes.ts";

/** An entry as written. */
interface WrittenEntry {
  readonly id?: string;
  readonly service?: string;
  readonly port?: string | number;
  readonly by?: readonly string[];
  readonly kinds?: readonly string[];
  readonly from?: readonly string[];
  readonly fates?: readonly string[];
  readonly reason?: string;
}

interface AllowFile {
  readonly allow?: readonly WrittenEntry[];
}

const entryShape: Schema = object({
  id: string,
  service: string,
  port: intOrString,
  by: listOf(string),
  kinds: listOf(string),
  from: listOf(string),
  fates: listOf(string),
  reason: string,
});
const fileShape: Schema = object({ allow: listOf(entryShape) });

const WAYS = ["ClusterIP", "external IP", "load balancer IP", "node port"] as const;

/** What fields may hold. */
const KNOWN = {
  by: WAYS,
  kinds: packetKinds("IPv4").map(({ name }) => name),
  from: senders,
  fates: outcomes,
} as const;

/** Entries that were read, and what is known of their places. */
export interface AllowList {
  readonly entries: readonly AllowedDifference[];
  /** Reports entries that no class of the comparison needed. */
  readonly reportUnused: (used: (entry: AllowedDifference) => boolean, report: Report) => void;
}

/** What an entry can ask for. */
const QUESTIONS = ["id", "service", "port", "by", "kinds", "from", "fates"] as const;

/** Collects the faults of one file. */
class Faults {
  readonly found: Finding[] = [];

  add(path: readonly PathStep[], code: string, message: string): void {
    this.found.push({ severity: "error", code, message, path, skip: 0, anchor: "value" });
  }

  known(text: string, known: readonly string[], path: readonly PathStep[]): void {
    if (known.includes(text)) return;
    const meant = suggest(text, known);
    const hint = meant === undefined ? `known are ${known.join(", ")}` : `did you mean ${JSON.stringify(meant)}?`;
    this.add(path, "unknown-value", `Unsupported value: ${describe(text)}: ${hint}`);
  }
}

function checkEntry(entry: WrittenEntry, path: readonly PathStep[], faults: Faults): void {
  const { id, service, port, fates, reason = "" } = entry;
  if (reason.trim() === "")
    faults.add(
      [...path, ...(entry.reason === undefined ? [] : ["reason"])],
      "no-reason",
      "reason: Required value: say why it is accepted",
    );
  if (QUESTIONS.every((name) => entry[name] === undefined))
    faults.add(path, "allows-everything", `the entry would accept everything: it needs one of ${QUESTIONS.join(", ")}`);
  if (id !== undefined)
    faults.known(
      id,
      intendedDifferences.map((each) => each.id),
      [...path, "id"],
    );
  if (service !== undefined && !/^[^/]+\/[^/]+$/.test(service))
    faults.add(
      [...path, "service"],
      "invalid-service",
      `Invalid value: ${describe(service)}: NAMESPACE/NAME is expected, or NAMESPACE/*`,
    );
  if (port !== undefined && service === undefined)
    faults.add([...path, "port"], "port-without-service", "a port is one of a Service: the entry needs service, too");
  for (const name of ["by", "kinds", "from", "fates"] as const) {
    if (entry[name]?.length === 0)
      faults.add([...path, name], "empty-list", "an empty list accepts nothing: leave it out");
    for (const [i, text] of (entry[name] ?? []).entries()) faults.known(text, KNOWN[name], [...path, name, i]);
  }
  if (fates !== undefined && fates.length !== 0 && fates.length !== 2)
    faults.add(
      [...path, "fates"],
      "two-fates",
      "two are expected: what becomes of the packets on the first side, and on the second",
    );
}

function allowedOf({ port, by, fates, reason = "", ...rest }: WrittenEntry): AllowedDifference {
  return {
    ...rest,
    reason: reason.trim(),
    ...(port === undefined ? {} : { port: `${port}` }),
    ...(by === undefined ? {} : { by: by as readonly (typeof WAYS)[number][] }),
    ...(fates === undefined ? {} : { fates: fates as unknown as readonly [Outcome, Outcome] }),
  };
}

const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Reads a file of accepted differences: `allow:`, a list of entries (`AllowedDifference`) with a `reason` each. Every fault is an error with its place;
 * an unknown field is one, as an entry without it would accept more than was meant.
 */
export function readAllowFile(source: Source, report: Report): AllowList {
  const placed: { readonly entry: AllowedDifference; readonly origin: Origin; readonly path: readonly PathStep[] }[] =
    [];
  readDocuments(source, report, ({ value, origin }) => {
    const faults = new Faults();
    const walk = newWalk();
    if (isObject(value)) fileShape.check(value, walk);
    else
      faults.add([], "wrong-type", `expected "allow:" with a list of accepted differences, found ${describe(value)}`);
    faults.found.push(...walk.problems.map((problem) => ({ ...problem, severity: "error" as const, skip: 0 })));
    const listed = isObject(value) ? (value as AllowFile).allow : undefined;
    const entries = Array.isArray(listed) ? listed : [];
    // an entry with a fault of shape is checked no further; the others are
    const faulty = new Set(walk.problems.map(({ path }) => path[1]));
    for (const [i, entry] of entries.entries()) if (!faulty.has(i)) checkEntry(entry, ["allow", i], faults);
    if (faults.found.length === 0)
      for (const [i, entry] of entries.entries()) placed.push({ entry: allowedOf(entry), origin, path: ["allow", i] });
    reportFindings(origin, faults.found, report);
  });
  return {
    entries: placed.map(({ entry }) => entry),
    reportUnused: (used, tell) => {
      for (const { entry, origin, path } of placed) {
        if (used(entry)) continue;
        const message = "accepts nothing: no packet differs so, or an entry before it accepts all that do";
        reportFindings(
          origin,
          [{ severity: "warning", code: "accepts-nothing", message, path, skip: 0, anchor: "value" }],
          tell,
        );
      }
    },
  };
}
