import type { PathStep } from "./object.ts";
import type { Anchor } from "./path.ts";

/** Something wrong at a path of an object; the caller gives it a severity and a place. */
export interface Problem {
  readonly code: "wrong-type" | "out-of-range" | "unknown-field" | "invalid-value" | "too-deep";
  readonly path: readonly PathStep[];
  readonly anchor: Anchor;
  readonly message: string;
}

/** The state of one walk over an object: where it is, how many members it saw, what it found. */
export interface Walk {
  readonly path: PathStep[];
  /** Object members seen, repeated names once: compared with the keys in the text to find repeated ones. */
  members: number;
  readonly problems: Problem[];
}

/**
 * The shape of a field. `check` looks at a value that is not null, reports what is wrong with it, and returns what is
 * to stand in its place (mostly the value itself: objects are checked where they are and not copied). `zero` is what
 * Go makes of a null where a value cannot be absent: an element of a list, a value of a map.
 */
export interface Schema {
  readonly check: (value: unknown, walk: Walk) => unknown;
  readonly zero: () => unknown;
  /** True where a null member is no absent one but a fault: Go hands it to the type's own reader, which refuses it. */
  readonly refusesNull?: boolean;
}

type Members = Record<string, unknown>;

/** Depth to which any JSON is counted by recursion; deeper values take a slower way without it. */
const RECURSION = 200;

/** Nesting that Kubernetes' JSON reader refuses (sigs.k8s.io/json `maxNestingDepth`). */
const MAX_NESTING = 10_000;

export function newWalk(): Walk {
  return { path: [], members: 0, problems: [] };
}

function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** How a value is called in a message: its kind, and the value when it is short. */
export function describe(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return value === null ? "null" : "an object";
  if (typeof value === "string")
    return value.length > 60 ? `the text ${JSON.stringify(value.slice(0, 60))}…` : `the text ${JSON.stringify(value)}`;
  return `the ${typeof value} ${String(value)}`;
}

/** Reports a problem at the walk's present path, or at one of its members. */
function problem(walk: Walk, code: Problem["code"], message: string, anchor: Anchor = "value"): void {
  walk.problems.push({ code, path: [...walk.path], anchor, message });
}

function wrongType(walk: Walk, value: unknown, expected: string, hint = ""): unknown {
  anything.check(value, walk);
  problem(walk, "wrong-type", `Invalid value: expected ${expected}, found ${describe(value)}${hint}`);
  return value;
}

function countDeep(root: unknown, walk: Walk): void {
  const open: [value: unknown, depth: number][] = [[root, walk.path.length + RECURSION]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [value, depth] = next;
    if (typeof value !== "object" || value === null) continue;
    if (depth > MAX_NESTING) {
      problem(walk, "too-deep", `nested more than ${MAX_NESTING} levels deep`);
      return;
    }
    if (!Array.isArray(value)) walk.members += Object.keys(value).length;
    for (const child of Object.values(value)) open.push([child, depth + 1]);
  }
}

function countMembers(value: object, walk: Walk, depth: number): void {
  if (depth > RECURSION) {
    countDeep(value, walk);
    return;
  }
  if (Array.isArray(value)) {
    for (const child of value) if (typeof child === "object" && child !== null) countMembers(child, walk, depth + 1);
    return;
  }
  const members = value as Members;
  for (const name in members) {
    walk.members++;
    const child = members[name];
    if (typeof child === "object" && child !== null) countMembers(child, walk, depth + 1);
  }
}

/** Any JSON: a part of an object that is not modelled. */
export const anything: Schema = {
  check: (value, walk) => {
    if (typeof value === "object" && value !== null) countMembers(value, walk, 0);
    return value;
  },
  zero: () => null,
};

export const string: Schema = {
  check: (value, walk) =>
    typeof value === "string"
      ? value
      : wrongType(walk, value, "a text", typeof value === "object" ? "" : ": put it in quotes"),
  zero: () => "",
};

export const boolean: Schema = {
  check: (value, walk) =>
    typeof value === "boolean"
      ? value
      : wrongType(walk, value, "true or false", value === "true" || value === "false" ? ": remove the quotes" : ""),
  zero: () => false,
};

/** A number; `8080.0` and `8e3` are numbers like others, as they are after kubectl has sent them on. */
export const number: Schema = {
  check: (value, walk) => (typeof value === "number" ? finite(value, walk) : wrongType(walk, value, "a number")),
  zero: () => 0,
};

function finite(value: number, walk: Walk): number {
  if (!Number.isFinite(value)) problem(walk, "out-of-range", "Invalid value: the number is too large");
  return value;
}

function integer(low: number, high: number, name: string): Schema {
  return {
    check: (value, walk) => {
      if (typeof value !== "number") {
        const hint = typeof value === "string" && /^-?[0-9]+$/.test(value) ? ": remove the quotes" : "";
        return wrongType(walk, value, "an integer", hint);
      }
      if (!Number.isInteger(value)) {
        if (!Number.isFinite(value)) return finite(value, walk);
        problem(walk, "wrong-type", `Invalid value: ${value}: expected an integer`);
      } else if (value < low || value > high) {
        problem(walk, "out-of-range", `Invalid value: ${value}: must fit in ${name} (${low} to ${high})`);
      }
      return value;
    },
    zero: () => 0,
  };
}

export const int32: Schema = integer(-(2 ** 31), 2 ** 31 - 1, "a 32-bit integer");
export const int64: Schema = integer(-(2 ** 63), 2 ** 63, "a 64-bit integer");

/** `intstr.IntOrString`: a 32-bit integer or a text. */
export const intOrString: Schema = {
  check: (value, walk) => {
    if (typeof value === "string") return value;
    return typeof value === "number" ? int32.check(value, walk) : wrongType(walk, value, "an integer or a text");
  },
  zero: () => 0,
};

/** `resource.Quantity`: a text, or a number, which becomes a text. */
export const quantity: Schema = {
  check: (value, walk) => {
    if (typeof value === "number") return String(finite(value, walk));
    return typeof value === "string" ? value : wrongType(walk, value, "a quantity such as 2 or 500m");
  },
  zero: () => "0",
};

/** A text that must have a form. */
export function textOf(valid: (text: string) => boolean, expected: string): Schema {
  return {
    check: (value, walk) => {
      if (typeof value !== "string") return wrongType(walk, value, expected);
      if (!valid(value)) problem(walk, "invalid-value", `Invalid value: ${describe(value)} is not ${expected}`);
      return value;
    },
    zero: () => "",
  };
}

/** A list of values of one shape; a null element becomes the shape's zero, as in Go. */
export function listOf(element: Schema): Schema {
  return {
    check: (value, walk) => {
      if (!Array.isArray(value)) return wrongType(walk, value, "a list", ": in YAML each element begins with '- '");
      const list: unknown[] = value;
      const depth = walk.path.push(0) - 1;
      for (let i = 0; i < list.length; i++) {
        walk.path[depth] = i;
        const old = list[i];
        const now = old === null ? element.zero() : element.check(old, walk);
        if (now !== old) list[i] = now;
      }
      walk.path.length = depth;
      return value;
    },
    zero: () => [],
  };
}

/** An object with free keys and values of one shape; a null value becomes the shape's zero, as in Go. */
export function mapOf(element: Schema): Schema {
  return {
    check: (value, walk) => {
      if (!isObject(value)) return wrongType(walk, value, "an object of keys and values");
      const depth = walk.path.push("") - 1;
      for (const name in value) {
        walk.members++;
        walk.path[depth] = name;
        const old = value[name];
        const now = old === null ? element.zero() : element.check(old, walk);
        if (now !== old) value[name] = now;
      }
      walk.path.length = depth;
      return value;
    },
    zero: () => ({}),
  };
}

/** Levenshtein distance of at most 2, or 3. */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2 || a.length > 64) return 3;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return Math.min(3, row[b.length] as number);
}

function suggestion(name: string, known: Iterable<string>): string {
  let best = "";
  let bestDistance = 3;
  for (const candidate of known) {
    const d = candidate.toLowerCase() === name.toLowerCase() ? 0 : distance(name, candidate);
    if (d < bestDistance) [best, bestDistance] = [candidate, d];
  }
  return best === "" ? "" : `; did you mean ${JSON.stringify(best)}?`;
}

function unknownField(walk: Walk, name: string, value: unknown, fields: ReadonlyMap<string, Schema>): void {
  anything.check(value, walk);
  problem(walk, "unknown-field", `unknown field ${JSON.stringify(name)}${suggestion(name, fields.keys())}`, "key");
}

/** An object with known members. A null member is deleted: it counts as absent. Names are case-sensitive. */
export function object(shape: Readonly<Record<string, Schema>>): Schema {
  const fields: ReadonlyMap<string, Schema> = new Map(Object.entries(shape));
  return {
    check: (value, walk) => {
      if (!isObject(value)) return wrongType(walk, value, "an object");
      const depth = walk.path.push("") - 1;
      for (const name in value) {
        walk.members++;
        walk.path[depth] = name;
        const old = value[name];
        const schema = fields.get(name);
        if (schema === undefined) unknownField(walk, name, old, fields);
        else if (old === null && schema.refusesNull !== true) delete value[name];
        else {
          const now = schema.check(old, walk);
          if (now !== old) value[name] = now;
        }
      }
      walk.path.length = depth;
      return value;
    },
    zero: () => ({}),
  };
}

/** A shape whose checked value is then rewritten, for older versions of an object. */
export function rewritten(schema: Schema, rewrite: (value: Members) => void): Schema {
  return {
    check: (value, walk) => {
      const before = walk.problems.length;
      const checked = schema.check(value, walk);
      const sound = walk.problems.slice(before).every((found) => found.code === "unknown-field");
      if (sound && isObject(checked)) rewrite(checked);
      return checked;
    },
    zero: schema.zero,
  };
}
