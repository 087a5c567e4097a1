import test from "ava";
import type { ConfigMap } from "../../src/manifest/configmap.ts";
import { decodeSource } from "../../src/manifest/decode-source.ts";
import { kubeProxyConfigurationOf } from "../../src/manifest/kubeproxy-configmap.ts";
import { locate } from "../../src/manifest/locate.ts";
import type { Located, PathStep } from "../../src/manifest/object.ts";
import { fieldPath } from "../../src/manifest/path.ts";
import type { Validation } from "../../src/manifest/read-manifests.ts";
import type { Diagnostic } from "../../src/text/diagnostic.ts";
import { brief, countObjects, read } from "./support.ts";

const SERVICE = '{"apiVersion":"v1","kind":"Service","metadata":{"name":"a"}}';
const slice = (version: string, endpoint: string): string =>
  `{"apiVersion":"discovery.k8s.io/${version}","kind":"EndpointSlice","endpoints":[${endpoint}]}`;

/** Name, text, how many objects are read, and every finding as `LINE:COLUMN code field`. */
type Row = readonly [name: string, text: string, objects: number, found: readonly string[], validate?: Validation];

const rows: readonly Row[] = [
  ["one JSON object", SERVICE, 1, []],
  ["JSON behind a byte order mark", `\ufeff${SERVICE}`, 1, []],
  ["JSON behind blank lines", `\n\n  ${SERVICE}\n`, 1, []],
  ["concatenated JSON", SERVICE + SERVICE, 2, []],
  ["JSON documents with marks between", `${SERVICE}\n---\n${SERVICE}\n`, 2, []],
  ["a List", `{"apiVersion":"v1","kind":"List","items":[${SERVICE},${SERVICE}]}`, 2, []],
  ["a List without items", '{"apiVersion":"v1","kind":"List"}', 0, []],
  ["a List in a List", `{"kind":"List","items":[{"kind":"List","items":[${SERVICE}]}]}`, 1, []],
  ["a typed list", '{"apiVersion":"v1","kind":"ServiceList","items":[{"metadata":{"name":"a"}}]}', 1, []],
  [
    "a typed list of slices",
    '{"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSliceList","metadata":{},"items":[{"addressType":"IPv4"}]}',
    1,
    [],
  ],
  ["items that are no list", '{"kind":"List","items":{}}', 0, ["1:24 wrong-type items"]],
  ["an item that is no object", `{"kind":"List","items":[7,${SERVICE}]}`, 1, ["1:25 not-an-object"]],
  ["YAML documents", "apiVersion: v1\nkind: Service\n---\napiVersion: v1\nkind: Node\n", 2, []],
  ["a YAML List", "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n", 1, []],
  ["a YAML flow mapping", "{apiVersion: v1, kind: Service}", 1, []],
  ["a mark in a block scalar", "apiVersion: v1\nkind: ConfigMap\ndata:\n  a: |\n    ---\n    b\n", 1, []],
  ["unknown kinds", '{"apiVersion":"apps/v1","kind":"Deployment","x":1}', 0, []],
  ["Service in a foreign group", '{"apiVersion":"serving.knative.dev/v1","kind":"Service"}', 0, []],
  ["Service in apps/v1", '{"apiVersion":"apps/v1","kind":"Service"}', 0, ["1:1 note other-api-version"]],
  ["no kind", '{"apiVersion":"v1"}', 0, ["1:1 missing-kind"]],
  ["no apiVersion", "---\nkind: Service\n", 0, ["2:1 missing-api-version"]],
  ["kind of a wrong type", '{"apiVersion":"v1","kind":7}', 0, ["1:27 wrong-type kind"]],
  ["a text", "hello\n", 0, ["1:1 not-an-object"]],
  ["null members are absent", '{"apiVersion":"v1","kind":"Service","spec":null,"metadata":null}', 1, []],
  ["an unknown field", `${SERVICE.slice(0, -1)},"spce":{}}`, 1, ["1:61 unknown-field spce"]],
  ["an unknown field, warned", `${SERVICE.slice(0, -1)},"spce":{}}`, 1, ["1:61 warning unknown-field spce"], "warn"],
  ["an unknown field, ignored", `${SERVICE.slice(0, -1)},"spce":{}}`, 1, [], "ignore"],
  ["names are case-sensitive", "apiVersion: v1\nkind: Service\nSpec: {}\n", 1, ["3:1 unknown-field Spec"]],
  ["a repeated key in JSON", '{"apiVersion":"v1",\n"kind":"Node",\n"kind":"Service"}', 1, ["3:1 duplicate-key kind"]],
  [
    "a repeated key, warned",
    '{"apiVersion":"v1","kind":"A","kind":"Pod"}',
    1,
    ["1:31 warning duplicate-key kind"],
    "warn",
  ],
  ["a repeated key, ignored", '{"apiVersion":"v1","kind":"A","kind":"Pod"}', 1, [], "ignore"],
  ["a repeated key in YAML", "apiVersion: v1\nkind: Service\nkind: Service\n", 1, ["3:1 duplicate-key kind"]],
  [
    "a key repeated with an escape",
    '{"apiVersion":"v1","kind":"Pod","\\u006bind":"Pod"}',
    1,
    ["1:33 duplicate-key kind"],
  ],
  [
    "a repeated key below",
    `{"kind":"List","items":[${SERVICE},\n{"apiVersion":"v1","kind":"Pod","spec":{"nodeName":"a","nodeName":"b"}}]}`,
    2,
    ["2:56 duplicate-key spec.nodeName"],
  ],
  ["a repeated key in another kind", '{"apiVersion":"apps/v1","kind":"Deployment","x":{"a":1,"a":2}}', 0, []],
  ["a key overwritten through a merge", "apiVersion: v1\nkind: Service\nspec:\n  <<: {type: A}\n  type: B\n", 1, []],
  [
    "a number for a text",
    "apiVersion: v1\nkind: Service\nspec: {clusterIP: 1.5}\n",
    0,
    ["3:19 wrong-type spec.clusterIP"],
  ],
  ["yes for a text", "apiVersion: v1\nkind: Pod\nspec:\n  hostname: yes\n", 0, ["4:13 wrong-type spec.hostname"]],
  [
    "a text for a number",
    "apiVersion: v1\nkind: Service\nspec:\n  ports:\n  - port: '80'\n",
    0,
    ["5:11 wrong-type spec.ports[0].port"],
  ],
  ["8080.0 is an integer", '{"apiVersion":"v1","kind":"Service","spec":{"ports":[{"port":8080.0}]}}', 1, []],
  [
    "80.5 is none",
    '{"apiVersion":"v1","kind":"Service","spec":{"ports":[{"port":80.5}]}}',
    0,
    ["1:62 wrong-type spec.ports[0].port"],
  ],
  [
    "more than 32 bits",
    '{"apiVersion":"v1","kind":"Service","spec":{"ports":[{"targetPort":2147483648}]}}',
    0,
    ["1:68 out-of-range spec.ports[0].targetPort"],
  ],
  ["70000 is for validation", '{"apiVersion":"v1","kind":"Service","spec":{"ports":[{"port":70000}]}}', 1, []],
  [
    "a name or number",
    '{"apiVersion":"v1","kind":"Service","spec":{"ports":[{"targetPort":"http"},{"targetPort":80}]}}',
    1,
    [],
  ],
  [
    "no boolean for either",
    '{"apiVersion":"v1","kind":"Service","spec":{"ports":[{"targetPort":true}]}}',
    0,
    ["1:68 wrong-type spec.ports[0].targetPort"],
  ],
  [
    "a time that is none",
    '{"apiVersion":"v1","kind":"Pod","metadata":{"creationTimestamp":"2026-02-30T00:00:00Z"}}',
    0,
    ["1:65 invalid-value metadata.creationTimestamp"],
  ],
  ["a time", '{"apiVersion":"v1","kind":"Pod","metadata":{"creationTimestamp":"2024-02-29T23:59:59.5+01:00"}}', 1, []],
  [
    "label of a wrong type",
    "apiVersion: v1\nkind: Pod\nmetadata:\n  labels:\n    a/b: 1\n",
    0,
    ["5:10 wrong-type metadata.labels[a/b]"],
  ],
  [
    "all faults of an object",
    '{"apiVersion":"v1","kind":"Service","metadata":[],"spec":{"type":1,"x":2}}',
    0,
    ["1:48 wrong-type metadata", "1:66 wrong-type spec.type", "1:68 unknown-field spec.x"],
  ],
  [
    "one bad object among three",
    `${SERVICE}{"apiVersion":"v1","kind":"Pod","spec":7}${SERVICE}`,
    2,
    ["1:100 wrong-type spec"],
  ],
  ["one broken value among three", `${SERVICE}\n{"a":tru}\n${SERVICE}`, 2, ["2:1 missing-kind"]],
  ["a value broken for YAML too", `${SERVICE}\n{"a" "b"}\n${SERVICE}`, 2, ["2:6 json-syntax"]],
  [
    "one bad document among three",
    "apiVersion: v1\nkind: Node\n---\na: [\n---\napiVersion: v1\nkind: Pod\n",
    2,
    ["5:1 yaml-syntax"],
  ],
  [
    "words behind a mark",
    "apiVersion: v1\nkind: Node\n--- !x\napiVersion: v1\nkind: Pod\n",
    2,
    ["3:5 document-separator"],
  ],
  [
    "text behind the document's end",
    "apiVersion: v1\nkind: Node\n...\na: 1\n",
    1,
    ["4:1 warning content-after-document-end"],
  ],
  ["a directive", "%YAML 1.2\n---\napiVersion: v1\nkind: Node\n", 1, ["1:1 yaml-directive"]],
  [
    "old field names of kube-proxy",
    "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nudpIdleTimeout: 250ms\nresourceContainer: /x\nportRange: ''\nwinkernel: null\niptables: {localhostNodePorts: true}\nconntrack: {max: 0}\n",
    1,
    [],
  ],
  [
    "kube-proxy only warns of unknown fields",
    "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nmod: ipvs\n",
    1,
    ["3:1 warning unknown-field mod"],
  ],
  [
    "a duration without a unit",
    "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nconfigSyncPeriod: '30'\n",
    0,
    ["3:19 invalid-value configSyncPeriod"],
  ],
  [
    "a null duration, as kube-proxy refuses it",
    "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nconfigSyncPeriod: null\n",
    0,
    ["3:19 wrong-type configSyncPeriod"],
  ],
  [
    "a null duration behind a pointer",
    "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nconntrack: {tcpCloseWaitTimeout: null}\n",
    1,
    [],
  ],
  [
    "a duration of 300 years",
    "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nconfigSyncPeriod: 3000000h\n",
    0,
    ["3:19 invalid-value configSyncPeriod"],
  ],
  [
    "durations",
    "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nconfigSyncPeriod: 1.5h\nipvs: {syncPeriod: -.5s, minSyncPeriod: '+0'}\n",
    1,
    [],
  ],
  ["fields from before", '{"apiVersion":"v1","kind":"Service","spec":{"topologyKeys":["*"],"ipFamily":"IPv4"}}', 1, []],
];

for (const [name, text, objects, found, validate] of rows) {
  test(`reads ${name}`, (t) => {
    const result = read(text, validate);
    t.deepEqual(result.found, found);
    t.is(countObjects(result.manifests), objects);
  });
}

test("other kinds are counted by apiVersion and kind", (t) => {
  const { manifests } = read(
    '{"apiVersion":"apps/v1","kind":"Deployment"}{"apiVersion":"v1","kind":"Secret"}'.repeat(2),
  );
  t.deepEqual(
    [...manifests.skipped],
    [
      ["apps/v1/Deployment", 2],
      ["v1/Secret", 2],
    ],
  );
});

/** Texts of objects and the value they are read as: what Go makes of nulls and of old forms. */
const values: readonly (readonly [name: string, text: string, value: unknown])[] = [
  [
    "null members",
    '{"apiVersion":"v1","kind":"Service","spec":{"ports":[{"name":null,"port":80}]}}',
    { apiVersion: "v1", kind: "Service", metadata: {}, spec: { ports: [{ port: 80 }] } },
  ],
  [
    "nulls in lists and maps",
    '{"apiVersion":"v1","kind":"Service","spec":{"selector":{"a":null},"clusterIPs":[null],"ports":[null]}}',
    { apiVersion: "v1", kind: "Service", metadata: {}, spec: { selector: { a: "" }, clusterIPs: [""], ports: [{}] } },
  ],
  [
    "numbers as quantities",
    '{"apiVersion":"v1","kind":"Node","status":{"allocatable":{"cpu":2,"memory":"1Gi"}}}',
    { apiVersion: "v1", kind: "Node", metadata: {}, status: { allocatable: { cpu: "2", memory: "1Gi" } } },
  ],
  [
    "v1beta1 topology",
    slice("v1beta1", '{"topology":{"topology.kubernetes.io/zone":"z","kubernetes.io/hostname":"n"}}'),
    {
      apiVersion: "discovery.k8s.io/v1beta1",
      kind: "EndpointSlice",
      metadata: {},
      endpoints: [{ zone: "z", nodeName: "n" }],
    },
  ],
  [
    "v1beta1 nodeName",
    slice("v1beta1", '{"nodeName":"m","topology":{"kubernetes.io/hostname":"n"}}'),
    { apiVersion: "discovery.k8s.io/v1beta1", kind: "EndpointSlice", metadata: {}, endpoints: [{ nodeName: "m" }] },
  ],
  [
    "the last of equal keys",
    '{"apiVersion":"v1","kind":"Pod","spec":{"nodeName":"a"},"spec":{"hostname":"b"}}',
    { apiVersion: "v1", kind: "Pod", metadata: {}, spec: { hostname: "b" } },
  ],
  [
    "half a surrogate pair",
    '{"apiVersion":"v1","kind":"Pod","spec":{"nodeName":"a\\ud800b"}}',
    { apiVersion: "v1", kind: "Pod", metadata: {}, spec: { nodeName: "a\ufffdb" } },
  ],
];

for (const [name, text, value] of values) {
  test(`value: ${name}`, (t) => {
    const { services, nodes, pods, endpointSlices } = read(text, "ignore").manifests;
    t.deepEqual(
      [...services, ...nodes, ...pods, ...endpointSlices].map((located) => located.value as unknown),
      [value],
    );
  });
}

const paths: readonly (readonly [path: readonly PathStep[], text: string])[] = [
  [["spec", "ports", 1, "port"], "spec.ports[1].port"],
  [["metadata", "annotations", "some/key"], "metadata.annotations[some/key]"],
  [["items", 0, 1], "items[0][1]"],
  [["data", "config.conf"], "data[config.conf]"],
  [[], ""],
];
test("field paths", (t) => {
  for (const [path, text] of paths) t.is(fieldPath(path), text);
});

test("locate finds values, keys inside lists of lists, and the nearest ancestor", (t) => {
  const yaml =
    "kind: List\nitems:\n- apiVersion: v1\n  kind: Service\n  spec: &s\n    ports:\n    - port: 1\n    - {port: 2}\n- {apiVersion: v1, kind: Service, spec: *s}\n";
  const json =
    '{"kind":"List","items":[\n{"apiVersion":"v1","kind":"Service","spec":{"ports":[{"port":1},{"port":2}]}}]}';
  const at = (text: string, object: number, path: readonly PathStep[]): string => {
    const service = read(text).manifests.services[object];
    return service === undefined
      ? ""
      : brief({ severity: "error", code: "x", message: "", place: locate(service.origin, path) });
  };
  t.is(at(yaml, 0, ["spec", "ports", 1, "port"]), "8:14 x");
  t.is(at(yaml, 0, ["spec", "ports", 5, "port"]), "7:5 x");
  t.is(at(yaml, 0, ["metadata", "name"]), "3:3 x");
  t.is(at(yaml, 1, ["spec", "ports", 1, "port"]), "8:14 x");
  t.is(at(json, 0, ["spec", "ports", 1, "port"]), "2:73 x");
  t.is(at(json, 0, ["spec", "ports", 2, "port"]), "2:53 x");
  t.is(at(json, 0, ["metadata", "name"]), "2:1 x");
  t.is(at(json, 0, []), "2:1 x");
});

function configMap(key: string, text: string): Located<ConfigMap> {
  const data = JSON.stringify({ [key]: text, "kubeconfig.conf": "apiVersion: v1\nkind: Config\n" });
  const [found] = read(
    `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"kube-proxy","namespace":"kube-system"},"data":${data}}`,
  ).manifests.configMaps;
  if (found === undefined) throw new Error("no ConfigMap");
  return found;
}

const CONFIGURATION = "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nmode: ipvs\n";
for (const key of ["config.conf", "config", "kube-proxy-config", "anything"]) {
  test(`the configuration under ${key}`, (t) => {
    const diagnostics: Diagnostic[] = [];
    const found = kubeProxyConfigurationOf(configMap(key, CONFIGURATION), (diagnostic) => diagnostics.push(diagnostic));
    t.is(found?.value.mode, "ipvs");
    t.is(found?.origin.source.name, `test.yaml(configmap/kube-system/kube-proxy:${key})`);
    t.deepEqual(diagnostics, []);
  });
}

const configurations: readonly (readonly [text: string, found: readonly string[]])[] = [
  ["mode: x\n", []],
  [`${CONFIGURATION}modes: x\n`, ["4:1 warning unknown-field modes"]],
  [`${CONFIGURATION}iptables: 7\n`, ["4:11 wrong-type iptables", "1:120 no-configuration data[config.conf]"]],
  [`${CONFIGURATION}---\n${CONFIGURATION}`, ["1:120 warning several-configurations data[config.conf]"]],
];
for (const [text, found] of configurations) {
  test(`a ConfigMap with ${JSON.stringify(text.slice(-20))}`, (t) => {
    const diagnostics: Diagnostic[] = [];
    kubeProxyConfigurationOf(configMap("config.conf", text), (diagnostic) => diagnostics.push(diagnostic));
    t.deepEqual(diagnostics.map(brief), found);
  });
}

const bytes: readonly (readonly [
  name: string,
  bytes: readonly number[] | string,
  text: string | undefined,
  found: readonly string[],
])[] = [
  ["plain", "a: é\n", "a: é\n", []],
  ["a byte order mark", [0xef, 0xbb, 0xbf, 0x61], "a", []],
  ["a stray byte", [0x61, 0x0a, 0xc3, 0xa9, 0xff, 0x62], undefined, ["2:2 invalid-utf8"]],
  ["a surrogate in UTF-8", [0x61, 0xed, 0xa0, 0x80], undefined, ["1:2 invalid-utf8"]],
  ["an overlong form", [0xc0, 0x80], undefined, ["1:1 invalid-utf8"]],
  ["a cut character", [0x61, 0xe2, 0x82], undefined, ["1:2 invalid-utf8"]],
  ["NUL", [0x61, 0x0a, 0x62, 0x00], undefined, ["2:2 nul-byte"]],
  ["UTF-16", [0xff, 0xfe, 0x61, 0x00], undefined, ["1:1 not-utf8"]],
  ["gzip", [0x1f, 0x8b, 0x08], undefined, ["1:1 not-utf8"]],
  ["nothing", [], "", []],
];
for (const [name, input, text, found] of bytes) {
  test(`bytes: ${name}`, (t) => {
    const diagnostics: Diagnostic[] = [];
    const data = typeof input === "string" ? new TextEncoder().encode(input) : Uint8Array.from(input);
    t.is(decodeSource("f", data, (diagnostic) => diagnostics.push(diagnostic))?.text, text);
    t.deepEqual(diagnostics.map(brief), found);
  });
}
