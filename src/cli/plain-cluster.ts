import type { EndpointSlice } from "../manifest/endpointslice.ts";
import type { Node } from "../manifest/node.ts";
import type { Service } from "../manifest/service.ts";
import { formatIPv4 } from "../net/ip.ts";

const POD_NETWORK = 0x0a800000;
const SERVICE_NETWORK = 0x0a600000;
const NODE_NETWORK = 0xc0a80000;
const SLICE_SIZE = 100;
const NODES = 100;
const ZONES = 3;

/** What the networks above have addresses for: 10.96.0.0/11 for Services, 10.128.0.0/9 for all endpoints together. */
export const plainClusterLimits: { readonly services: number; readonly endpoints: number } = {
  services: 2 ** 21 - 2,
  endpoints: 2 ** 23,
};

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
    nodeName: `node-${(firstPod + e) % NODES}`,
    zone: `zone-${(firstPod + e) % ZONES}`,
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

function node(i: number): Node {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name: `node-${i}`,
      labels: { "kubernetes.io/hostname": `node-${i}`, "topology.kubernetes.io/zone": `zone-${i % ZONES}` },
    },
    status: { addresses: [{ type: "InternalIP", address: formatIPv4(NODE_NETWORK + i + 1) }] },
  };
}

/**
 * A cluster of `services` plain ClusterIP Services, each with `endpoints` ready endpoints spread over a hundred nodes
 * (`node-0` …) in three zones: the shape that kube-proxy's own benchmark uses. The same numbers give the same objects.
 */
export function plainCluster(services: number, endpoints: number): readonly (Service | EndpointSlice | Node)[] {
  const list: (Service | EndpointSlice | Node)[] = [];
  for (let i = 0; i < services; i++) {
    list.push(service(i));
    for (let first = 0, part = 0; first < endpoints; first += SLICE_SIZE, part++) {
      list.push(slice(i, part, Math.min(SLICE_SIZE, endpoints - first), i * endpoints + first));
    }
  }
  for (let i = 0; i < NODES; i++) list.push(node(i));
  return list;
}

/** That cluster as `kubectl get … -o json` prints it: one List, indented by four blanks. */
export function plainClusterJSON(services: number, endpoints: number): string {
  const items = plainCluster(services, endpoints);
  return JSON.stringify({ apiVersion: "v1", kind: "List", items, metadata: { resourceVersion: "" } }, undefined, 4);
}
