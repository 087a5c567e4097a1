/** How bad a finding is: errors stop the run, warnings and notes do not. */
export type Severity = "error" | "warning" | "note";

/** A piece of input with the name that messages give it (a path, or `-` for standard input). */
export interface Source {
  readonly name: string;
  readonly text: string;
}

/** One end of a place in a source: a 0-based offset in UTF-16 units. Line and column are found only when printed. */
export interface Place {
  readonly source: Source;
  readonly offset: number;
}

/**
 * A finding about input, to be collected and printed later.
 *
 * `code` is a stable kebab-case word for programs and tests, `field` the path of the field in Kubernetes' own
 * spelling (`spec.ports[1].port`), `message` says what is wrong and what to do.
 */
export interface Diagnostic {
  readonly severity: Severity;
  readonly code: string;
  readonly message: string;
  readonly field?: string;
  readonly place?: Place;
}

/** Where stages hand their findings to. */
export type Report = (diagnostic: Diagnostic) => void;
