import { readFileSync } from "node:fs";
import { type Manifests, readManifests, type Validation } from "../../src/manifest/read-manifests.ts";
import type { Diagnostic, Source } from "../../src/text/diagnostic.ts";
import { lineColumn } from "../../src/text/position.ts";

/** What a reading gave: the objects, the findings, and the findings as `LINE:COLUMN code field`. */
export interface ReadResult {
  readonly manifests: Manifests;
  readonly diagnostics: readonly Diagnostic[];
  readonly found: readonly string[];
}

/** A finding in one line; warnings and notes say so. */
export function brief({ severity, code, field, place }: Diagnostic): string {
  const at = place === undefined ? { line: 0, column: 0 } : lineColumn(place.source.text, place.offset);
  const level = severity === "error" ? "" : ` ${severity}`;
  return `${at.line}:${at.column}${level} ${code}${field === undefined ? "" : ` ${field}`}`;
}

export function read(text: string, validate: Validation = "strict"): ReadResult {
  const diagnostics: Diagnostic[] = [];
  const source: Source = { name: "test.yaml", text };
  const manifests = readManifests([source], { validate }, (diagnostic) => diagnostics.push(diagnostic));
  return {
    manifests,
    diagnostics,
    get found() {
      return diagnostics.map(brief);
    },
  };
}

/** A recorded fixture of this folder. */
export function fixture<T>(name: string): T {
  return JSON.parse(readFileSync(`test/manifest/${name}`, "utf8")) as T;
}

/** How many objects a reading gave, all kinds together. */
export function countObjects(manifests: Manifests): number {
  const { skipped, ...lists } = manifests;
  return Object.values(lists).reduce((sum, list) => sum + list.length, 0);
}
