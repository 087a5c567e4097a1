import { anything, boolean, int64, listOf, mapOf, object, type Schema, string, textOf } from "./schema.ts";
/** `metadata` as far as it matters here; every other member is left alone. */
export interface ObjectMeta {
  readonly name?: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly generateName?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
}

/** A number or a name, as in `targetPort`. */
export type IntOrString = number | string;

const TIME =
  /^([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{1,2}):([0-9]{2}):([0-9]{2})(?:[.,][0-9]+)?(?:Z|[+-]([0-9]{2}):([0-9]{2}))$/;

function isTime(text: string): boolean {
  const match = TIME.exec(text);
  if (match === null) return false;
  const [year, month, day, hour, minute, second, zoneHour, zoneMinute] = match
    .slice(1)
    .map((part) => Number(part ?? 0));
  const days = new Date(Date.UTC(2000 + ((year ?? 0) % 400), month ?? 0, 0)).getUTCDate();
  const inDay = (hour ?? 0) < 24 && (minute ?? 0) < 60 && (second ?? 0) < 60;
  const inZone = (zoneHour || 0) <= 24 && (zoneMinute || 0) <= 60;
  return inDay && inZone && (month ?? 0) >= 1 && (month ?? 0) <= 12 && (day ?? 0) >= 1 && (day ?? 0) <= days;
}

/** `metav1.Time`: RFC 3339; Go's `time.Parse` also takes fractions of a second. */
export const time: Schema = textOf(isTime, "a time such as 2026-01-02T15:04:05Z");

const ownerReference: Schema = object({
  apiVersion: string,
  blockOwnerDeletion: boolean,
  controller: boolean,
  kind: string,
  name: string,
  uid: string,
});

/** The members of `k8s.io/apimachinery` `ObjectMeta`. */
export const objectMeta: Schema = object({
  annotations: mapOf(string),
  creationTimestamp: time,
  deletionGracePeriodSeconds: int64,
  deletionTimestamp: time,
  finalizers: listOf(string),
  generateName: string,
  generation: int64,
  labels: mapOf(string),
  managedFields: listOf(anything),
  name: string,
  namespace: string,
  ownerReferences: listOf(ownerReference),
  resourceVersion: string,
  selfLink: string,
  uid: string,
});

/** The members of `ObjectReference`, as in an endpoint's `targetRef`. */
export const objectReference: Schema = object({
  apiVersion: string,
  fieldPath: string,
  kind: string,
  name: string,
  namespace: string,
  resourceVersion: string,
  uid: string,
});
