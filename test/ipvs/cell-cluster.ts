import { protocolNames } from "./test-node.ts";

/** Addresses of one family that the cluster has, by what they are. */
const addresses = {
  IPv4: {
    pod: (node: number, n: number) => `10.244.${node}.${n}`,
    cluster: (n: number) => `10.96.7.${n}`,
    external: (n: number) => `198.51.100.${n}`,
    ingress: (n: number) => `203.0.113.${n}`,
    node: (n: number) => `192.168.10.${10 + n}`,
    podCIDR: (n: number) => `10.244.${n}.0/24`,
  },
  IPv6: {
    pod: (node: number, n: number) => `fd00:10:244:${node}::${n}`,
    cluster: (n: number) => `fd00:10:96::7:${n}`,
    external: (n: number) => `2001:db8:2::${n}`,
    ingress: (n: number) => `2001:db8:1::${n}`,
    node: (n: number) => `fd00:a::${10 + n}`,
    podCIDR: (n: number) => `fd00:10:244:${n}::/64`,
  },
} as const;
const families = ["IPv4", "IPv6"] as const;

const nodeName = (n: number): string => `worker-${n}`;

function nodeObject(n: number): object {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: nodeName(n), labels: { "kubernetes.io/hostname": nodeName(n) } },
    spec: {
      podCIDR: addresses.IPv4.podCIDR(n),
      podCIDRs: families.map((family) => addresses[family].podCIDR(n)),
    },
    status: { addresses: families.map((family) => ({ type: "InternalIP", address: addresses[family].node(n) })) },
  };
}

/** One Service of every protocol and with every kind of address. */
function serviceObject(name: string, n: number, spec: object): object {
  const clusterIPs = families.map((family) => addresses[family].cluster(n));
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "cells" },
    spec: {
      type: "LoadBalancer",
      clusterIP: clusterIPs[0],
      clusterIPs,
      ipFamilies: families,
      ipFamilyPolicy: "RequireDualStack",
      externalTrafficPolicy: "Cluster",
      internalTrafficPolicy: "Cluster",
      allocateLoadBalancerNodePorts: true,
      sessionAffinity: "None",
      externalIPs: families.map((family) => addresses[family].external(n)),
      ports: protocolNames.map((protocol, i) => ({
        name: protocol,
        protocol: protocol.toUpperCase(),
        port: 80 + i,
        targetPort: 8080 + i,
        nodePort: 30000 + 10 * n + i,
      })),
      ...spec,
    },
    status: {
      loadBalancer: { ingress: families.map((family) => ({ ip: addresses[family].ingress(n), ipMode: "VIP" })) },
    },
  };
}

/** Endpoints on both nodes; those of one family have addresses of their own for each Service. */
function sliceObjects(name: string, n: number): readonly object[] {
  return families.map((family) => ({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: `${name}-${family.toLowerCase()}`,
      namespace: "cells",
      labels: { "kubernetes.io/service-name": name },
    },
    addressType: family,
    ports: protocolNames.map((protocol, i) => ({ name: protocol, protocol: protocol.toUpperCase(), port: 8080 + i })),
    endpoints: [
      ...[1, 1, 2, 2].map((node, i) => ({
        addresses: [addresses[family].pod(node, 10 * n + i)],
        conditions: { ready: true, serving: true, terminating: false },
        nodeName: nodeName(node),
      })),
      ...(name === "plain"
        ? [
            {
              addresses: [addresses[family].node(1)],
              conditions: { ready: true, serving: true, terminating: false },
              nodeName: nodeName(1),
            },
          ]
        : []),
    ],
  }));
}

/** Objects in which every kind of destination is there in every protocol and both families. */
export function cellObjects(): readonly object[] {
  const local = {
    externalTrafficPolicy: "Local",
    healthCheckNodePort: 32100,
    loadBalancerSourceRanges: ["203.0.113.0/24", "10.244.0.0/16", "2001:db8:77::/48"],
  };
  const sticky = { sessionAffinity: "ClientIP", sessionAffinityConfig: { clientIP: { timeoutSeconds: 600 } } };
  return [
    nodeObject(1),
    nodeObject(2),
    serviceObject("plain", 1, {}),
    serviceObject("local", 2, local),
    serviceObject("sticky", 3, sticky),
    serviceObject("empty", 4, {}),
    ...sliceObjects("plain", 1),
    ...sliceObjects("local", 2),
    ...sliceObjects("sticky", 3),
  ];
}
