import type { ObjectMeta } from "../../manifest/meta.ts";
import { type FieldError, type FieldPath, forbidden, invalid, invalidEach, required, tooLong } from "./field-error.ts";
import { byteLength } from "./go-text.ts";
import { dns1123Label, labelValue, maskTrailingDash, qualifiedName, type TextCheck } from "./names.ts";

const ANNOTATION_BYTES = 256 * 1024;

/** The keys of a map in the order of their code units: upstream walks a Go map and has no order of its own. */
function sortedEntries(map: Readonly<Record<string, string>>): readonly (readonly [string, string])[] {
  const entries = Object.entries(map);
  return entries.length < 2 ? entries : entries.sort(([a], [b]) => (a < b ? -1 : 1));
}

/** `ValidateLabels`: keys are qualified names, values label values. All errors name the whole map's path. */
export function validateLabels(path: FieldPath, labels: Readonly<Record<string, string>>): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const [key, value] of sortedEntries(labels)) {
    const at = [...path, key];
    errors.push(...invalidEach(path, key, qualifiedName(key), at), ...invalidEach(path, value, labelValue(value), at));
  }
  return errors;
}

function validateAnnotations(path: FieldPath, annotations: Readonly<Record<string, string>>): readonly FieldError[] {
  const errors: FieldError[] = [];
  let size = 0;
  for (const [key, value] of sortedEntries(annotations)) {
    errors.push(...invalidEach(path, key, qualifiedName(key.toLowerCase()), [...path, key]));
    size += byteLength(key) + byteLength(value);
  }
  if (size > ANNOTATION_BYTES) errors.push(tooLong(path, ANNOTATION_BYTES));
  return errors;
}

function validateNamespace(path: FieldPath, namespace: string, namespaced: boolean): readonly FieldError[] {
  if (!namespaced) return namespace === "" ? [] : [forbidden(path, "not allowed on this type")];
  return namespace === "" ? [required(path)] : invalidEach(path, namespace, dns1123Label(namespace));
}

/**
 * `ValidateObjectMeta`: generateName, name, namespace, labels, annotations. `checkName` is the kind's own rule.
 * Owner references, finalizers and managed fields are not looked at.
 */
export function validateObjectMeta(meta: ObjectMeta, namespaced: boolean, checkName: TextCheck): readonly FieldError[] {
  const errors: FieldError[] = [];
  const { generateName = "", name = "", namespace = "", labels, annotations } = meta;
  if (generateName !== "") {
    errors.push(...invalidEach(["metadata", "generateName"], generateName, checkName(maskTrailingDash(generateName))));
  }
  if (name === "") errors.push(required(["metadata", "name"], "name or generateName is required"));
  else for (const message of checkName(name)) errors.push(invalid(["metadata", "name"], name, message));
  errors.push(...validateNamespace(["metadata", "namespace"], namespace, namespaced));
  if (labels !== undefined) errors.push(...validateLabels(["metadata", "labels"], labels));
  if (annotations !== undefined) errors.push(...validateAnnotations(["metadata", "annotations"], annotations));
  return errors;
}
