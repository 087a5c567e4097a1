import { goJSON, goQuote } from "./go-text.ts";

/** The kinds of `k8s.io/apimachinery/pkg/util/validation/field.Error`, as they are printed. */
export type FieldErrorKind =
  | "Required value"
  | "Invalid value"
  | "Unsupported value"
  | "Duplicate value"
  | "Forbidden"
  | "Too long"
  | "Too many"
  | "Internal error";

/** Steps to a field: names of members (or keys of a map) and indices of lists. */
export type FieldPath = readonly (string | number)[];

/** One finding of the API server or of kube-proxy about a field. */
export interface FieldError {
  /** The path as upstream prints it. */
  readonly path: FieldPath;
  readonly kind: FieldErrorKind;
  readonly value?: unknown;
  readonly detail: string;
  /** The real place in the object, where the printed path is less exact or names a field that does not exist. */
  readonly at?: FieldPath;
  /** Upstream's value has a type of its own or is a pointer; it is then printed as JSON, not Go-quoted. */
  readonly json?: true;
}

/** Maps of the API whose keys the printed path shows in brackets. */
const MAPS: ReadonlySet<string | number> = new Set(["annotations", "labels"]);

/** Prints a path as `field.Path.String` does: `spec.ports[0].port`, `metadata.annotations[example.com/key]`. */
export function formatFieldPath(path: FieldPath): string {
  let text = "";
  for (const [i, step] of path.entries()) {
    const before = i > 0 ? path[i - 1] : undefined;
    if (typeof step === "number" || (before !== undefined && MAPS.has(before))) text += `[${step}]`;
    else text += i === 0 ? step : `.${step}`;
  }
  return text;
}

function formatValue(error: FieldError): string {
  const { kind, value } = error;
  if (kind === "Required value" || kind === "Forbidden" || kind === "Too long" || kind === "Internal error") return "";
  if (typeof value === "string" && error.json === undefined) return `: ${goQuote(value)}`;
  return `: ${goJSON(value)}`;
}

/** The message behind the path, as `field.Error.ErrorBody` prints it. */
export function formatFieldErrorBody(error: FieldError): string {
  const body = error.kind + formatValue(error);
  return error.detail === "" ? body : `${body}: ${error.detail}`;
}

/** A field error in the exact form of apimachinery's `field.Error.Error()`: `<path>: <kind>: <value>: <detail>`. */
export function formatFieldError(error: FieldError): string {
  return `${formatFieldPath(error.path)}: ${formatFieldErrorBody(error)}`;
}

/** Where in the object a field error belongs. */
export function fieldErrorPlace(error: FieldError): FieldPath {
  return error.at ?? error.path;
}

/** Drops findings that print the same as an earlier one, as the API server does with those written by hand. */
export function withoutRepeats(errors: readonly FieldError[]): readonly FieldError[] {
  if (errors.length < 2) return errors;
  const seen = new Set<string>();
  return errors.filter((error) => {
    const text = formatFieldError(error);
    return !seen.has(text) && seen.add(text);
  });
}

/** A missing value. */
export function required(path: FieldPath, detail = ""): FieldError {
  return { path, kind: "Required value", detail };
}

/** A value that breaks its format or its bounds. */
export function invalid(path: FieldPath, value: unknown, detail: string, at?: FieldPath): FieldError {
  return { path, kind: "Invalid value", value, detail, ...(at && { at }) };
}

/** One `invalid` a message. */
export function invalidEach(
  path: FieldPath,
  value: unknown,
  details: readonly string[],
  at?: FieldPath,
): readonly FieldError[] {
  return details.map((detail) => invalid(path, value, detail, at));
}

/** A word that is not one of the known ones, which are listed in the given order. Most such fields have a type. */
export function notSupported(path: FieldPath, value: string, known: readonly string[], plain = false): FieldError {
  const detail = `supported values: ${known.map(goQuote).join(", ")}`;
  return { path, kind: "Unsupported value", value, detail, ...(!plain && { json: true }) };
}

/** A value that may occur once and does so twice. */
export function duplicate(path: FieldPath, value: unknown): FieldError {
  return { path, kind: "Duplicate value", value, detail: "" };
}

/** A field that may not be set beside what else is set. */
export function forbidden(path: FieldPath, detail: string, at?: FieldPath): FieldError {
  return { path, kind: "Forbidden", detail, ...(at && { at }) };
}

/** A list with more than `most` members. */
export function tooMany(path: FieldPath, count: number, most: number): FieldError {
  return { path, kind: "Too many", value: count, detail: `must have at most ${most} ${most === 1 ? "item" : "items"}` };
}

/** A text, or all texts of a map together, longer than `most` bytes. */
export function tooLong(path: FieldPath, most: number): FieldError {
  return { path, kind: "Too long", detail: `may not be more than ${most} ${most === 1 ? "byte" : "bytes"}` };
}

/** A finding that upstream reports as a failure of the server. */
export function internalError(path: FieldPath, detail: string): FieldError {
  return { path, kind: "Internal error", detail };
}
