import { seededRandom } from "../../src/net/random.ts";

const NODES = 3;

/** A cluster of three nodes and Services of every kind and policy, some with one shape, each with up to five endpoints. */
export function policyCluster(services: number): string {
  const random = seededRandom("policies");
  const objects: unknown[] = Array.from({ length: NODES }, (_, n) => ({
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: `n${n}` },
    spec: { podCIDR: `10.${n + 1}.0.0/16`, podCIDRs: [`10.${n + 1}.0.0/16`] },
    status: { addresses: [{ type: "InternalIP", address: `192.168.0.${n + 1}` }] },
  }));
  objects.push({
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    mode: "iptables",
    clusterCIDR: "10.0.0.0/13",
  });
  const addresses = Array.from({ length: NODES }, () => 2);
  for (let i = 0; i < services; i++) {
    const type = random.pick(["ClusterIP", "NodePort", "LoadBalancer"]);
    const exposed = type !== "ClusterIP";
    const metadata = { name: `s${i}`, namespace: "default" };
    const clusterIP = `10.96.0.${i + 1}`;
    const externalTrafficPolicy = random.pick(["Local", "Cluster"]);
    const spec = {
      type,
      clusterIP,
      clusterIPs: [clusterIP],
      ipFamilies: ["IPv4"],
      internalTrafficPolicy: random.weighted({ Cluster: 3, Local: 1 }),
      sessionAffinity: random.weighted({ None: 3, ClientIP: 1 }),
      ...(exposed ? { externalTrafficPolicy } : {}),
      ...(type === "LoadBalancer" && random.chance(0.5)
        ? { loadBalancerSourceRanges: [random.pick(["203.0.113.0/24", "10.2.0.0/16", "192.168.0.0/24"])] }
        : {}),
      ...(type === "LoadBalancer" && externalTrafficPolicy === "Local" ? { healthCheckNodePort: 32000 + i } : {}),
      ports: [
        {
          name: "http",
          // some have the number of another's node port
          port: random.chance(0.2) ? 30000 + random.below(20) : 80,
          protocol: random.weighted({ TCP: 3, UDP: 1 }),
          ...(exposed ? { nodePort: 30000 + i } : {}),
        },
      ],
    };
    const status = type === "LoadBalancer" ? { loadBalancer: { ingress: [{ ip: `198.51.100.${i + 1}` }] } } : {};
    objects.push({ apiVersion: "v1", kind: "Service", metadata, spec, status });
    const endpoints = Array.from({ length: random.below(6) }, () => {
      const node = random.below(NODES);
      const last = addresses[node] ?? 2;
      addresses[node] = last + 1;
      const terminating = random.chance(0.2);
      const conditions = { ready: !terminating, serving: random.chance(0.8), terminating };
      return { addresses: [`10.${node + 1}.${last >> 8}.${last & 255}`], nodeName: `n${node}`, conditions };
    });
    const labels = { "kubernetes.io/service-name": `s${i}` };
    const ports = [{ name: "http", port: 8080, protocol: spec.ports[0]?.protocol }];
    objects.push({
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: `s${i}-x`, namespace: "default", labels },
      addressType: "IPv4",
      endpoints,
      ports,
    });
  }
  return objects.map((object) => JSON.stringify(object)).join("\n");
}
