import test from "ava";
import { faultsOf, playSteps } from "./support.ts";

const QUESTION = `  - connect: { name: q, from: 10.1.1.9, to: "svc/dns:dns", choose: 10.1.2.53 }\n`;
const service = (more: string): string =>
  `  - apply: { apiVersion: v1, kind: Service, metadata: { name: dns, namespace: default }, spec: { ports: [{ name: dns, port: 53, protocol: UDP }], clusterIP: 10.96.0.10, clusterIPs: [10.96.0.10]${more} }, status: { loadBalancer: { ingress: [{ ip: 203.0.113.50 }] } } }\n`;
const SLICE = `  - apply: { apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: { name: dns-1, namespace: default, labels: { kubernetes.io/service-name: dns } }, addressType: IPv4, endpoints: [{ addresses: [10.1.1.53], nodeName: one }], ports: [{ name: dns, port: 5353, protocol: UDP }] }\n`;
const before = (to: string): string =>
  `  - delete: svc/dns\n  - connect: { name: q, from: 10.1.1.9, to: "${to}", proto: udp }\n${service(", type: LoadBalancer")}${SLICE}`;

/** What kube-proxy itself deletes in ipvs mode (ipvs-mode §7.6; pkg/proxy/ipvs/proxier.go of each release), and in which releases. */
const cleanups: readonly (readonly [what: string, steps: string, from: number, to: number])[] = [
  ["an entry to a ClusterIP that is older than its Service", before("10.96.0.10:53"), 21, 37],
  ["an entry to a load balancer's address that is older than its Service", before("203.0.113.50:53"), 22, 37],
  [
    "entries of a node port in every pass",
    `  - connect: { name: q, from: 10.1.1.9, to: "node/one:30053", proto: udp }\n  - endpoint: { remove: 10.1.1.80, of: web }`,
    21,
    26,
  ],
  [
    "entries of a node port in the pass of every 30 s",
    `  - wait: 1s\n  - connect: { name: q, from: 10.1.1.9, to: "node/one:30053", proto: udp }\n  - wait: 29s`,
    21,
    26,
  ],
  [
    "nothing of an endpoint that is gone, as its entries ended with its connections",
    `${QUESTION}  - endpoint: { remove: 10.1.2.53, of: dns }`,
    0,
    0,
  ],
];

for (const [what, steps, from, to] of cleanups)
  test(`kube-proxy deletes ${what}`, (t) => {
    for (const minor of [21, 22, 25, 26, 27, 28, 29, 31, 32, 34, 37]) {
      const played = playSteps(steps, { mode: "ipvs", minor });
      t.deepEqual(faultsOf(played), []);
      const deleted = played.steps.flatMap(({ data }) => (data.deleted ?? []) as readonly { readonly node: string }[]);
      const here = deleted.filter(({ node }) => node === "one").length;
      t.is(here, minor >= from && minor <= to ? 1 : 0, `1.${minor}`);
    }
  });
