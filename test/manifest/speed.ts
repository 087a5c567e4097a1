import { readManifests } from "../../src/manifest/read-manifests.ts";

/** Times of one run, in milliseconds, and their ratio: what reading costs beside `JSON.parse` of the same text. */
export interface ReadSpeed {
  readonly bytes: number;
  readonly parse: number;
  readonly read: number;
  readonly ratio: number;
}

function serviceAt(i: number): unknown {
  const labels = { app: `app-${i}`, "app.kubernetes.io/part-of": "shop" };
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      annotations: {
        "kubectl.kubernetes.io/last-applied-configuration": `{"apiVersion":"v1","kind":"Service","n":${i}}\n`,
      },
      creationTimestamp: "2026-01-01T00:00:00Z",
      labels,
      name: `service-${i}`,
      namespace: `ns-${i % 50}`,
      resourceVersion: `${1000 + i}`,
      uid: `7f7c4a1e-0000-4000-8000-${String(i).padStart(12, "0")}`,
    },
    spec: {
      clusterIP: `10.96.${(i >> 8) & 255}.${i & 255}`,
      clusterIPs: [`10.96.${(i >> 8) & 255}.${i & 255}`],
      internalTrafficPolicy: "Cluster",
      ipFamilies: ["IPv4"],
      ipFamilyPolicy: "SingleStack",
      ports: [{ name: "http", port: 80, protocol: "TCP", targetPort: 8080 }],
      selector: labels,
      sessionAffinity: "None",
      type: "ClusterIP",
    },
    status: { loadBalancer: {} },
  };
}

function sliceAt(i: number): unknown {
  const endpoint = (j: number): unknown => ({
    addresses: [`10.244.${i & 255}.${j + 2}`],
    conditions: { ready: true, serving: true, terminating: false },
    nodeName: `worker-${j}`,
    targetRef: { kind: "Pod", name: `app-${i}-${j}`, namespace: `ns-${i % 50}`, uid: `pod-${i}-${j}` },
    zone: "zone-a",
  });
  return {
    addressType: "IPv4",
    apiVersion: "discovery.k8s.io/v1",
    endpoints: [endpoint(0), endpoint(1), endpoint(2)],
    kind: "EndpointSlice",
    metadata: {
      creationTimestamp: "2026-01-01T00:00:00Z",
      generateName: `service-${i}-`,
      generation: 1,
      labels: { "kubernetes.io/service-name": `service-${i}` },
      name: `service-${i}-x7k2p`,
      namespace: `ns-${i % 50}`,
      ownerReferences: [
        { apiVersion: "v1", blockOwnerDeletion: true, controller: true, kind: "Service", name: "s", uid: "u" },
      ],
      resourceVersion: "1",
      uid: "y",
    },
    ports: [{ name: "http", port: 8080, protocol: "TCP" }],
  };
}

/** A List as `kubectl get svc,endpointslices,nodes -A -o json` prints it, with that many Services and slices. */
export function clusterText(services: number): string {
  const items: unknown[] = [];
  for (let i = 0; i < services; i++) items.push(serviceAt(i), sliceAt(i));
  for (let i = 0; i < services / 100; i++) {
    items.push({
      apiVersion: "v1",
      kind: "Node",
      metadata: { name: `worker-${i}` },
      spec: { podCIDR: `10.244.${i & 255}.0/24` },
      status: { addresses: [{ address: "192.168.0.1", type: "InternalIP" }], allocatable: { cpu: "4" } },
    });
  }
  const text = JSON.stringify({ apiVersion: "v1", items, kind: "List", metadata: { resourceVersion: "" } }, null, 4);
  // through bytes and back: a flat string of one byte a character, as a file gives
  return new TextDecoder().decode(new TextEncoder().encode(text));
}

/** The best of some rounds, parse and read in turn in the same process; strict validation. */
export function readSpeed(text: string, rounds: number): ReadSpeed {
  let parse = Number.POSITIVE_INFINITY;
  let read = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const begin = performance.now();
    JSON.parse(text);
    const middle = performance.now();
    readManifests([{ name: "dump.json", text }], { validate: "strict" }, (diagnostic) => {
      throw new Error(diagnostic.message);
    });
    parse = Math.min(parse, middle - begin);
    read = Math.min(read, performance.now() - middle);
  }
  return { bytes: text.length, parse, read, ratio: read / parse };
}
