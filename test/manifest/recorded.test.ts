import { isDeepStrictEqual } from "node:util";
import test from "ava";
import { readDocuments } from "../../src/manifest/read-documents.ts";
import { parseYaml } from "../../src/manifest/yaml-document.ts";
import { yamlValue } from "../../src/manifest/yaml-value.ts";
import type { Diagnostic } from "../../src/text/diagnostic.ts";
import { fixture, read } from "./support.ts";

interface ScalarRow {
  readonly yaml: string;
  readonly json?: string;
  readonly error?: string;
  readonly ours?: string;
}

type Outcome = { readonly value: unknown } | { readonly error: string };

function ours(yaml: string): Outcome {
  const document = parseYaml(yaml);
  if ("fault" in document) return { error: document.fault.message };
  const read = yamlValue(document.contents, yaml);
  return "fault" in read ? { error: read.fault.message } : { value: read.value };
}

function agrees(row: ScalarRow, outcome: Outcome): boolean {
  if (row.json === undefined) return "error" in outcome;
  return "value" in outcome && isDeepStrictEqual(outcome.value, JSON.parse(row.json));
}

const scalars = fixture<{ readonly rows: readonly ScalarRow[]; readonly differences: readonly ScalarRow[] }>(
  "yaml-scalars.json",
);

test("YAML is read as sigs.k8s.io/yaml reads it", (t) => {
  t.true(scalars.rows.length >= 120);
  const wrong = scalars.rows
    .map((row) => ({ row, outcome: ours(row.yaml) }))
    .filter(({ row, outcome }) => !agrees(row, outcome));
  t.deepEqual(wrong.slice(0, 5), []);
});

test("the listed differences from sigs.k8s.io/yaml are still there", (t) => {
  const gone = scalars.differences.filter((row) => agrees(row, ours(row.yaml)));
  t.deepEqual(gone, []);
});

// Asked of the same library: 199 aliases of a list of 200 are read, 200 are "excessive aliasing".
test("aliases are limited where go-yaml limits them", (t) => {
  const aliases = (count: number): string => `a: &a [${"x,".repeat(200)}]\nb: [${"*a,".repeat(count)}]\n`;
  t.true("value" in ours(aliases(199)));
  t.true("error" in ours(aliases(200)));
});

interface StreamRow {
  readonly text: string;
  readonly values: readonly unknown[];
  readonly error?: string;
}

function stream(text: string): { readonly values: unknown[]; readonly errors: Diagnostic[] } {
  const values: unknown[] = [];
  const errors: Diagnostic[] = [];
  readDocuments(
    { name: "f", text },
    (diagnostic) => diagnostic.severity === "error" && errors.push(diagnostic),
    (document) => values.push(document.value),
  );
  return { values, errors };
}

/** Texts of which more is read here than kubectl reads: values behind the first in one YAML document. */
const readsMore: ReadonlySet<string> = new Set(['---\n{"a":1}\n{"b":2}\n', '{"a":1}\n{"b":2}\n{c: 3}\n']);

test("streams are split as kubectl splits them, and go on behind an error", (t) => {
  const { rows } = fixture<{ readonly rows: readonly StreamRow[] }>("yaml-streams.json");
  const wrong = rows.filter(({ text, values, error }) => {
    if (readsMore.has(text)) return false;
    const read = stream(text);
    if (error === undefined) return read.errors.length > 0 || !isDeepStrictEqual(read.values, values);
    return read.errors.length === 0 || !isDeepStrictEqual(read.values.slice(0, values.length), values);
  });
  t.deepEqual(
    wrong.map((row) => ({ row, read: stream(row.text) })),
    [],
  );
});

const { types } = fixture<{ readonly types: Readonly<Record<string, Readonly<Record<string, string>>>> }>(
  "known-fields.json",
);

const V1 = "apiVersion: v1";
const KUBEPROXY = "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration";
const slice = (version: string): string => `apiVersion: discovery.k8s.io/${version}\nkind: EndpointSlice`;

/** Where each recorded type stands: the object around it, with `%` for the members under test (a flow mapping). */
const stands: Readonly<Record<string, string>> = {
  ObjectMeta: `${V1}\nkind: Service\nmetadata: %`,
  OwnerReference: `${V1}\nkind: Service\nmetadata: {ownerReferences: [%]}`,
  Service: `{apiVersion: v1, kind: Service, ...%}`,
  ServiceSpec: `${V1}\nkind: Service\nspec: %`,
  ServicePort: `${V1}\nkind: Service\nspec: {ports: [%]}`,
  SessionAffinityConfig: `${V1}\nkind: Service\nspec: {sessionAffinityConfig: %}`,
  ClientIPConfig: `${V1}\nkind: Service\nspec: {sessionAffinityConfig: {clientIP: %}}`,
  ServiceStatus: `${V1}\nkind: Service\nstatus: %`,
  LoadBalancerStatus: `${V1}\nkind: Service\nstatus: {loadBalancer: %}`,
  LoadBalancerIngress: `${V1}\nkind: Service\nstatus: {loadBalancer: {ingress: [%]}}`,
  PortStatus: `${V1}\nkind: Service\nstatus: {loadBalancer: {ingress: [{ports: [%]}]}}`,
  Endpoints: `{apiVersion: v1, kind: Endpoints, ...%}`,
  EndpointSubset: `${V1}\nkind: Endpoints\nsubsets: [%]`,
  EndpointAddress: `${V1}\nkind: Endpoints\nsubsets: [{addresses: [%]}]`,
  ObjectReference: `${V1}\nkind: Endpoints\nsubsets: [{notReadyAddresses: [{targetRef: %}]}]`,
  EndpointPort: `${V1}\nkind: Endpoints\nsubsets: [{ports: [%]}]`,
  EndpointSlice: `{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, ...%}`,
  Endpoint: `${slice("v1")}\nendpoints: [%]`,
  EndpointConditions: `${slice("v1")}\nendpoints: [{conditions: %}]`,
  EndpointHints: `${slice("v1")}\nendpoints: [{hints: %}]`,
  ForZone: `${slice("v1")}\nendpoints: [{hints: {forZones: [%]}}]`,
  ForNode: `${slice("v1")}\nendpoints: [{hints: {forNodes: [%]}}]`,
  "v1beta1.EndpointSlice": `{apiVersion: discovery.k8s.io/v1beta1, kind: EndpointSlice, ...%}`,
  "v1beta1.Endpoint": `${slice("v1beta1")}\nendpoints: [%]`,
  "v1beta1.EndpointPort": `${slice("v1beta1")}\nports: [%]`,
  "v1beta1.EndpointConditions": `${slice("v1beta1")}\nendpoints: [{conditions: %}]`,
  "v1beta1.EndpointHints": `${slice("v1beta1")}\nendpoints: [{hints: %}]`,
  "v1beta1.ForZone": `${slice("v1beta1")}\nendpoints: [{hints: {forZones: [%]}}]`,
  "v1beta1.ForNode": `${slice("v1beta1")}\nendpoints: [{hints: {forNodes: [%]}}]`,
  ConfigMap: `{apiVersion: v1, kind: ConfigMap, ...%}`,
  Namespace: `{apiVersion: v1, kind: Namespace, ...%}`,
  NamespaceSpec: `${V1}\nkind: Namespace\nspec: %`,
  NamespaceStatus: `${V1}\nkind: Namespace\nstatus: %`,
  Node: `{apiVersion: v1, kind: Node, ...%}`,
  NodeSpec: `${V1}\nkind: Node\nspec: %`,
  Taint: `${V1}\nkind: Node\nspec: {taints: [%]}`,
  NodeStatus: `${V1}\nkind: Node\nstatus: %`,
  NodeAddress: `${V1}\nkind: Node\nstatus: {addresses: [%]}`,
  NodeCondition: `${V1}\nkind: Node\nstatus: {conditions: [%]}`,
  Pod: `{apiVersion: v1, kind: Pod, ...%}`,
  PodSpec: `${V1}\nkind: Pod\nspec: %`,
  Container: `${V1}\nkind: Pod\nspec: {containers: [%]}`,
  ContainerPort: `${V1}\nkind: Pod\nspec: {initContainers: [{ports: [%]}]}`,
  PodStatus: `${V1}\nkind: Pod\nstatus: %`,
  PodIP: `${V1}\nkind: Pod\nstatus: {podIPs: [%]}`,
  HostIP: `${V1}\nkind: Pod\nstatus: {hostIPs: [%]}`,
  PodCondition: `${V1}\nkind: Pod\nstatus: {conditions: [%]}`,
  KubeProxyConfiguration: `{apiVersion: kubeproxy.config.k8s.io/v1alpha1, kind: KubeProxyConfiguration, ...%}`,
  ClientConnectionConfiguration: `${KUBEPROXY}\nclientConnection: %`,
  KubeProxyConntrackConfiguration: `${KUBEPROXY}\nconntrack: %`,
  KubeProxyIPTablesConfiguration: `${KUBEPROXY}\niptables: %`,
  KubeProxyIPVSConfiguration: `${KUBEPROXY}\nipvs: %`,
  KubeProxyNFTablesConfiguration: `${KUBEPROXY}\nnftables: %`,
  KubeProxyWinkernelConfiguration: `${KUBEPROXY}\nwinkernel: %`,
  DetectLocalConfiguration: `${KUBEPROXY}\ndetectLocal: %`,
};

/** Members known here that today's Go types do not have: old spellings, and what became of old objects. */
const OLD: ReadonlySet<string> = new Set([
  "ServiceSpec.topologyKeys",
  "ServiceSpec.ipFamily",
  "KubeProxyConfiguration.resourceContainer",
  "KubeProxyConfiguration.udpIdleTimeout",
  "KubeProxyConntrackConfiguration.max",
]);

function withMember(type: string, name: string, value: string): string {
  const place = stands[type] ?? "";
  return place.includes("...%")
    ? place.replace("...%", `${name}: ${value}`)
    : place.replace("%", `{${name}: ${value}}`);
}

const isTypeMeta = (name: string): boolean => name === "apiVersion" || name === "kind";

test("exactly the members of the Go types are known, in every place", (t) => {
  t.deepEqual(Object.keys(types).sort(), Object.keys(stands).sort());
  const everyName = new Set(Object.values(types).flatMap((members) => Object.keys(members)));
  const wrong: string[] = [];
  for (const [type, members] of Object.entries(types)) {
    for (const name of everyName) {
      if (stands[type]?.includes("...%") && isTypeMeta(name)) continue;
      const { found } = read(withMember(type, name, "null"));
      const known = Object.hasOwn(members, name) || OLD.has(`${type}.${name}`);
      if (found.some((line) => line.includes("unknown-field")) === known) wrong.push(`${type}.${name} ${found}`);
    }
  }
  t.deepEqual(wrong, []);
});

/** For each Go type of a member, a value that Kubernetes refuses for it. */
const REFUSED: Readonly<Record<string, string>> = {
  string: "7",
  bool: '"true"',
  int32: '"7"',
  int64: "1.5",
  float32: "x",
  Time: "yesterday",
  Duration: "30",
  Quantity: "[1]",
  IntOrString: "true",
};

test("members of a wrong type are reported where they stand", (t) => {
  const wrong: string[] = [];
  for (const [type, members] of Object.entries(types)) {
    for (const [name, goType] of Object.entries(members)) {
      if (stands[type]?.includes("...%") && isTypeMeta(name)) continue;
      const refused = goType.startsWith("[]") || goType.startsWith("map[") ? "x" : REFUSED[goType];
      if (refused === undefined) continue;
      const { found, manifests } = read(withMember(type, name, refused));
      const [first = ""] = found;
      if (found.length !== 1 || !first.endsWith(name)) wrong.push(`${type}.${name} ${goType} ${found}`);
      const { skipped: _skipped, ...lists } = manifests;
      if (Object.values(lists).some((list) => list.length > 0)) wrong.push(`${type}.${name} kept`);
    }
  }
  t.deepEqual(wrong, []);
});
