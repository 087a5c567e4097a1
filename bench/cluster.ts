import { hash } from "node:crypto";
import { type Cluster, sortedCluster } from "../src/cluster/cluster.ts";
import { type ResolvedConfig, resolveKubeProxyConfig } from "../src/cluster/kubeproxy-config.ts";
import type { EndpointSlice } from "../src/manifest/endpointslice.ts";
import type { Origin } from "../src/manifest/object.ts";
import type { Service } from "../src/manifest/service.ts";
import { formatIPv4 } from "../src/net/ip.ts";
import type { SHA256Hex } from "../src/net/sha256.ts";
import type { ProxyStateOptions } from "../src/proxy/state.ts";

export const sha256: SHA256Hex = (text) => hash("sha256", text, "hex");

const POD_NETWORK = 0x0a800000;
const SERVICE_NETWORK = 0x0a600000;
const SLICE_SIZE = 100;

function service(i: number): Service {
  const clusterIP = formatIPv4(SERVICE_NETWORK + i + 1);
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: `svc-${i}`, namespace: `ns-${i % 50}` },
    spec: {
      type: "ClusterIP",
      clusterIP,
      clusterIPs: [clusterIP],
      ipFamilies: ["IPv4"],
      ipFamilyPolicy: "SingleStack",
      internalTrafficPolicy: "Cluster",
      ports: [{ name: "http", port: 80, protocol: "TCP", targetPort: 8080 }],
      selector: { app: `svc-${i}` },
      sessionAffinity: "None",
    },
  };
}

function slice(i: number, part: number, size: number, firstPod: number): EndpointSlice {
  const endpoints = Array.from({ length: size }, (_, e) => ({
    addresses: [formatIPv4(POD_NETWORK + firstPod + e)],
    conditions: { ready: true, serving: true, terminating: false },
    nodeName: `node-${(firstPod + e) % 100}`,
    zone: `zone-${(firstPod + e) % 3}`,
  }));
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: `svc-${i}-${part}`,
      namespace: `ns-${i % 50}`,
      labels: { "kubernetes.io/service-name": `svc-${i}` },
    },
    addressType: "IPv4",
    endpoints,
    ports: [{ name: "http", port: 8080, protocol: "TCP" }],
  };
}

/** Plain ClusterIP Services, each with as many ready endpoints on a hundred nodes: objects as a cluster holds them. */
export function objects(services: number, endpoints: number): readonly (Service | EndpointSlice)[] {
  const list: (Service | EndpointSlice)[] = [];
  for (let i = 0; i < services; i++) {
    list.push(service(i));
    for (let first = 0, part = 0; first < endpoints; first += SLICE_SIZE, part++) {
      list.push(slice(i, part, Math.min(SLICE_SIZE, endpoints - first), i * endpoints + first));
    }
  }
  return list;
}

const NOWHERE: Origin = { source: { name: "bench", text: "" }, format: "json", offset: 0, end: 0, path: [] };

/** The same as a cluster that was read already. */
export function cluster(services: number, endpoints: number): Cluster {
  const located = objects(services, endpoints).map((value) => ({ value, origin: NOWHERE }));
  return sortedCluster({
    services: located.flatMap(({ value, origin }) => (value.kind === "Service" ? [{ value, origin }] : [])),
    endpointSlices: located.flatMap(({ value, origin }) => (value.kind === "EndpointSlice" ? [{ value, origin }] : [])),
    nodes: [],
  });
}

function config(): ResolvedConfig {
  const { config } = resolveKubeProxyConfig({ mode: "iptables", clusterCIDR: "10.128.0.0/9" }, { minor: 37 });
  if (config === undefined) throw new Error("the configuration of the benchmark is refused");
  return config;
}

/** A node of that cluster. */
export const options: ProxyStateOptions = {
  release: { minor: 37 },
  family: "IPv4",
  node: { name: "node-1", ips: [{ family: "IPv4", value: 0xc0a80001 }], zone: "zone-1", podCIDRs: [] },
  host: {
    interfaces: [],
    nfacct: { ctStateInvalidDropped: true, localhostNodePortsAccepted: true },
    conntrackTCPLiberal: false,
    randomFully: true,
  },
  config: config(),
};
