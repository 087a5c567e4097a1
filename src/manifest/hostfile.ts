import type { Report, Source } from "../text/diagnostic.ts";
import { reportFindings } from "./findings.ts";
import { readDocuments } from "./read-documents.ts";
import { boolean, describe, listOf, newWalk, object, type Schema, string } from "./schema.ts";

/** A `--host` file as written: facts of the node that API objects do not carry. */
export interface HostFile {
  readonly interfaces?: readonly { readonly name?: string; readonly addresses?: readonly string[] }[];
  /** Could the nfacct counters be created? */
  readonly nfacct?: boolean;
  readonly conntrackTCPLiberal?: boolean;
  readonly randomFully?: boolean;
}

const hostFile: Schema = object({
  interfaces: listOf(object({ addresses: listOf(string), name: string })),
  nfacct: boolean,
  conntrackTCPLiberal: boolean,
  randomFully: boolean,
});

const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Reads a `--host` file; the last document counts. Every fault is an error with its place; `undefined` without any document. */
export function readHostFile(source: Source, report: Report): HostFile | undefined {
  let host: HostFile | undefined;
  readDocuments(source, report, ({ value, origin }) => {
    const path: readonly string[] = [];
    if (!isObject(value)) {
      const message = `expected the facts of a host, found ${describe(value)}`;
      reportFindings(
        origin,
        [{ severity: "error", code: "wrong-type", message, path, skip: 0, anchor: "value" }],
        report,
      );
      return;
    }
    const walk = newWalk();
    hostFile.check(value, walk);
    const findings = walk.problems.map((problem) => ({ ...problem, severity: "error" as const, skip: 0 }));
    reportFindings(origin, findings, report);
    if (findings.length === 0) host = value;
  });
  return host;
}
