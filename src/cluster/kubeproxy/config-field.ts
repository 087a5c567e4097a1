import { type FieldError, type FieldPath, invalid } from "../validation/field-error.ts";

/** The name with which kube-proxy begins the paths it prints. */
export const ROOT = "KubeProxyConfiguration";

/** Where a field stands in the file, beside the path kube-proxy prints for it. */
export interface ConfigField {
  readonly path: FieldPath;
  readonly at: FieldPath;
}

/** A field at a place of the file, printed under the given names. */
export function field(at: FieldPath, ...printed: readonly string[]): ConfigField {
  return { path: [ROOT, ...printed], at };
}

/** A finding about the value of a field. */
export function refuse({ path, at }: ConfigField, value: unknown, detail: string): FieldError {
  return invalid(path, value, detail, at);
}

/** A member of a field that is a list. */
export function member({ path, at }: ConfigField, i: number): ConfigField {
  return { path: [...path, i], at: [...at, i] };
}
