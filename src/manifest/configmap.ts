import { type ObjectMeta, objectMeta } from "./meta.ts";
import { boolean, mapOf, object, type Schema, string } from "./schema.ts";

/** A v1 ConfigMap. */
export interface ConfigMap {
  readonly apiVersion: string;
  readonly kind: "ConfigMap";
  readonly metadata: ObjectMeta;
  readonly data?: Readonly<Record<string, string>>;
}

/** The members of k8s.io/api core/v1 `ConfigMap`. */
export const configMap: Schema = object({
  apiVersion: string,
  kind: string,
  metadata: objectMeta,
  data: mapOf(string),
  binaryData: mapOf(string),
  immutable: boolean,
});
