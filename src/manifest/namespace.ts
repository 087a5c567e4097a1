import { type ObjectMeta, objectMeta } from "./meta.ts";
import { anything, listOf, object, type Schema, string } from "./schema.ts";

/** A v1 Namespace. */
export interface Namespace {
  readonly apiVersion: string;
  readonly kind: "Namespace";
  readonly metadata: ObjectMeta;
}

/** The members of k8s.io/api core/v1 `Namespace`. */
export const namespace: Schema = object({
  apiVersion: string,
  kind: string,
  metadata: objectMeta,
  spec: object({ finalizers: listOf(string) }),
  status: object({ conditions: listOf(anything), phase: string }),
});
