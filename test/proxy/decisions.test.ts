import test from "ava";
import { buildCluster } from "../../src/cluster/build.ts";
import { resolveKubeProxyConfig } from "../../src/cluster/kubeproxy-config.ts";
import { compileIptables, compileIptablesText } from "../../src/compile/iptables/compile.ts";
import { originField } from "../../src/compile/iptables/provenance.ts";
import type { KubeProxyConfiguration } from "../../src/manifest/kubeproxy.ts";
import { readManifests } from "../../src/manifest/read-manifests.ts";
import { parseIP } from "../../src/net/ip.ts";
import { type ProxyState, proxyState } from "../../src/proxy/state.ts";
import { unmodelledGates } from "../../src/proxy/traits.ts";

interface Setting {
  readonly minor?: number;
  readonly config?: KubeProxyConfiguration;
  readonly nodeName?: string;
  readonly zone?: string;
  readonly addresses?: readonly string[];
}

function stateOf(
  items: readonly object[],
  { minor = 37, config: written, nodeName = "a", zone = "", addresses = [] }: Setting = {},
): ProxyState {
  const report = ({ severity, message }: { severity: string; message: string }): void => {
    if (severity === "error") throw new Error(message);
  };
  const source = { name: "rows", text: JSON.stringify({ apiVersion: "v1", kind: "List", items }) };
  const cluster = buildCluster(readManifests([source], { validate: "ignore" }, report), { validate: "ignore" }, report);
  const { config, errors } = resolveKubeProxyConfig(
    { mode: "iptables", clusterCIDR: "10.244.0.0/16", ...written },
    { minor },
  );
  if (config === undefined) throw new Error(JSON.stringify(errors));
  return proxyState(cluster, {
    release: { minor },
    family: "IPv4",
    node: { name: nodeName, ips: [parseIP("192.168.0.1") ?? { family: "IPv4", value: 0 }], zone, podCIDRs: [] },
    host: {
      interfaces: [{ name: "eth0", addresses }],
      nfacct: { ctStateInvalidDropped: false, localhostNodePortsAccepted: false },
      conntrackTCPLiberal: false,
      randomFully: true,
    },
    config,
  });
}

const service = (name: string, spec: object, more: object = {}): object => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace: "n", ...more },
  spec: {
    clusterIP: "10.96.0.1",
    clusterIPs: ["10.96.0.1"],
    ipFamilies: ["IPv4"],
    ports: [{ name: "p", port: 80 }],
    ...spec,
  },
});

const slice = (
  name: string,
  endpoints: readonly object[],
  ports: readonly object[] = [{ name: "p", port: 8080 }],
): object => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: { name, namespace: "n", labels: { "kubernetes.io/service-name": "s" } },
  addressType: "IPv4",
  endpoints,
  ports,
});

const endpoint = (address: string, more: object = {}): object => ({ addresses: [address], nodeName: "a", ...more });
const draining = { conditions: { ready: false, serving: true, terminating: true } };
const texts = (endpoints: readonly { readonly text: string }[] | undefined): string[] =>
  (endpoints ?? []).map(({ text }) => text);

test("service ports come by namespace, name, port name, protocol", (t) => {
  const ports = [
    { name: "b", port: 1, protocol: "TCP" },
    { name: "a", port: 2, protocol: "UDP" },
    { name: "a", port: 3, protocol: "TCP" },
  ];
  const state = stateOf([service("z", {}), service("s", { ports })]);
  const names = state.ports.map(({ port }) => `${port.nameString}/${port.protocol}`);
  t.deepEqual(names, ["n/s:a/TCP", "n/s:a/UDP", "n/s:b/TCP", "n/z:p/TCP"]);
});

test("of two ports with one name and protocol the later one counts, and keeps its place in the list", (t) => {
  const ports = [
    { name: "p", port: 1, nodePort: 30001 },
    { name: "p", port: 2, nodePort: 30002 },
  ];
  const state = stateOf([service("s", { type: "NodePort", ports }), slice("x", [endpoint("10.244.0.1")])]);
  t.deepEqual(
    state.ports.map(({ port }) => [port.port, port.portIndex]),
    [[2, 1]],
  );
  const nat = compileIptables(state).tables[1];
  const origins = nat?.rules.map((_, i) => nat.origin(i)) ?? [];
  const nodePort = origins.find((origin) => origin?.kind === "node-port");
  t.is(nodePort === undefined ? "" : originField(nodePort), "spec.ports[1].nodePort");
});

test("the union of cluster and local endpoints is sorted by text", (t) => {
  const hint = { hints: { forZones: [{ name: "z" }] } };
  const away = { hints: { forZones: [{ name: "y" }] } };
  const state = stateOf(
    [
      service("s", {
        type: "NodePort",
        externalTrafficPolicy: "Local",
        ports: [{ name: "p", port: 80, nodePort: 30000 }],
      }),
      slice("x", [endpoint("10.244.0.9", { ...hint, nodeName: "b" }), endpoint("10.244.0.2", away)]),
    ],
    { zone: "z" },
  );
  t.deepEqual(texts(state.ports[0]?.usable.cluster), ["10.244.0.9:8080"]);
  t.deepEqual(texts(state.ports[0]?.usable.reachable), ["10.244.0.2:8080", "10.244.0.9:8080"]);
});

test("the detector's CIDR is trimmed, masked, and the first of its family", (t) => {
  const state = stateOf([], { config: { detectLocalMode: "ClusterCIDR", clusterCIDR: "fd00::/48,10.244.7.7/16" } });
  t.deepEqual(state.localDetector, { kind: "cidr", cidr: "10.244.0.0/16", setting: "clusterCIDR" });
});

test("node addresses come in interface order, each once, loopback only when it is served", (t) => {
  const addresses = ["10.0.0.2/24", "10.0.0.1/24", "10.0.0.2/24", "127.0.0.1/8"];
  const nodePortAddresses = ["10.0.0.0/24", "127.0.0.0/8"];
  t.deepEqual(stateOf([], { config: { nodePortAddresses }, addresses }).nodePortAddresses, [
    "10.0.0.2",
    "10.0.0.1",
    "127.0.0.1",
  ]);
  const off = { nodePortAddresses, iptables: { localhostNodePorts: false } };
  t.deepEqual(stateOf([], { config: off, addresses }).nodePortAddresses, ["10.0.0.2", "10.0.0.1"]);
});

test("health counts ready local addresses over all slice ports, each once", (t) => {
  const spec = { type: "LoadBalancer", externalTrafficPolicy: "Local", healthCheckNodePort: 32000 };
  const ports = [
    { name: "p", port: 1 },
    { name: "q", port: 2 },
  ];
  const items = [
    slice("x", [endpoint("10.244.0.1"), endpoint("10.244.0.2", draining)], ports),
    slice("y", [endpoint("10.244.0.3")], [{ name: "q", port: 3 }]),
  ];
  t.deepEqual(stateOf([service("s", spec), ...items]).health.get("n/s"), { port: 32000, localEndpoints: 2 });
});

test("comments are dropped above 1000 endpoints, ready or not", (t) => {
  const many = (count: number): object =>
    slice(
      "x",
      Array.from({ length: count }, (_, i) =>
        endpoint(`10.244.${i >> 8}.${i & 255}`, i === 0 ? { conditions: { ready: false } } : {}),
      ),
    );
  t.regex(compileIptablesText(stateOf([service("s", {}), many(1000)])), /n\/s:p -> 10\.244\.0\.1:8080/);
  t.notRegex(compileIptablesText(stateOf([service("s", {}), many(1001)])), /n\/s:p -> /);
});

test("a liberal conntrack leaves the INVALID rule out, wherever it is said", (t) => {
  t.regex(compileIptablesText(stateOf([])), /--ctstate INVALID/);
  t.notRegex(compileIptablesText(stateOf([], { config: { conntrack: { tcpBeLiberal: true } } })), /--ctstate INVALID/);
});

test("an endpoint without node is nobody's, even on a node without name", (t) => {
  const items = [
    service("s", { internalTrafficPolicy: "Local" }),
    slice("x", [endpoint("10.244.0.1", { nodeName: "" })]),
  ];
  t.deepEqual(texts(stateOf(items, { nodeName: "" }).ports[0]?.usable.local), []);
});

test("affinity counts as written, zero included", (t) => {
  const affinity = (timeoutSeconds: number): object => ({
    sessionAffinity: "ClientIP",
    sessionAffinityConfig: { clientIP: { timeoutSeconds } },
  });
  const text = compileIptablesText(stateOf([service("s", affinity(0)), slice("x", [endpoint("10.244.0.1")])]));
  t.regex(text, /--rcheck --seconds 0 --reap/);
  t.is(stateOf([service("s", { sessionAffinity: "None" })]).ports[0]?.port.affinitySeconds, undefined);
});

test("with the external-IP gate off no rule names the address, but the chains behind it stay", (t) => {
  const items = [
    service("s", { externalIPs: ["203.0.113.1"], externalTrafficPolicy: "Local" }),
    slice("x", [endpoint("10.244.0.1")]),
  ];
  const text = compileIptablesText(stateOf(items, { config: { featureGates: { AllowServiceExternalIPs: false } } }));
  t.notRegex(text, /203\.0\.113\.1/);
  t.regex(text, /^:KUBE-EXT-/m);
  t.regex(text, /^:KUBE-SVL-/m);
});

/** Release, gate → what a Service with one ipMode Proxy VIP, one draining endpoint here and one ready there becomes. */
const gateRows: readonly (readonly [number, string, boolean, (state: ProxyState) => unknown, unknown])[] = [
  [29, "LoadBalancerIPMode", false, (state) => state.ports[0]?.port.loadBalancerVIPs.length, 1],
  [29, "LoadBalancerIPMode", true, (state) => state.ports[0]?.port.loadBalancerVIPs.length, 0],
  [31, "LoadBalancerIPMode", false, (state) => state.ports[0]?.port.loadBalancerVIPs.length, 1],
  [27, "ProxyTerminatingEndpoints", true, (state) => texts(state.ports[0]?.usable.local), ["10.244.0.1:8080"]],
  [27, "ProxyTerminatingEndpoints", false, (state) => texts(state.ports[0]?.usable.local), []],
  [25, "ServiceInternalTrafficPolicy", true, (state) => state.ports[0]?.port.internalPolicyLocal, true],
  [25, "ServiceInternalTrafficPolicy", false, (state) => state.ports[0]?.port.internalPolicyLocal, false],
  [21, "ServiceInternalTrafficPolicy", true, (state) => state.ports[0]?.usable.hasEndpoints, false],
  [21, "ServiceInternalTrafficPolicy", false, (state) => state.ports[0]?.usable.hasEndpoints, true],
];

for (const [minor, gate, on, ask, expected] of gateRows) {
  test(`1.${minor} with ${gate}=${on}`, (t) => {
    const items = [
      service("s", { type: "LoadBalancer", internalTrafficPolicy: "Local" }, {}),
      slice("x", [endpoint("10.244.0.1", draining), endpoint("10.244.0.2", { nodeName: "b" })]),
    ];
    Object.assign(items[0] ?? {}, { status: { loadBalancer: { ingress: [{ ip: "203.0.113.1", ipMode: "Proxy" }] } } });
    t.deepEqual(ask(stateOf(items, { minor, config: { featureGates: { [gate]: on } } })), expected);
  });
}

/** Release, gate → which of two hinted endpoints is used on a node of zone z named a. */
const hintRows: readonly (readonly [number, Readonly<Record<string, boolean>>, readonly string[]])[] = [
  [37, {}, ["10.244.0.1:8080"]],
  [34, { PreferSameTrafficDistribution: false }, ["10.244.0.1:8080", "10.244.0.2:8080"]],
  [33, { PreferSameTrafficDistribution: true }, ["10.244.0.1:8080"]],
  [33, {}, ["10.244.0.1:8080", "10.244.0.2:8080"]],
  [32, { TopologyAwareHints: false }, ["10.244.0.1:8080", "10.244.0.2:8080", "10.244.0.3:8080"]],
  [31, { ServiceTrafficDistribution: false }, ["10.244.0.1:8080", "10.244.0.2:8080", "10.244.0.3:8080"]],
  [30, { ServiceTrafficDistribution: true }, ["10.244.0.1:8080", "10.244.0.2:8080"]],
  [30, {}, ["10.244.0.1:8080", "10.244.0.2:8080", "10.244.0.3:8080"]],
];

for (const [minor, featureGates, expected] of hintRows) {
  test(`hints in 1.${minor} with ${JSON.stringify(featureGates)}`, (t) => {
    const hints = (zone: string, node: string): object => ({
      hints: { forZones: [{ name: zone }], forNodes: [{ name: node }] },
    });
    const items = [
      service("s", {}),
      slice("x", [
        endpoint("10.244.0.1", hints("z", "a")),
        endpoint("10.244.0.2", hints("z", "b")),
        endpoint("10.244.0.3", hints("y", "c")),
      ]),
    ];
    t.deepEqual(
      texts(stateOf(items, { minor, zone: "z", config: { featureGates } }).ports[0]?.usable.cluster),
      expected,
    );
  });
}

test("gates whose other state is not modelled are named", (t) => {
  t.deepEqual(unmodelledGates({ minor: 21 }, { ServiceTopology: true, EndpointSliceProxying: true }), [
    "ServiceTopology",
  ]);
  t.deepEqual(unmodelledGates({ minor: 21 }, { EndpointSliceProxying: false }), ["EndpointSliceProxying"]);
  t.deepEqual(unmodelledGates({ minor: 37 }, { ServiceTopology: true }), []);
});

for (const [minor, word, all] of [
  [37, "all", true],
  [37, "localhost", false],
  [37, "primary", false],
  [31, "primary", false],
] as const) {
  test(`nodePortAddresses ${word} in 1.${minor}`, (t) => {
    const state = stateOf([], {
      minor,
      config: { nodePortAddresses: [word] },
      addresses: ["192.168.0.1/24", "127.0.0.1/8"],
    });
    const expected = word === "primary" ? ["192.168.0.1"] : ["127.0.0.1"];
    t.deepEqual(state.nodePortAddresses, all ? "all" : expected);
  });
}
