import type { PathStep } from "../manifest/object.ts";
import type { Schema } from "../manifest/schema.ts";
import type { Expectation } from "./expectation.ts";
import type { World } from "./world.ts";

/** Steps into the script, from its root. */
export type ScriptPath = readonly PathStep[];

/** What a step did, for people (`title`, `lines`) and for programs (`data`, plain JSON). */
export interface Told {
  readonly title: string;
  readonly lines: readonly string[];
  readonly data: Readonly<Record<string, unknown>>;
  /** Of the lines those that a diagram shows, too. */
  readonly notes?: readonly string[];
  /** What an `expect` wanted and what came instead; empty where all is as expected. */
  readonly failures: readonly string[];
}

/** A step that cannot be done: a name that does not exist at that time, a connection that nobody opened. The play ends there. */
export class StepFault extends Error {
  readonly path: ScriptPath;
  readonly code: string;

  constructor(path: ScriptPath, code: string, message: string) {
    super(message);
    this.path = path;
    this.code = code;
  }
}

/** What is known of a script while its steps are checked, in their order. */
export interface Reading {
  readonly fault: (path: ScriptPath, code: string, message: string) => void;
  /** Connections that steps before have opened. */
  readonly connections: Set<string>;
  /** Files of objects that steps name, with the place where they do. */
  readonly files: { readonly path: ScriptPath; readonly file: string }[];
  /** Addresses of clients that are written as such: where a podCIDR holds them, they are taken to be Pods'. */
  readonly addresses: string[];
}

/** Does the step; throws a `StepFault` when it cannot. */
export type Run = (world: World) => Told;

/** What a step is asked for besides its own value. */
export interface StepContext {
  /** Where its value stands. */
  readonly at: ScriptPath;
  /** The `expect` beside it, for steps that take one. */
  readonly expect: Expectation | undefined;
  readonly reading: Reading;
}

/**
 * A kind of step: the word it begins with, the shape of its value, what is checked beyond the shape before anything is
 * played, and what it does. To add a kind, add a file and its line in `steps.ts`.
 */
export interface StepKind {
  readonly name: string;
  readonly schema: Schema;
  /** May an `expect` stand beside it? */
  readonly expects: boolean;
  /** The value has the shape of the schema. */
  readonly prepare: (value: unknown, context: StepContext) => Run;
}

/** Makes a kind of step whose value is of type T where it has the schema's shape. */
export function stepKind<T>(
  name: string,
  schema: Schema,
  prepare: (value: T, context: StepContext) => Run,
  options: { readonly expects?: boolean } = {},
): StepKind {
  return {
    name,
    schema,
    expects: options.expects ?? false,
    prepare: (value, context) => prepare(value as T, context),
  };
}

/** A step's report without anything to fail. */
export function told(
  title: string,
  lines: readonly string[],
  data: Readonly<Record<string, unknown>>,
  notes: readonly string[] = [],
): Told {
  return { title, lines, data, notes, failures: [] };
}
