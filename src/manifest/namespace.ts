import type { ObjectMeta } from "./meta.ts";

/** A v1 Namespace. */
export interface Namespace {
  readonly apiVersion: string;
  readonly kind: "Namespace";
  readonly metadata: ObjectMeta;
}
