import test from "ava";
import fc from "fast-check";
import { stringify, type ToStringOptions } from "yaml";
import type { PathStep } from "../../src/manifest/object.ts";
import { fieldPath } from "../../src/manifest/path.ts";
import { read } from "./support.ts";

const RUNS = { numRuns: 150 };

const NAMES = [
  "apiVersion",
  "kind",
  "metadata",
  "spec",
  "ports",
  "items",
  "labels",
  "status",
  "__proto__",
  "constructor",
];
const WORDS = [
  "v1",
  "Service",
  "Pod",
  "List",
  "ServiceList",
  "Node",
  "KubeProxyConfiguration",
  "yes",
  "1",
  "a: b",
  "---",
];

/** JSON that looks like objects often enough to come far into the decoders. */
const { value: anyJson } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.oneof(
      fc.constantFrom<unknown>(null, true, 1e308, -1, 0.5, ...WORDS),
      fc.string({ unit: "binary" }),
      fc.double({ noNaN: true }),
    ),
    fc.array(tie("value"), { maxLength: 4 }),
    fc
      .array(fc.tuple(fc.oneof(fc.constantFrom(...NAMES), fc.string()), tie("value")), { maxLength: 6 })
      .map(Object.fromEntries),
  ),
}));

const typed = anyJson.chain((body) =>
  fc.constantFrom(...WORDS).map((kind) => {
    const apiVersion = kind === "KubeProxyConfiguration" ? "kubeproxy.config.k8s.io/v1alpha1" : "v1";
    return typeof body === "object" && !Array.isArray(body) ? { ...body, apiVersion, kind } : body;
  }),
);

test("law: any JSON value is read without an exception, and every finding has a place in the text", (t) => {
  fc.assert(
    fc.property(fc.oneof(anyJson, typed), (value) => {
      const text = JSON.stringify(value, null, 1);
      for (const { place } of read(text).diagnostics) {
        if (place === undefined || place.offset < 0 || place.offset > text.length) return false;
      }
      return true;
    }),
    RUNS,
  );
  t.pass();
});

test("law: any text is read without an exception", (t) => {
  const pieces = fc.constantFrom(
    "{",
    "}",
    "[",
    "]",
    '"',
    "'",
    ":",
    ": ",
    ",",
    "\n",
    "\n---\n",
    "- ",
    "a",
    "#",
    "&a ",
    "*a",
    "|",
    ">",
    "!!int ",
    "  ",
    "\\",
    "\t",
    "<<: ",
    "?",
    "\r",
    "%",
    "é",
    "\ud800",
    "\0",
    '{"a":1}',
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 30 }), (parts) => {
      read(parts.join(""));
      return true;
    }),
    { numRuns: 1500 },
  );
  t.pass();
});

const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,10}$/);
const text = fc.oneof(
  name,
  fc.constantFrom(
    "yes",
    "1e3",
    "0x10",
    "~",
    "",
    "null",
    "a: b",
    "# c",
    "12:30",
    " x ",
    "- y",
    "é😀",
    "1_0",
    '"q"',
    "a\nb",
  ),
);

/** Services that are valid for the decoder, with every type of member in them. */
const serviceOf = (text: fc.Arbitrary<string>, key: fc.Arbitrary<string>) => {
  const map = fc.dictionary(key, text, { maxKeys: 4 });
  return fc.record({
    apiVersion: fc.constant("v1"),
    kind: fc.constant("Service"),
    metadata: fc.record({ name: text, namespace: text, labels: map, annotations: map }),
    spec: fc.record({
      type: fc.constantFrom("ClusterIP", "NodePort"),
      selector: map,
      clusterIPs: fc.array(text, { maxLength: 2 }),
      publishNotReadyAddresses: fc.boolean(),
      ports: fc.array(
        fc.record({ name: text, port: fc.nat(65535), targetPort: fc.oneof(fc.nat(65535), text), protocol: text }),
        { minLength: 1, maxLength: 3 },
      ),
    }),
  });
};

/** Any texts, which a writer must quote; and texts that mean themselves in every YAML. */
const service = serviceOf(text, fc.oneof(name, fc.constantFrom("a/b", "1", "y", "__proto__")));
const safe = fc.stringMatching(/^[a-z]{2,6}-[a-z]{1,4}$/);
const plainService = serviceOf(safe, safe);

const quotings: readonly ToStringOptions[] = [
  { defaultStringType: "QUOTE_DOUBLE" },
  { defaultStringType: "QUOTE_SINGLE" },
];
const layouts: readonly ToStringOptions[] = [{}, { collectionStyle: "flow" }, { indent: 4 }, { indentSeq: false }];

/** An object and a way to write it in YAML that keeps its meaning. */
const written = fc.constantFrom(...layouts).chain((layout) =>
  fc.oneof(
    fc.record({
      object: service,
      options: fc.constantFrom(...quotings.map((quoting) => ({ ...layout, ...quoting }))),
    }),
    fc.record({ object: plainService, options: fc.constant(layout) }),
  ),
);

test("law: the YAML and the JSON form of an object give the same value", (t) => {
  fc.assert(
    fc.property(written, ({ object, options }) => {
      const fromYaml = read(stringify(object, options));
      const fromJson = read(JSON.stringify(object));
      t.deepEqual(fromYaml.found, []);
      t.deepEqual(fromJson.found, []);
      t.deepEqual(fromYaml.manifests.services[0]?.value, fromJson.manifests.services[0]?.value);
      t.deepEqual(fromJson.manifests.services[0]?.value as unknown, object);
    }),
    RUNS,
  );
});

/** A fault: where it is put, and what. The marker text is found again in the written form: that is the oracle. */
const faults: readonly (readonly [path: readonly PathStep[], code: string])[] = [
  [["metadata"], "wrong-type"],
  [["metadata", "labels"], "wrong-type"],
  [["spec"], "wrong-type"],
  [["spec", "selector"], "wrong-type"],
  [["spec", "ports"], "wrong-type"],
  [["spec", "ports", 0], "wrong-type"],
  [["spec", "ports", 0, "port"], "wrong-type"],
  [["spec", "publishNotReadyAddresses"], "wrong-type"],
  [["spec", "healthCheckNodePort"], "wrong-type"],
  [["status"], "wrong-type"],
  [["status", "loadBalancer"], "wrong-type"],
];
const MARKER = "fault-marker";

function inject(target: unknown, path: readonly PathStep[]): void {
  let at = target as Record<PathStep, unknown>;
  for (const step of path.slice(0, -1)) {
    at[step] ??= {};
    at = at[step] as Record<PathStep, unknown>;
  }
  at[path.at(-1) as PathStep] = MARKER;
}

test("law: a fault that was put in is found at its place, in JSON, YAML and Lists of both", (t) => {
  const form = fc.constantFrom(
    (value: unknown) => JSON.stringify(value),
    (value: unknown) => JSON.stringify(value, null, 4),
    (value: unknown) => stringify(value),
    (value: unknown) => stringify(value, { collectionStyle: "flow" }),
  );
  fc.assert(
    fc.property(
      fc.array(plainService, { minLength: 1, maxLength: 3 }),
      fc.nat(),
      fc.constantFrom(...faults),
      form,
      fc.boolean(),
      (generated, pick, [path, code], write, inList) => {
        const objects = structuredClone(generated);
        inject(objects[pick % objects.length], path);
        const body = inList
          ? write({ apiVersion: "v1", kind: "List", items: objects })
          : objects.map(write).join("\n---\n");
        const { diagnostics, manifests } = read(body);
        const [first] = diagnostics;
        t.is(diagnostics.length, 1);
        t.is(first?.code, code);
        t.is(first?.field, fieldPath(path));
        const marker = body.indexOf(MARKER);
        t.is(first?.place?.offset, body[marker - 1] === '"' ? marker - 1 : marker);
        t.is(manifests.services.length, objects.length - 1);
      },
    ),
    RUNS,
  );
});

test("law: a repeated or unknown member is found at its key", (t) => {
  fc.assert(
    fc.property(service, fc.boolean(), fc.boolean(), (object, unknown, pretty) => {
      const spec = { ...object.spec, externalName: "x", [MARKER]: "z" };
      const text = JSON.stringify({ ...object, spec }, null, pretty ? 2 : 0);
      const added = unknown ? MARKER : "externalName";
      const body = text.replace(MARKER, added);
      const { diagnostics, manifests } = read(body);
      const [first] = diagnostics;
      t.deepEqual([diagnostics.length, first?.code], [1, unknown ? "unknown-field" : "duplicate-key"]);
      t.is(first?.place?.offset, body.lastIndexOf(`"${added}"`));
      t.is(manifests.services.length, 1);
    }),
    RUNS,
  );
});
