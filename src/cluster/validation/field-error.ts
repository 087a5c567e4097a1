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

/** Steps to a field: members and list indices. A member that is a map's key is written `{ key }` when printed in brackets. */
export type FieldPath = readonly (string | number)[];

/** One finding of the API server or of kube-proxy about a field. */
export interface FieldError {
  readonly path: FieldPath;
  readonly kind: FieldErrorKind;
  readonly value?: unknown;
  readonly detail: string;
  /** The real place in the object where the printed path names something else. */
  readonly at?: FieldPath;
}
