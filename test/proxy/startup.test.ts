import test from "ava";
import { resolveKubeProxyConfig } from "../../src/cluster/kubeproxy-config.ts";
import type { KubeProxyConfiguration } from "../../src/manifest/kubeproxy.ts";
import { parseIP } from "../../src/net/ip.ts";
import { bindAddressPair, detectNodeIPs, type NodeView, nodeView, primaryOnly } from "../../src/proxy/node.ts";
import { parseRelease, traitsOf } from "../../src/proxy/release.ts";
import { startFindings } from "../../src/proxy/startup.ts";

function node(ips: readonly string[], podCIDRs: readonly string[] = []): NodeView {
  return { name: "a", ips: ips.flatMap((text) => parseIP(text) ?? []), zone: "", podCIDRs };
}

const V4 = ["192.168.0.1"];
const V6_FIRST = ["fd00::1", "192.168.0.1"];
const DUAL_PODS = ["10.244.1.0/24", "fd00:1::/64"];
const CLUSTER = { clusterCIDR: "10.244.0.0/16" };

/** Configuration, node → codes of what kube-proxy says, an exclamation mark behind those that keep it from starting. */
const rows: readonly (readonly [string, KubeProxyConfiguration, NodeView, readonly string[]])[] = [
  ["a usual cluster", CLUSTER, node(V4), []],
  ["no cluster CIDR", {}, node(V4), ["no-cluster-cidr"]],
  [
    "a cluster CIDR of the other family",
    { clusterCIDR: "fd00::/48" },
    node(V4),
    ["no-cluster-cidr", "cluster-cidr-family"],
  ],
  [
    "an IPv6 bind address",
    { ...CLUSTER, bindAddress: "fd00::9" },
    node(V4),
    ["no-cluster-cidr", "cluster-cidr-family"],
  ],
  ["Pod CIDRs", { detectLocalMode: "NodeCIDR" }, node(V4, ["10.244.1.0/24"]), []],
  ["Pod CIDRs missing", { detectLocalMode: "NodeCIDR" }, node(V4), ["no-pod-cidr"]],
  [
    "Pod CIDRs of the other family",
    { detectLocalMode: "NodeCIDR" },
    node(V4, ["fd00:1::/64"]),
    ["no-pod-cidr", "pod-cidr-family!"],
  ],
  ["Pod CIDRs of the other family, not used", CLUSTER, node(V4, ["fd00:1::/64"]), ["pod-cidr-family"]],
  [
    "one family of node ports in a dual-stack cluster",
    { ...CLUSTER, nodePortAddresses: ["10.0.0.0/8"] },
    node(V4, DUAL_PODS),
    ["node-port-family"],
  ],
  [
    "both families of node ports",
    { ...CLUSTER, nodePortAddresses: ["10.0.0.0/8", "fd00::/8"] },
    node(V4, DUAL_PODS),
    [],
  ],
  ["node ports of the other family", { ...CLUSTER, nodePortAddresses: ["fd00::/8"] }, node(V4), ["node-port-family"]],
  ["an IPv6-first node", { clusterCIDR: "fd00::/48,10.0.0.0/8" }, node(V6_FIRST), []],
];

for (const [what, written, view, expected] of rows) {
  test(`kube-proxy at start: ${what}`, (t) => {
    const { config, errors } = resolveKubeProxyConfig({ mode: "iptables", ...written }, { minor: 37 });
    t.deepEqual(errors, []);
    if (config === undefined) return;
    const found = startFindings(config, view).map(({ code, fatal }) => (fatal ? `${code}!` : code));
    t.deepEqual(found, expected);
  });
}

test("node IPs: internal addresses first, one of each family, the bind address beats them", (t) => {
  const view = nodeView({
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "a", labels: { "topology.kubernetes.io/zone": "z" } },
    status: {
      addresses: [
        { type: "ExternalIP", address: "203.0.113.1" },
        { type: "Hostname", address: "a" },
        { type: "InternalIP", address: "nonsense" },
        { type: "InternalIP", address: "fd00::1" },
        { type: "InternalIP", address: "fd00::2" },
      ],
    },
  });
  t.deepEqual(view.ips, [parseIP("fd00::1"), parseIP("203.0.113.1")]);
  t.is(view.zone, "z");
  t.deepEqual(detectNodeIPs(view, "0.0.0.0"), {
    primary: "IPv6",
    byFamily: { IPv4: parseIP("203.0.113.1"), IPv6: parseIP("fd00::1") },
  });
  t.deepEqual(detectNodeIPs(view, "10.0.0.9").primary, "IPv4");
  t.deepEqual(detectNodeIPs(view, "10.0.0.9").byFamily.IPv4, parseIP("10.0.0.9"));
  t.deepEqual(detectNodeIPs(node([]), "::").byFamily, { IPv4: parseIP("127.0.0.1"), IPv6: parseIP("::1") });
  t.deepEqual(primaryOnly(detectNodeIPs(view, "::")), { IPv4: parseIP("0.0.0.0"), IPv6: parseIP("fd00::1") });
  t.deepEqual(bindAddressPair("10.0.0.9"), { IPv4: parseIP("10.0.0.9"), IPv6: parseIP("::") });
});

for (const [text, minor] of [
  ["1.37", 37],
  ["v1.37", 37],
  ["v1.21.14", 21],
  ["1.29.3+k3s1", 29],
  ["v1.37.0-rc.1", 37],
  ["1", undefined],
  ["2.1", undefined],
  ["1.37.x", undefined],
  ["latest", undefined],
] as const) {
  test(`parseRelease(${text})`, (t) => t.is(parseRelease(text)?.minor, minor));
}

test("a trait holds from its first to its last release", (t) => {
  const table = {
    early: { to: 23, reason: "" },
    middle: { from: 24, to: 24, reason: "" },
    late: { from: 24, reason: "" },
  };
  t.deepEqual(traitsOf(table, { minor: 23 }), { early: true, middle: false, late: false });
  t.deepEqual(traitsOf(table, { minor: 24 }), { early: false, middle: true, late: true });
  t.deepEqual(traitsOf(table, { minor: 25 }), { early: false, middle: false, late: true });
});
