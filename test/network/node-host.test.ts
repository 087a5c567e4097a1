import test from "ava";
import { buildCluster } from "../../src/cluster/build.ts";
import { resolveKubeProxyConfig } from "../../src/cluster/kubeproxy-config.ts";
import { makeHost } from "../../src/kernel/make-host.ts";
import { routeOutput } from "../../src/kernel/routing/output.ts";
import type { HostFile } from "../../src/manifest/hostfile.ts";
import type { KubeProxyConfiguration } from "../../src/manifest/kubeproxy.ts";
import { readManifests } from "../../src/manifest/read-manifests.ts";
import { parseIP } from "../../src/net/ip.ts";
import { nodeHost } from "../../src/network/node-host.ts";
import type { Diagnostic } from "../../src/text/diagnostic.ts";
import { address, addressText, decisionText, familyOfText, walkOf } from "../routing/support.ts";

const nodeObject = (name: string, ips: readonly string[], podCIDRs: readonly string[]): object => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name },
  spec: { podCIDRs },
  status: { addresses: ips.map((each) => ({ type: "InternalIP", address: each })) },
});

const pod = (name: string, nodeName: string, ips: readonly string[], hostNetwork = false): object => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "shop" },
  spec: { nodeName, hostNetwork },
  status: { phase: "Running", podIPs: ips.map((ip) => ({ ip })) },
});

const endpoint = (nodeName: string, text: string, name?: string): object => ({
  addresses: [text],
  nodeName,
  ...(name === undefined ? {} : { targetRef: { kind: "Pod", namespace: "shop", name } }),
});

const slice = (endpoints: readonly object[]): object => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: { name: "web-1", namespace: "shop", labels: { "kubernetes.io/service-name": "web" } },
  addressType: "IPv4",
  endpoints,
  ports: [{ name: "http", port: 80, protocol: "TCP" }],
});

const objects = [
  nodeObject("a", ["192.168.7.1", "fd00:7::10"], ["10.244.1.0/24", "fd00:244:1::/64"]),
  nodeObject("b", ["192.168.7.2", "fd00:7::11"], ["10.244.2.0/24", "fd00:244:2::/64"]),
  pod("p1", "a", ["10.244.1.5", "fd00:244:1::5"]),
  pod("proxy", "a", ["192.168.7.1"], true),
  pod("q1", "b", ["10.244.2.5"]),
  slice([
    endpoint("a", "10.244.1.5", "p1"),
    endpoint("a", "10.244.1.6", "p2"),
    endpoint("a", "192.168.7.1", "proxy"),
    endpoint("b", "10.244.2.5", "q1"),
    endpoint("b", "172.30.9.9"),
  ]),
];

interface Setting {
  readonly minor?: number;
  readonly config?: KubeProxyConfiguration;
  readonly hostFile?: HostFile;
  readonly items?: readonly object[];
  readonly podNetwork?: "overlay" | "direct";
  readonly bound?: readonly string[];
}

function hostOfNode(name: string, setting: Setting = {}) {
  const { minor = 37, config: written = {}, hostFile, items = objects, podNetwork = "overlay", bound } = setting;
  const found: Diagnostic[] = [];
  const report = (diagnostic: Diagnostic): void => {
    found.push(diagnostic);
  };
  const source = { name: "objects", text: JSON.stringify({ apiVersion: "v1", kind: "List", items }) };
  const manifests = readManifests([source], { validate: "ignore" }, report);
  const cluster = buildCluster(manifests, { validate: "ignore" }, report);
  const { config } = resolveKubeProxyConfig({ mode: "iptables", ...written }, { minor });
  if (config === undefined) throw new Error("bad configuration");
  found.length = 0;
  const options = {
    config,
    release: { minor },
    pods: manifests.pods,
    podNetwork,
    ...(bound === undefined ? {} : { boundAddresses: bound.flatMap((text) => parseIP(text) ?? []) }),
    ...(hostFile === undefined ? {} : { hostFile }),
  };
  return { host: nodeHost(cluster, name, options, report), found };
}

function described(name: string, setting?: Setting) {
  const { host } = hostOfNode(name, setting);
  if (host === undefined) throw new Error(name);
  return host;
}

test("a node has lo, an uplink, an overlay and a veth for each Pod of its own", (t) => {
  const { interfaces } = described("a");
  const lines = interfaces.map(
    ({ index, name, addresses }) =>
      `${index} ${name.replace(/^veth[0-9a-f]{8}$/, "veth")} ${addresses
        .map((own) => `${addressText(own.address)}/${own.prefixLength}`)
        .join(" ")}`,
  );
  t.deepEqual(lines, [
    "1 lo 127.0.0.1/8 ::1/128",
    "2 eth0 192.168.7.1/24 fd00:7::10/64",
    "3 flannel.1 10.244.1.0/32 fd00:244:1::/128",
    "4 veth 10.244.1.1/32 fd00:244:1::1/128",
    "5 veth 10.244.1.1/32",
  ]);
  t.is(new Set(interfaces.map(({ name }) => name)).size, interfaces.length);
});

const ways: readonly (readonly [to: string, expected: string])[] = [
  ["8.8.8.8", "eth0 via 192.168.7.3 src 192.168.7.1"],
  ["192.168.7.2", "eth0 via 192.168.7.2 src 192.168.7.1"],
  ["192.168.7.1", "local eth0 src 192.168.7.1"],
  ["10.244.1.5", "veth via 10.244.1.5 src 10.244.1.1"],
  ["10.244.1.6", "veth via 10.244.1.6 src 10.244.1.1"],
  ["10.244.2.5", "flannel.1 via 10.244.2.0 src 10.244.1.0"],
  ["172.30.9.9", "flannel.1 via 172.30.9.9 src 10.244.1.0"],
  ["10.96.0.1", "eth0 via 192.168.7.3 src 192.168.7.1"],
  ["127.0.0.1", "local lo src 127.0.0.1"],
  ["fd00:244:1::5", "veth via fd00:244:1::5 src fd00:244:1::1"],
  ["fd00:244:2::5", "flannel.1 via fd00:244:2:: src fd00:244:1::"],
  ["2001:db8::1", "eth0 via fd00:7::1 src fd00:7::10"],
];
/** The same where nodes reach each other's Pods straight. */
const directWays: readonly (readonly [to: string, expected: string])[] = [
  ["8.8.8.8", "eth0 via 192.168.7.3 src 192.168.7.1"],
  ["10.244.1.5", "veth via 10.244.1.5 src 10.244.1.1"],
  ["10.244.2.5", "eth0 via 192.168.7.2 src 192.168.7.1"],
  ["172.30.9.9", "eth0 via 192.168.7.2 src 192.168.7.1"],
  ["fd00:244:2::5", "eth0 via fd00:7::11 src fd00:7::10"],
];
for (const [kind, to, expected] of [
  ...ways.map((row) => ["overlay", ...row] as const),
  ...directWays.map((row) => ["direct", ...row] as const),
]) {
  test(`from node a to ${to} (${kind}): ${expected}`, (t) => {
    const walk = walkOf(makeHost(described("a", { podNetwork: kind })));
    const flow = { family: familyOfText(to), dst: address(to), mark: 0, tos: 0, protocol: 6, sport: 1, dport: 2 };
    t.is(decisionText(routeOutput(walk, flow)).replace(/veth[0-9a-f]{8}/, "veth"), expected);
  });
}

const localnet: readonly (readonly [minor: number, config: KubeProxyConfiguration, expected: boolean])[] = [
  [37, {}, true],
  [37, { iptables: { localhostNodePorts: false } }, false],
  [37, { nodePortAddresses: ["192.168.7.0/24"] }, false],
  [37, { nodePortAddresses: ["127.0.0.0/8"] }, true],
  [37, { mode: "nftables" }, false],
  [37, { mode: "ipvs" }, false],
  [20, { mode: "ipvs" }, true],
  [25, { nodePortAddresses: ["192.168.7.0/24"] }, false],
  [23, { nodePortAddresses: ["192.168.7.0/24"] }, true],
];
for (const [minor, config, expected] of localnet) {
  test(`route_localnet in 1.${minor} with ${JSON.stringify(config)}: ${expected}`, (t) => {
    t.is(described("a", { minor, config }).sysctls.ipv4.get("all")?.routeLocalnet === true, expected);
  });
}

test("kube-proxy's own sysctls", (t) => {
  const { sysctls } = described("a", { config: { conntrack: { tcpBeLiberal: true, udpTimeout: "90s" } } });
  t.true(sysctls.tcpBeLiberal && sysctls.ipForward && sysctls.ipv6Forwarding);
  t.deepEqual(Object.fromEntries(sysctls.conntrackTimeouts), {
    tcp_timeout_established: 86400,
    tcp_timeout_close_wait: 3600,
    udp_timeout: 90,
  });
});

test("a host file replaces what is assumed", (t) => {
  const hostFile = {
    interfaces: [{ name: "ens3", addresses: ["192.168.7.1/20", "10.1.1.1/30"] }],
    conntrackTCPLiberal: true,
  };
  const { host, found } = hostOfNode("a", { hostFile });
  t.deepEqual(
    host?.interfaces.slice(0, 3).map(({ name }) => name),
    ["lo", "ens3", "flannel.1"],
  );
  t.true(host?.sysctls.tcpBeLiberal);
  t.false(found.some(({ code }) => code === "interfaces-assumed"));
  t.deepEqual(
    host?.routes.filter(({ prefixLength }) => prefixLength === 20).map(({ destination }) => addressText(destination)),
    ["192.168.0.0"],
  );
});

test("kube-ipvs0 is never up, and what is bound to it is local all the same; the kernel holds IPv6 addresses newest first", (t) => {
  const bound = ["10.96.0.1", "fd00:96::1", "10.96.0.2", "fd00:96::2"];
  const host = described("a", { bound });
  const dummy = host.interfaces.find(({ name }) => name === "kube-ipvs0");
  t.deepEqual(
    [dummy?.up, dummy?.addresses.map((own) => addressText(own.address))],
    [false, ["10.96.0.1", "10.96.0.2", "fd00:96::2", "fd00:96::1"]],
  );
  const local = host.routes.filter(({ nextHops: [hop] }) => hop?.device === "kube-ipvs0");
  t.deepEqual(
    local.map(
      ({ table, type, destination, prefixLength }) => `${table} ${type} ${addressText(destination)}/${prefixLength}`,
    ),
    ["255 local 10.96.0.1/32", "255 local 10.96.0.2/32", "255 local fd00:96::2/128", "255 local fd00:96::1/128"],
  );
  t.true(described("a", { bound: [] }).interfaces.some(({ name }) => name === "kube-ipvs0"));
  t.false(described("a").interfaces.some(({ name }) => name === "kube-ipvs0"));
});

test("an address with the link for its scope, and one that is a router's no more", (t) => {
  const interfaces = [{ name: "ens3", addresses: ["192.168.7.1/24", "192.168.7.3/24", "fe80::1/64", "fd00:7::10/64"] }];
  const node = nodeObject("a", [], []);
  const { interfaces: made, routes } = described("a", { items: [node], hostFile: { interfaces } });
  t.deepEqual(
    made.find(({ name }) => name === "ens3")?.addresses.map(({ scope }) => scope),
    ["global", "global", "link", "global"],
  );
  const gateways = routes.flatMap(({ nextHops: [hop] }) => hop?.gateway ?? []);
  t.is(gateways.map(({ address: text }) => addressText(text))[0], "192.168.7.2");
});

test("an address that slices claim for two nodes leads to the Pod here", (t) => {
  const items = [
    objects[0],
    objects[1],
    slice([endpoint("a", "172.30.9.9", "p3"), endpoint("b", "172.30.9.9")]),
  ] as object[];
  const found = described("a", { items }).routes.filter(({ destination }) => addressText(destination) === "172.30.9.9");
  t.is(found.length, 1);
  t.regex(found[0]?.nextHops[0]?.device ?? "", /^veth/);
});

test("what is assumed is said", (t) => {
  const { found } = hostOfNode("a");
  t.deepEqual(
    found.map(({ code }) => code),
    ["interfaces-assumed", "gateway-assumed", "gateway-assumed", "pod-routes-assumed"],
  );
  t.true(found.every(({ severity }) => severity === "note"));
});

test("the order of objects never shows", (t) => {
  t.deepEqual(described("a"), described("a", { items: [...objects].reverse() }));
});

test("a Node that is not there is an error", (t) => {
  const { host, found } = hostOfNode("zz");
  t.is(host, undefined);
  t.deepEqual(
    found.map(({ code }) => code),
    ["no-such-node"],
  );
});
