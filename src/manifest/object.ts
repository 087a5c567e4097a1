import type { Source } from "../text/diagnostic.ts";

/** A step into a document: a member's name, or an index of a list. */
export type PathStep = string | number;

/**
 * Where an object came from: the document (YAML document or JSON value) that begins at `offset` of the source and
 * ends before `end`, and the path inside it (empty, or `["items", 3]` for a member of a List).
 */
export interface Origin {
  readonly source: Source;
  readonly format: "yaml" | "json";
  readonly offset: number;
  readonly end: number;
  readonly path: readonly PathStep[];
}

/** A decoded object and where it stands. `value` was checked against its kind's fields; nothing was defaulted. */
export interface Located<T> {
  readonly value: T;
  readonly origin: Origin;
}
