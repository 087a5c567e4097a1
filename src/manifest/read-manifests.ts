import type { Report, Severity, Source } from "../text/diagnostic.ts";
import type { ConfigMap } from "./configmap.ts";
import type { Endpoints } from "./endpoints.ts";
import type { EndpointSlice } from "./endpointslice.ts";
import { type Finding, reportFindings } from "./findings.ts";
import { type DuplicateKey, jsonDuplicates } from "./json-duplicates.ts";
import { countKeys } from "./json-scan.ts";
import { type Bucket, type Kind, kinds, servedAs } from "./kinds.ts";
import type { KubeProxyConfiguration } from "./kubeproxy.ts";
import type { Namespace } from "./namespace.ts";
import type { Node } from "./node.ts";
import type { Located, PathStep } from "./object.ts";
import { fieldPath } from "./path.ts";
import type { Pod } from "./pod.ts";
import { type RawDocument, readDocuments } from "./read-documents.ts";
import { anything, describe, newWalk, type Problem, type Walk } from "./schema.ts";
import type { Service } from "./service.ts";
import { mayHaveLoneSurrogates, replaceLoneSurrogates } from "./well-formed.ts";

/** What unknown and repeated fields are: errors, warnings, or nothing (kubectl's `--validate`). */
export type Validation = "strict" | "warn" | "ignore";

/** How manifests are read. */
export interface ReadOptions {
  readonly validate: Validation;
}

/** All objects of some sources, by kind, in the order of the input. */
export interface Manifests {
  readonly services: readonly Located<Service>[];
  readonly endpointSlices: readonly Located<EndpointSlice>[];
  readonly endpoints: readonly Located<Endpoints>[];
  readonly nodes: readonly Located<Node>[];
  readonly pods: readonly Located<Pod>[];
  readonly namespaces: readonly Located<Namespace>[];
  readonly configMaps: readonly Located<ConfigMap>[];
  readonly kubeProxyConfigurations: readonly Located<KubeProxyConfiguration>[];
  /** How many objects of other kinds there were, by `apiVersion/kind`. */
  readonly skipped: ReadonlyMap<string, number>;
}

type Members = Record<string, unknown>;
type Buckets = { readonly [bucket in Bucket]: Located<unknown>[] };

/** What is known while one document is taken apart. */
interface Taking {
  readonly document: RawDocument;
  readonly validate: Validation;
  readonly buckets: Buckets;
  readonly skipped: Map<string, number>;
  readonly walk: Walk;
  readonly findings: Finding[];
  /** Which objects are lenient or passed over, by the field path of the object; strict ones are not listed. */
  readonly roots: Map<string, "lenient" | "skipped">;
}

/** Deepest nesting of a List in a List that is opened. */
const MAX_LISTS = 8;

function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function fault(taking: Taking, path: readonly PathStep[], skip: number, code: string, message: string): void {
  taking.findings.push({ severity: "error", code, message, path, skip, anchor: "value" });
}

/** The severity of an unknown or repeated field; `undefined` when nothing is said. */
function laxSeverity(validate: Validation, lenient: boolean): Severity | undefined {
  if (validate === "ignore") return undefined;
  return validate === "warn" || lenient ? "warning" : "error";
}

/** Turns the problems of one object into findings; true when the object can be used. */
function judge(taking: Taking, problems: readonly Problem[], path: readonly PathStep[], kind: Kind): boolean {
  let usable = true;
  for (const problem of problems) {
    const lax = problem.code === "unknown-field";
    if (!lax) usable = false;
    const severity = lax ? laxSeverity(taking.validate, kind.lenient) : "error";
    if (severity === undefined) continue;
    const { code, message, anchor } = problem;
    const whole = [...path, ...problem.path];
    taking.findings.push({ severity, code, message, path: whole, skip: path.length, anchor });
  }
  return usable;
}

function skip(taking: Taking, value: Members, path: readonly PathStep[], apiVersion: string, name: string): void {
  countOnly(taking.walk, value);
  const key = `${apiVersion}/${name}`;
  taking.skipped.set(key, (taking.skipped.get(key) ?? 0) + 1);
  taking.roots.set(fieldPath(path), "skipped");
  const served = servedAs(apiVersion, name);
  if (served === undefined) return;
  const message = `passed over: ${name} is read as ${served}, not as ${apiVersion}`;
  taking.findings.push({
    severity: "note",
    code: "other-api-version",
    message,
    path,
    skip: path.length,
    anchor: "value",
  });
}

/** `apiVersion` and `kind` of an object, or of the typed list it stands in; complains when they are not there. */
function typeOf(taking: Taking, value: Members, path: readonly PathStep[], inherited: TypeMeta): TypeMeta | undefined {
  const { kind = inherited.kind, apiVersion = inherited.apiVersion } = value;
  for (const [name, found] of Object.entries({ kind, apiVersion })) {
    if (typeof found === "string" && found !== "") continue;
    if (found === undefined || found === null || found === "") {
      const code = name === "kind" ? "missing-kind" : "missing-api-version";
      fault(taking, path, path.length, code, `Required value: the object has no ${name}, so it is not read`);
    } else {
      fault(
        taking,
        [...path, name],
        path.length,
        "wrong-type",
        `Invalid value: expected a text, found ${describe(found)}`,
      );
    }
    countOnly(taking.walk, value);
    return undefined;
  }
  return { kind: String(kind), apiVersion: String(apiVersion) };
}

interface TypeMeta {
  readonly kind: string | undefined;
  readonly apiVersion: string | undefined;
}

const NO_TYPE: TypeMeta = { kind: undefined, apiVersion: undefined };

/** Counts the members of a part that is not checked. */
function countOnly(walk: Walk, value: unknown): void {
  anything.check(value, walk);
  walk.problems.length = 0;
}

/** A list as kubectl sees one: a kind in `…List`, or anything with a list `items` that is no kind of ours. */
function isList(value: Members): boolean {
  const { kind, apiVersion, items } = value;
  if (typeof kind === "string" && kind.endsWith("List")) return kind === "List" || items !== undefined;
  return Array.isArray(items) && !kinds.has(`${apiVersion}/${kind}`);
}

function takeList(taking: Taking, list: Members, path: readonly PathStep[]): void {
  const { walk } = taking;
  const { kind, apiVersion } = list;
  const typed = typeof kind === "string" && kind !== "List" && kind.endsWith("List");
  const type: TypeMeta = typed && typeof apiVersion === "string" ? { kind: kind.slice(0, -4), apiVersion } : NO_TYPE;
  for (const name in list) {
    walk.members++;
    const value = list[name];
    if (name !== "items") countOnly(walk, value);
    else if (Array.isArray(value)) {
      for (let i = 0; i < value.length; i++) take(taking, value[i], [...path, "items", i], type);
    } else if (value !== null) {
      countOnly(walk, value);
      fault(
        taking,
        [...path, name],
        path.length,
        "wrong-type",
        `Invalid value: expected a list, found ${describe(value)}`,
      );
    }
  }
}

function take(taking: Taking, value: unknown, path: readonly PathStep[], inherited: TypeMeta): void {
  const { walk } = taking;
  if (!isObject(value)) {
    countOnly(walk, value);
    fault(taking, path, path.length, "not-an-object", `expected a Kubernetes object, found ${describe(value)}`);
    return;
  }
  if (path.length < 2 * MAX_LISTS && isList(value)) {
    takeList(taking, value, path);
    return;
  }
  const type = typeOf(taking, value, path, inherited);
  if (type === undefined) return;
  const kind = kinds.get(`${type.apiVersion}/${type.kind}`);
  if (kind === undefined) {
    skip(taking, value, path, String(type.apiVersion), String(type.kind));
    return;
  }
  if (kind.lenient) taking.roots.set(fieldPath(path), "lenient");
  kind.schema.check(value, walk);
  const usable = judge(taking, walk.problems, path, kind);
  walk.problems.length = 0;
  if (!usable) return;
  value.kind ??= type.kind;
  value.apiVersion ??= type.apiVersion;
  if (kind.bucket !== "kubeProxyConfigurations") value.metadata ??= {};
  taking.buckets[kind.bucket].push({ value, origin: { ...taking.document.origin, path } });
}

/** The object that a path of the document leads into: how many steps belong to the lists around it, and its rule. */
function rootOf(
  taking: Taking,
  path: readonly PathStep[],
): { readonly skip: number; readonly rule: string | undefined } {
  let skip = 0;
  for (; path[skip] === "items" && typeof path[skip + 1] === "number" && skip < 2 * MAX_LISTS; skip += 2) {
    const rule = taking.roots.get(fieldPath(path.slice(0, skip)));
    if (rule !== undefined) return { skip, rule };
  }
  return { skip, rule: taking.roots.get(fieldPath(path.slice(0, skip))) };
}

/** Reports repeated keys, except in objects of other kinds. */
function judgeDuplicates(taking: Taking, duplicates: readonly DuplicateKey[]): void {
  for (const { path, offset } of duplicates) {
    const { skip, rule } = rootOf(taking, path);
    if (rule === "skipped") continue;
    const severity = laxSeverity(taking.validate, rule === "lenient");
    if (severity === undefined) continue;
    const message = `the key ${JSON.stringify(path.at(-1))} stands here a second time; the last one counts`;
    taking.findings.push({ severity, code: "duplicate-key", message, path, skip, anchor: "key", offset });
  }
}

function duplicatesOf(taking: Taking): readonly DuplicateKey[] {
  const { origin, duplicates } = taking.document;
  if (duplicates !== undefined) return duplicates;
  if (taking.validate === "ignore") return [];
  const { source, offset, end } = origin;
  // two keys in the text that are one member of the value: only then is it worth finding out which
  if (countKeys(source.text, offset, end) === taking.walk.members) return [];
  return jsonDuplicates(source.text, offset, end);
}

/**
 * Reads Kubernetes objects from texts: YAML streams, JSON, concatenated JSON, `List` and typed lists.
 *
 * Each object of a known kind is checked against its fields and handed out where it stood (nothing is defaulted, null
 * members are gone); an object with a wrong type in it is reported and left out. Other kinds are counted. Every fault
 * of every document is reported with its place; nothing is thrown.
 */
export function readManifests(sources: readonly Source[], options: ReadOptions, report: Report): Manifests {
  const buckets: Buckets = {
    services: [],
    endpointSlices: [],
    endpoints: [],
    nodes: [],
    pods: [],
    namespaces: [],
    configMaps: [],
    kubeProxyConfigurations: [],
  };
  const skipped: Map<string, number> = new Map();
  for (const source of sources) {
    const escapes = mayHaveLoneSurrogates(source.text);
    readDocuments(source, report, (document) => {
      const { validate } = options;
      const walk = newWalk();
      const taking: Taking = { document, validate, buckets, skipped, walk, findings: [], roots: new Map() };
      const lone = escapes ? replaceLoneSurrogates(document.value) : undefined;
      if (lone !== undefined) {
        const message = "half of a surrogate pair is not a character: Kubernetes reads it as U+FFFD";
        const about = { severity: "warning", code: "lone-surrogate", message, anchor: "value" } as const;
        taking.findings.push({ ...about, path: lone, skip: 0 });
      }
      take(taking, document.value, [], NO_TYPE);
      judgeDuplicates(taking, duplicatesOf(taking));
      reportFindings(document.origin, taking.findings, report);
    });
  }
  return { ...(buckets as unknown as Omit<Manifests, "skipped">), skipped };
}
