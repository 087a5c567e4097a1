import { buildCluster } from "../../src/cluster/build.ts";
import { resolveKubeProxyConfig } from "../../src/cluster/kubeproxy-config.ts";
import { type CompiledIPVS, compileIPVS } from "../../src/compile/ipvs/compile.ts";
import { loadSet } from "../../src/compile/ipvs/sets.ts";
import type { KubeProxyConfiguration } from "../../src/manifest/kubeproxy.ts";
import { readManifests } from "../../src/manifest/read-manifests.ts";
import type { IPFamily } from "../../src/net/family.ts";
import { parseIP } from "../../src/net/ip.ts";
import { type ProxyState, proxyState } from "../../src/proxy/state.ts";
import { formatIPSets } from "../../src/rules/ipset/format.ts";
import { formatIPVSCommands } from "../../src/rules/ipvs/format.ts";

interface Setting {
  readonly minor?: number;
  readonly config?: KubeProxyConfiguration;
  readonly family?: IPFamily;
}

const ADDRESSES = ["127.0.0.1/8", "192.168.1.10/24", "fd00::a/64", "fe80::1/64", "10.244.1.1/24"];

export function stateOf(
  items: readonly object[],
  { minor = 37, config: written, family = "IPv4" }: Setting = {},
): ProxyState {
  const report = ({ severity, message }: { severity: string; message: string }): void => {
    if (severity === "error") throw new Error(message);
  };
  const source = { name: "rows", text: JSON.stringify({ apiVersion: "v1", kind: "List", items }) };
  const cluster = buildCluster(readManifests([source], { validate: "ignore" }, report), { validate: "ignore" }, report);
  const { config, errors } = resolveKubeProxyConfig(
    { mode: "ipvs", clusterCIDR: "10.244.0.0/16", ...written },
    { minor },
  );
  if (config === undefined) throw new Error(JSON.stringify(errors));
  return proxyState(cluster, {
    release: { minor },
    family,
    node: { name: "n1", ips: [parseIP("192.168.1.10") ?? { family: "IPv4", value: 0 }], zone: "", podCIDRs: [] },
    host: {
      interfaces: ADDRESSES.map((address, i) => ({ name: `eth${i}`, addresses: [address] })),
      nfacct: { ctStateInvalidDropped: false, localhostNodePortsAccepted: false },
      conntrackTCPLiberal: false,
      randomFully: true,
    },
    config,
  });
}

export const compiled = (items: readonly object[], setting?: Setting): CompiledIPVS =>
  compileIPVS(stateOf(items, setting));

export const service = (name: string, ip: string, spec: object, status: object = {}): object => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: name.split("/")[1], namespace: name.split("/")[0] },
  spec: { clusterIP: ip, clusterIPs: [ip], ...spec },
  status,
});

export const slice = (name: string, port: object, endpoints: readonly object[]): object => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: {
    name: `${name.split("/")[1]}-1`,
    namespace: name.split("/")[0],
    labels: { "kubernetes.io/service-name": name.split("/")[1] },
  },
  addressType: "IPv4",
  endpoints,
  ports: [{ name: "", ...port }],
});

export const here = (address: string): object => ({ addresses: [address], nodeName: "n1" });
export const elsewhere = (address: string): object => ({ addresses: [address], nodeName: "n2" });
export const ingress = (...ips: readonly string[]): object => ({
  loadBalancer: { ingress: ips.map((ip) => ({ ip })) },
});

/** The worked example of ipvs-mode §12, whose texts the real kube-proxy, ipvsadm and ipset gave. */
export const example: readonly object[] = [
  service("default/kubernetes", "10.96.0.1", { ports: [{ port: 443 }] }),
  slice("default/kubernetes", { port: 6443 }, [{ addresses: ["192.168.1.10"] }]),
  service(
    "default/web",
    "10.96.10.20",
    { type: "LoadBalancer", ports: [{ port: 80, nodePort: 30080 }], loadBalancerSourceRanges: ["198.51.100.0/24"] },
    ingress("203.0.113.10"),
  ),
  slice("default/web", { port: 8080 }, [here("10.244.1.5"), elsewhere("10.244.2.7")]),
  service("default/sticky", "10.96.10.30", { ports: [{ port: 443 }], sessionAffinity: "ClientIP" }),
  service("kube-system/dns", "10.96.0.10", { ports: [{ port: 53, protocol: "UDP" }] }),
  slice("kube-system/dns", { port: 53, protocol: "UDP" }, [here("10.244.1.3")]),
];

export const setsText = (made: CompiledIPVS): string =>
  formatIPSets(new Map(made.sets.map((set) => [set.name, loadSet(set)] as const)));
export const entriesOf = (made: CompiledIPVS, name: string): string[] =>
  setsText(made)
    .split("\n")
    .filter((line) => line.startsWith(`add ${name} `))
    .map((line) => line.slice(`add ${name} `.length));
export const serversOf = (made: CompiledIPVS): string => formatIPVSCommands(made.table);

export const ranged = (...ranges: readonly string[]): readonly object[] => [
  service(
    "n/s",
    "10.96.0.1",
    { type: "LoadBalancer", ports: [{ port: 80 }], loadBalancerSourceRanges: ranges },
    ingress("203.0.113.10"),
  ),
];
