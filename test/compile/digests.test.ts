import { createHash } from "node:crypto";
import test from "ava";
import { buildCluster } from "../../src/cluster/build.ts";
import { resolveKubeProxyConfig } from "../../src/cluster/kubeproxy-config.ts";
import { compileIptables, compileIptablesText } from "../../src/compile/iptables/compile.ts";
import { readManifests } from "../../src/manifest/read-manifests.ts";
import { type ProxyState, proxyState } from "../../src/proxy/state.ts";
import { formatScript } from "../../src/rules/iptables/format.ts";

/**
 * Six Services whose whole restore text the generators of these releases wrote, in this order of Services; known by
 * its SHA-256. Unlike the records this compares every byte, the order of all lines included.
 */
const services = [
  {
    ns: "default",
    name: "web",
    ip: "10.96.10.1",
    port: ["http", 80, "TCP"],
    to: 8080,
    pods: ["10.244.1.10", "10.244.1.9", "10.244.2.4"],
  },
  { ns: "kube-system", name: "dns", ip: "10.96.0.10", port: ["dns", 53, "UDP"], to: 53, pods: [] },
  {
    ns: "shop",
    name: "np",
    ip: "10.96.10.4",
    port: ["http", 80, "TCP", 31080],
    to: 8080,
    pods: ["10.244.1.6"],
    spec: { type: "NodePort", externalTrafficPolicy: "Cluster" },
  },
  {
    ns: "shop",
    name: "edge",
    ip: "10.96.10.2",
    port: ["https", 443, "TCP", 31443],
    to: 8443,
    pods: ["10.244.0.5", "10.244.1.6"],
    spec: { type: "LoadBalancer", externalTrafficPolicy: "Local", healthCheckNodePort: 32000 },
    vip: "198.51.100.7",
  },
  {
    ns: "ops",
    name: "api",
    ip: "10.96.10.3",
    port: ["rest", 8080, "TCP", 30080],
    to: 9000,
    pods: ["10.244.0.7", "10.244.2.8"],
    spec: {
      type: "LoadBalancer",
      externalTrafficPolicy: "Cluster",
      loadBalancerSourceRanges: ["192.168.7.0/24", "203.0.113.0/24"],
      sessionAffinity: "ClientIP",
    },
    vip: "198.51.100.8",
  },
  {
    ns: "ops",
    name: "ext",
    ip: "10.96.10.5",
    port: ["http", 80, "TCP"],
    to: 8080,
    pods: ["10.244.2.9"],
    spec: { externalIPs: ["203.0.113.9"] },
  },
] as const;

/** Pods of this node have addresses in 10.244.0.0/24. */
const onThisNode = (pod: string): boolean => pod.startsWith("10.244.0.");

const items = services.flatMap((service) => {
  const { ns: namespace, name, ip, port, to, pods } = service;
  const [portName, number, protocol, nodePort] = port;
  return [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { namespace, name },
      spec: {
        clusterIP: ip,
        clusterIPs: [ip],
        ports: [{ name: portName, port: number, protocol, ...(nodePort !== undefined && { nodePort }) }],
        ...("spec" in service && service.spec),
      },
      ...("vip" in service && { status: { loadBalancer: { ingress: [{ ip: service.vip }] } } }),
    },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { namespace, name: `${name}-1`, labels: { "kubernetes.io/service-name": name } },
      addressType: "IPv4",
      endpoints: pods.map((pod) => ({ addresses: [pod], nodeName: onThisNode(pod) ? "node-a" : "node-b" })),
      ports: [{ name: portName, port: to, protocol }],
    },
  ];
});

function stateOf(minor: number): ProxyState {
  const unexpected = ({ severity, message }: { severity: string; message: string }): void => {
    if (severity === "error") throw new Error(message);
  };
  const source = { name: "six.json", text: JSON.stringify({ apiVersion: "v1", kind: "List", items }) };
  const cluster = buildCluster(
    readManifests([source], { validate: "strict" }, unexpected),
    { validate: "strict" },
    unexpected,
  );
  const { config } = resolveKubeProxyConfig({ clusterCIDR: "10.244.0.0/16" }, { minor });
  if (config === undefined) throw new Error("configuration refused");
  const state = proxyState(cluster, {
    release: { minor },
    family: "IPv4",
    node: { name: "node-a", ips: [{ family: "IPv4", value: 0xc0a8070a }], zone: "", podCIDRs: [] },
    host: {
      interfaces: [],
      nfacct: { ctStateInvalidDropped: true, localhostNodePortsAccepted: true },
      conntrackTCPLiberal: false,
      randomFully: true,
    },
    // releases up to 1.27 learned their node IP from the bind address here
    config: minor <= 27 ? { ...config, bindAddress: "192.168.7.10" } : config,
  });
  const ports = services.map(({ ns, name }) =>
    state.ports.find(({ port }) => port.namespace === ns && port.name === name),
  );
  return { ...state, ports: ports.flatMap((decision) => decision ?? []) };
}

const digests: readonly (readonly [minors: readonly number[], lines: number, sha256: string])[] = [
  [[21], 100, "637cefde087c71bc917df82a8d19b34659e2512dfd06b7af2fe468f269d71a09"],
  [[25, 26], 103, "2d8c5ab01fae066429d18d057913c2467ab774be429e33d0a991a7c33cca3beb"],
  [[27, 28, 29, 30], 106, "17579dc9487369e8e47f79266fd3b21f78c63fba702f6c735629006e7f23b987"],
  [[31, 32, 33, 34, 35, 36, 37], 109, "2996ddbae586df589530c8a57118cdfb4c57ed8723821cae6487feb16ec961c5"],
];

for (const [minors, lines, sha256] of digests) {
  for (const minor of minors) {
    test(`1.${minor} writes these ${lines} lines`, (t) => {
      const state = stateOf(minor);
      const text = compileIptablesText(state);
      t.is(text.split("\n").length - 1, lines);
      t.is(createHash("sha256").update(text).digest("hex"), sha256);
      t.true(formatScript(compileIptables(state).restore) === text);
    });
  }
}
