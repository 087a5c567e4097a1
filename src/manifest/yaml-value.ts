import { isAlias, isMap, isScalar, isSeq, type Node, type Scalar, type YAMLMap } from "yaml";
import type { DuplicateKey } from "./json-duplicates.ts";
import type { PathStep } from "./object.ts";
import type { ReadFault } from "./yaml-document.ts";
import { floatKey, MAX_INT64, plainScalar, type YamlScalar } from "./yaml-scalar.ts";

/** A YAML document as a plain JSON value: no node is shared, so the value may be changed in place. */
export type YamlValue =
  | { readonly value: unknown; readonly duplicates: readonly DuplicateKey[] }
  | { readonly fault: ReadFault };

type Members = Record<string, unknown>;

/** What one conversion has to remember. */
interface Conversion {
  readonly text: string;
  readonly targets: ReadonlyMap<Node, Node | undefined>;
  readonly open: Set<Node>;
  readonly path: PathStep[];
  readonly duplicates: DuplicateKey[];
  steps: number;
  aliased: number;
  aliasDepth: number;
  fault: ReadFault | undefined;
}

const TAG = "tag:yaml.org,2002:";
const MAX_DEPTH = 1000;

const TIMESTAMP = /^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:$|[Tt ][0-9])/;

function fail(state: Conversion, node: unknown, code: string, message: string): undefined {
  const range = (node as Node | null)?.range;
  state.fault ??= { code, offset: range?.[0] ?? 0, message };
  return undefined;
}

/** Sets an own member, also when its name is `__proto__`. */
export function setMember(target: Members, name: string, value: unknown): void {
  if (name === "__proto__") {
    Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true });
  } else target[name] = value;
}

/**
 * The nodes that the aliases of a document stand for, in document order: an alias means the latest anchor of its name
 * before it, and a collection's anchor holds from its beginning.
 */
function resolveAliases(root: Node): Map<Node, Node | undefined> {
  const anchors: Map<string, Node> = new Map();
  const targets: Map<Node, Node | undefined> = new Map();
  const visit = (node: unknown): void => {
    if (isAlias(node)) {
      targets.set(node, anchors.get(node.source));
      return;
    }
    if (!isScalar(node) && !isMap(node) && !isSeq(node)) return;
    if (node.anchor !== undefined) anchors.set(node.anchor, node);
    if (isMap(node)) {
      for (const pair of node.items) {
        visit(pair.key);
        visit(pair.value);
      }
    } else if (isSeq(node)) for (const item of node.items) visit(item);
  };
  visit(root);
  return targets;
}

/** The limits of go.yaml.in/yaml/v2 (`allowedAliasRatio`): how much of a document may come from aliases. */
function allowedAliasRatio(steps: number): number {
  if (steps <= 400_000) return 0.99;
  if (steps >= 4_000_000) return 0.1;
  return 0.99 - 0.89 * ((steps - 400_000) / 3_600_000);
}

function count(state: Conversion, node: unknown): boolean {
  if (state.fault !== undefined) return false;
  state.steps++;
  if (state.aliasDepth > 0) state.aliased++;
  const { steps, aliased } = state;
  if (aliased > 100 && steps > 1000 && aliased / steps > allowedAliasRatio(steps)) {
    fail(state, node, "alias-bomb", "the document contains excessive aliasing: write the values out");
    return false;
  }
  return true;
}

/** `resolve` with an explicit tag: the text must be of that type; unknown tags give texts. */
function taggedScalar(state: Conversion, node: Scalar, tag: string, text: string): YamlScalar | undefined {
  const short = tag.startsWith(TAG) ? tag.slice(TAG.length) : "";
  if (short === "binary") return binaryText(state, node, text);
  if (short === "timestamp" && TIMESTAMP.test(text)) return { kind: "string", value: text };
  if (!["bool", "int", "float", "null", "timestamp"].includes(short)) return { kind: "string", value: text };
  const scalar = plainScalar(text);
  if (scalar.kind === short) return scalar;
  if (short === "float" && scalar.kind === "int" && scalar.value <= MAX_INT64) {
    return { kind: "float", value: Number(scalar.value) };
  }
  return fail(state, node, "yaml-tag", `cannot decode \`${text.slice(0, 40)}\` as a !!${short}`);
}

function binaryText(state: Conversion, node: Scalar, text: string): YamlScalar | undefined {
  try {
    const bytes = Uint8Array.from(atob(text.replace(/[\r\n]/g, "")), (character) => character.charCodeAt(0));
    return { kind: "string", value: new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes) };
  } catch {
    return fail(state, node, "yaml-tag", "!!binary value contains invalid base64 data");
  }
}

/** True for escapes of a double-quoted scalar that YAML 1.2 has and go.yaml.in/yaml/v2 refuses. */
function hasForeignEscape(raw: string): boolean {
  for (let at = raw.indexOf("\\"); at >= 0; at = raw.indexOf("\\", at + 2)) {
    if (raw[at + 1] === "/" || /^u[dD][89a-fA-F]/.test(raw.slice(at + 1, at + 4))) return true;
  }
  return false;
}

function readScalar(state: Conversion, node: Scalar): YamlScalar | undefined {
  const text = node.source ?? String(node.value ?? "");
  const { tag } = node;
  if (node.type === "QUOTE_DOUBLE" && node.range !== undefined && node.range !== null) {
    const raw = state.text.slice(node.range[0], node.range[1]);
    if (hasForeignEscape(raw)) {
      return fail(
        state,
        node,
        "yaml-syntax",
        "Kubernetes reads neither \\/ nor surrogates (\\ud83d) in YAML: write the character itself",
      );
    }
  }
  if (tag === "!") return { kind: "string", value: text };
  if (tag !== undefined) return taggedScalar(state, node, tag, text);
  if (node.type !== undefined && node.type !== "PLAIN") return { kind: "string", value: text };
  return plainScalar(text);
}

function jsonScalar(state: Conversion, node: Scalar): unknown {
  const scalar = readScalar(state, node);
  if (scalar === undefined || scalar.kind === "null") return null;
  if (scalar.kind === "int") return Number(scalar.value);
  if (scalar.kind === "float" && !Number.isFinite(scalar.value)) {
    return fail(
      state,
      node,
      "not-json",
      `${node.source ?? "the number"} has no JSON form: quote it if a text is meant`,
    );
  }
  return scalar.value;
}

/** A map key as sigs.k8s.io/yaml spells it; keys that are null, collections or above int64 are refused. */
function keyText(state: Conversion, key: unknown): string | undefined {
  const node = isAlias(key) ? state.targets.get(key) : key;
  if (!count(state, key)) return undefined;
  if (node === null || node === undefined) return fail(state, key, "yaml-key", "null cannot be a key: quote it");
  if (!isScalar(node)) return fail(state, key, "yaml-key", "a list or a map cannot be a key");
  const scalar = readScalar(state, node);
  if (scalar === undefined) return undefined;
  switch (scalar.kind) {
    case "null":
      return fail(state, key, "yaml-key", "null cannot be a key: quote it");
    case "int":
      if (scalar.value > MAX_INT64) return fail(state, key, "yaml-key", "the key is too large: quote it");
      return scalar.value.toString();
    case "float":
      return floatKey(scalar.value);
    default:
      return String(scalar.value);
  }
}

function isMerge(key: unknown): boolean {
  if (!isScalar(key) || key.source !== "<<") return false;
  return key.tag === `${TAG}merge` || (key.tag === undefined && key.type === "PLAIN");
}

function merge(state: Conversion, source: unknown, target: Members): void {
  if (!count(state, source)) return;
  const aliased = isAlias(source);
  const node = aliased ? state.targets.get(source) : source;
  if (isSeq(node) && !aliased) {
    for (const item of node.items.toReversed()) {
      if (isSeq(item)) fail(state, item, "yaml-merge", "map merge requires a map or a list of maps");
      else merge(state, item, target);
    }
    return;
  }
  if (!isMap(node)) {
    fail(state, source, "yaml-merge", "map merge requires a map or a list of maps");
    return;
  }
  if (aliased) within(state, source, () => fill(state, node, target));
  else fill(state, node, target);
}

/** Runs an expansion of an alias, unless it is being expanded already. */
function within<T>(state: Conversion, alias: Node, run: () => T): T | undefined {
  if (state.open.has(alias)) return fail(state, alias, "yaml-alias", "the anchor's value contains itself");
  state.open.add(alias);
  state.aliasDepth++;
  const result = run();
  state.aliasDepth--;
  state.open.delete(alias);
  return result;
}

/** Puts the members of a map into an object in written order: a later member or merge overwrites an earlier one. */
function fill(state: Conversion, map: YAMLMap, target: Members): void {
  const written: Set<string> = new Set();
  for (const { key, value } of map.items) {
    if (state.fault !== undefined) return;
    if (isMerge(key)) {
      merge(state, value, target);
      continue;
    }
    const name = keyText(state, key);
    if (name === undefined) return;
    state.path.push(name);
    if (written.has(name)) {
      state.duplicates.push({ path: [...state.path], offset: (key as Node).range?.[0] ?? 0 });
    }
    written.add(name);
    setMember(target, name, convert(state, value));
    state.path.pop();
  }
}

function convert(state: Conversion, node: unknown): unknown {
  if (!count(state, node)) return null;
  if (state.path.length > MAX_DEPTH) return fail(state, node, "too-deep", "nested too deeply: not read");
  if (node === null || node === undefined) return null;
  if (isScalar(node)) return jsonScalar(state, node);
  if (isMap(node)) {
    const members: Members = {};
    fill(state, node, members);
    return members;
  }
  if (isSeq(node)) {
    const list: unknown[] = [];
    for (const item of node.items) {
      state.path.push(list.length);
      list.push(convert(state, item));
      state.path.pop();
      if (state.fault !== undefined) break;
    }
    return list;
  }
  if (!isAlias(node)) return null;
  const target = state.targets.get(node);
  return target === undefined ? null : within(state, node, () => convert(state, target));
}

/** Turns the tree of a document into a value, as sigs.k8s.io/yaml `YAMLToJSON` does. */
export function yamlValue(root: Node | null, text: string): YamlValue {
  if (root === null) return { value: null, duplicates: [] };
  const targets = resolveAliases(root);
  const duplicates: DuplicateKey[] = [];
  const state: Conversion = {
    text,
    targets,
    open: new Set(),
    path: [],
    duplicates,
    steps: 1,
    aliased: 0,
    aliasDepth: 0,
    fault: undefined,
  };
  for (const [alias, target] of targets) {
    if (target === undefined) {
      const name = isAlias(alias) ? alias.source : "";
      fail(state, alias, "yaml-alias", `unknown anchor '${name}' referenced: an anchor is written &${name} before it`);
      break;
    }
  }
  const value = convert(state, root);
  return state.fault === undefined ? { value, duplicates } : { fault: state.fault };
}
