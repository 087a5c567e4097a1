import type { ObjectMeta } from "./meta.ts";

/** A v1 ConfigMap. */
export interface ConfigMap {
  readonly apiVersion: string;
  readonly kind: "ConfigMap";
  readonly metadata: ObjectMeta;
  readonly data?: Readonly<Record<string, string>>;
}
