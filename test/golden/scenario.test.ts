import test from "ava";
import { scenarioDumps } from "../../src/golden/dumps.ts";
import { readScenario, type Scenario } from "../../src/golden/scenario.ts";
import type { Diagnostic } from "../../src/text/diagnostic.ts";
import { placeColumn } from "../../src/text/position.ts";

const CLUSTER = `apiVersion: v1
kind: Node
metadata: { name: a }
---
apiVersion: v1
kind: Node
metadata: { name: b }
status: { addresses: [{ type: InternalIP, address: 10.0.0.2 }] }
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: default }
spec: { clusterIP: 10.96.0.1, clusterIPs: [10.96.0.1], ports: [{ name: http, port: 80 }] }
`;

const CONFIG = "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n";

type Files = Readonly<Record<string, string>>;

interface Read {
  readonly scenario: Scenario | undefined;
  readonly told: readonly string[];
}

/** A finding as `FILE:LINE CODE`, or its code alone without a place. */
function brief({ code, place, severity }: Diagnostic): string {
  const where = place === undefined ? "" : `${place.source.name}:${placeColumn(place.source, place.offset).line} `;
  return `${where}${severity === "error" ? "" : `${severity} `}${code}`;
}

function read(files: Files): Read {
  const told: string[] = [];
  const sources = new Map(Object.entries(files).map(([name, text]) => [name, { name, text }]));
  const scenario = readScenario(sources, (finding) => told.push(brief(finding)));
  return { scenario, told };
}

const folders = ({ scenario }: Read): string[] => [...new Set(scenario?.cases.map(({ folder }) => folder))];

test("a folder with cluster.yaml alone: every Node, iptables, the reference release, both families", (t) => {
  const result = read({ "cluster.yaml": CLUSTER });
  t.deepEqual(result.told, []);
  t.deepEqual(folders(result), ["dumps/1.37-iptables/a", "dumps/1.37-iptables/b"]);
  const dumps = scenarioDumps(result.scenario as Scenario, {}, ({ message }) => t.fail(message));
  const names = ["iptables", "ip6tables"].flatMap((tool) =>
    ["commands", "restore", "save"].map((form) => `${tool}.${form}`),
  );
  t.deepEqual(
    [...dumps.keys()],
    ["a", "b"].flatMap((node) => names.map((name) => `dumps/1.37-iptables/${node}/${name}`)),
  );
});

/** scenario.yaml → the folders of its cases and their families. */
const settings: readonly (readonly [string, readonly string[], string])[] = [
  ["", ["1.37-iptables/a", "1.37-iptables/b"], "IPv4 IPv6"],
  ["title: one\n", ["1.37-iptables/a", "1.37-iptables/b"], "IPv4 IPv6"],
  ["nodes: [b]\n", ["1.37-iptables/b"], "IPv4 IPv6"],
  ["nodes: [b, a]\nfamilies: [ipv6]\n", ["1.37-iptables/b", "1.37-iptables/a"], "IPv6"],
  ['nodes: [a]\nreleases: ["1.21", v1.30.2]\n', ["1.21-iptables/a", "1.30-iptables/a"], "IPv4 IPv6"],
  ["nodes: [a]\nmodes: [iptables]\nvalidate: warn\n", ["1.37-iptables/a"], "IPv4 IPv6"],
  ["nodes: [a]\nmodes: [ipvs, iptables]\n", ["1.37-ipvs/a", "1.37-iptables/a"], "IPv4 IPv6"],
  [
    'nodes: [a]\nmodes: [iptables, ipvs]\nreleases: ["1.36", "1.37"]\nipvsReleases: [v1.37.1]\n',
    ["1.36-iptables/a", "1.37-iptables/a", "1.37-ipvs/a"],
    "IPv4 IPv6",
  ],
];
for (const [text, expected, families] of settings) {
  test(`a scenario asks for: ${JSON.stringify(text)}`, (t) => {
    const result = read({ "cluster.yaml": CLUSTER, "scenario.yaml": text });
    t.deepEqual(result.told, []);
    t.deepEqual(
      folders(result),
      expected.map((folder) => `dumps/${folder}`),
    );
    t.is([...new Set(result.scenario?.cases.map(({ family }) => family))].join(" "), families);
  });
}

/** Files beside a sound cluster.yaml (or instead of it) → what is told, all of it. */
const faults: readonly (readonly [string, Files, readonly string[]])[] = [
  ["an unknown field", { "scenario.yaml": "titel: x\n" }, ["scenario.yaml:1 unknown-field"]],
  ["a release as a number", { "scenario.yaml": "releases: [1.37]\n" }, ["scenario.yaml:1 wrong-type"]],
  ["an unknown release", { "scenario.yaml": 'title: x\nreleases: ["1.12"]\n' }, ["scenario.yaml:2 unknown-value"]],
  [
    "an ipvs release that is no release",
    { "scenario.yaml": 'ipvsReleases: ["1.36"]\n' },
    ["scenario.yaml:1 unknown-value"],
  ],
  ["a release twice", { "scenario.yaml": 'releases: ["1.37", v1.37.1]\n' }, ["scenario.yaml:1 duplicate-value"]],
  ["a mode that is not modelled", { "scenario.yaml": "modes: [nftables]\n" }, ["scenario.yaml:1 unknown-value"]],
  ["an unknown family", { "scenario.yaml": "families: [IPv4]\n" }, ["scenario.yaml:1 unknown-value"]],
  ["an unknown way to validate", { "scenario.yaml": "validate: lax\n" }, ["scenario.yaml:1 unknown-value"]],
  ["an empty list", { "scenario.yaml": "nodes: []\n" }, ["scenario.yaml:1 empty-list"]],
  ["a title of two lines", { "scenario.yaml": "title: |\n  a\n  b\n" }, ["scenario.yaml:1 invalid-title"]],
  ["no object", { "scenario.yaml": "- x\n" }, ["scenario.yaml:1 wrong-type"]],
  ["an unknown node", { "scenario.yaml": "nodes: [a, c]\n" }, ["scenario.yaml:1 unknown-node"]],
  [
    "several faults at once",
    { "scenario.yaml": "modes: [x]\nfamilies: [z]\nnodes: [c]\n", "host.yaml": "nfact: true\n" },
    [
      "scenario.yaml:1 unknown-value",
      "scenario.yaml:2 unknown-value",
      "host.yaml:1 unknown-field",
      "scenario.yaml:1 unknown-node",
    ],
  ],
  [
    "a faulty object, once for all releases",
    {
      "cluster.yaml": CLUSTER.replace("port: 80", "port: 80, protocol: X"),
      "scenario.yaml": 'releases: ["1.36", "1.37"]\n',
    },
    ["cluster.yaml:13 invalid-service"],
  ],
  ["broken YAML", { "cluster.yaml": `${CLUSTER}---\na: [\n` }, ["cluster.yaml:16 yaml-syntax"]],
  ["no Node", { "cluster.yaml": CLUSTER.split("---\n")[2] ?? "" }, ["cluster.yaml:1 no-node"]],
  [
    "a Node name that leads elsewhere",
    { "cluster.yaml": CLUSTER.replace("name: b", 'name: "../b"'), "scenario.yaml": "validate: ignore\n" },
    ["scenario.yaml:1 node-name"],
  ],
  [
    "a configuration that is none",
    { "kube-proxy.yaml": "apiVersion: v1\nkind: Node\nmetadata: { name: x }\n" },
    ["kube-proxy.yaml:1 no-configuration"],
  ],
  [
    "a refused configuration",
    { "kube-proxy.yaml": `${CONFIG}clusterCIDR: x\n` },
    ["kube-proxy.yaml:3 invalid-kubeproxyconfiguration"],
  ],
  [
    "an address of no form",
    { "host.yaml": "interfaces: [{ name: eth0, addresses: [010.0.0.1/8] }]\n" },
    ["invalid-host"],
  ],
];
for (const [what, files, expected] of faults) {
  test(`a faulty scenario is told: ${what}`, (t) => {
    const { scenario, told } = read({ "cluster.yaml": CLUSTER, ...files });
    t.deepEqual(told, expected);
    t.is(scenario, undefined);
  });
}

test("a folder without cluster.yaml is no scenario", (t) => {
  t.deepEqual(read({ "scenario.yaml": "title: x\n" }), { scenario: undefined, told: ["no-cluster"] });
});

test("validate: warn goes on with a faulty object and says so, ignore says nothing", (t) => {
  const cluster = CLUSTER.replace("port: 80", "port: 70000");
  const under = (validate: string): Read =>
    read({ "cluster.yaml": cluster, "scenario.yaml": `validate: ${validate}\n` });
  t.is(under("strict").scenario, undefined);
  t.true(under("warn").told.every((line) => line === "cluster.yaml:13 warning invalid-service"));
  t.true(under("warn").told.length > 0);
  t.deepEqual(under("ignore").told, []);
  t.is(under("ignore").scenario?.cases.length, 4);
});

test("kube-proxy.yaml may be the ConfigMap, and stands before one among the objects", (t) => {
  const map = (bit: number): string =>
    `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: kube-proxy, namespace: kube-system }\ndata:\n  config.conf: |\n    ${CONFIG.replace("\n", "\n    ")}    iptables: { masqueradeBit: ${bit} }\n`;
  const mark = (files: Files): string => {
    const dumps = scenarioDumps(read(files).scenario as Scenario, {}, () => undefined);
    return /--or-mark (\S+)/.exec([...dumps.values()].join())?.[1] ?? "";
  };
  const inObjects = { "cluster.yaml": `${CLUSTER}---\n${map(4)}` };
  t.is(mark(inObjects), "0x00000010");
  t.is(mark({ ...inObjects, "kube-proxy.yaml": map(8) }), "0x00000100");
  t.is(mark({ "cluster.yaml": CLUSTER }), "0x00004000");
});
